"""Rights, and the roles that are there from the start."""

from dataclasses import dataclass
from enum import StrEnum

ROLE_NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
ROLE_NAME_MOST_CHARACTERS = 50


class Right(StrEnum):
    MEDIA_READ = "media.read"
    MEDIA_CREATE = "media.create"
    MEDIA_UPDATE_OWN = "media.update_own"
    MEDIA_UPDATE_ANY = "media.update_any"
    MEDIA_DELETE_OWN = "media.delete_own"
    MEDIA_DELETE_ANY = "media.delete_any"
    JOB_READ = "job.read"
    JOB_RETRY_OWN = "job.retry_own"
    JOB_RETRY_ANY = "job.retry_any"
    USER_MANAGE = "user.manage"
    ROLE_MANAGE = "role.manage"
    SYSTEM_INSPECT = "system.inspect"


@dataclass(frozen=True, slots=True)
class BuiltInRole:
    """A role that migrations create and nobody may change."""

    name: str
    rights: frozenset[Right]


_READING = frozenset({Right.MEDIA_READ, Right.JOB_READ})
_OPERATING = frozenset(
    {
        Right.MEDIA_CREATE,
        Right.MEDIA_UPDATE_OWN,
        Right.MEDIA_DELETE_OWN,
        Right.JOB_RETRY_OWN,
    }
)

VIEWER = BuiltInRole("viewer", _READING)
MEDIA_OPERATOR = BuiltInRole("media_operator", _READING | _OPERATING)
ADMIN = BuiltInRole("admin", frozenset(Right))

BUILT_IN_ROLES = (ADMIN, MEDIA_OPERATOR, VIEWER)
