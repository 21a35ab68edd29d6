"""Who may do what, written out once more on purpose.

Nothing here is read from the code under test.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

READING = {"media.read", "job.read"}
OWN = {"media.create", "media.update_own", "media.delete_own", "job.retry_own"}
ANY = {"media.update_any", "media.delete_any", "job.retry_any"}
RUNNING = {"user.manage", "role.manage", "system.inspect"}
RIGHTS = {
    "viewer": READING,
    "media_operator": READING | OWN,
    "admin": READING | OWN | ANY | RUNNING,
}

ALL = ("all",)
SIGNED_IN = ("signed in",)
READ_MEDIA = ("media.read",)
UPDATE_MEDIA = ("media.update_own", "media.update_any")
DELETE_MEDIA = ("media.delete_own", "media.delete_any")
RETRY_JOB = ("job.retry_own", "job.retry_any")
USERS = ("user.manage",)
ROLES = ("role.manage",)
INSPECT = ("system.inspect",)


@dataclass(frozen=True)
class Subject:
    """What a request is about: the values of its path, its body and its files."""

    email: str
    password: str
    refresh: str
    new_name: str
    media: UUID | None = None
    user: UUID | None = None
    role: str = ""

    @property
    def account(self) -> dict[str, str]:
        return {"email": self.email, "password": self.password}

    @property
    def new_account(self) -> dict[str, str]:
        return {
            "email": f"{self.new_name}@example.org",
            "password": self.password,
        }


@dataclass(frozen=True)
class Operation:
    """One row: one of `rights` is enough.

    Of two the first is for one's own media. `status` and `code` answer a valid request,
    whose JSON is made by `body` or whose file has the name `file`.
    """

    name: str
    rights: tuple[str, ...]
    status: int = 200
    code: str = ""
    body: Callable[[Subject], Any] | None = None
    file: str = ""
    query: str = ""

    def __str__(self) -> str:
        return self.name

    @property
    def method(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.name.partition(" ")[2]

    def about(self, kind: str) -> bool:
        """Whether its path names one "media", "user" or "role"."""
        return f"{{{kind}}}" in self.path

    def address(self, subject: Subject) -> str:
        values = {kind: getattr(subject, kind) for kind in ("media", "user", "role")}
        return self.path.format(**values) + self.query

    @property
    def has_body(self) -> bool:
        return self.body is not None or bool(self.file)

    def status_for(self, role: str | None, *, foreign: bool) -> int:
        """`role` is None for whoever is not signed in."""
        if self.rights == ALL:
            return self.status
        if role is None:
            return 401
        if self.rights == SIGNED_IN:
            return self.status
        needed = self.rights[-1 if foreign else 0]
        return self.status if needed in RIGHTS[role] else 403


OPERATIONS = (
    Operation("GET /ping/", ALL),
    Operation("GET /version/", ALL),
    Operation("GET /health/live/", ALL),
    Operation("GET /health/ready/", ALL),
    Operation("POST /auth/signup/", ALL, 201, body=lambda s: s.new_account),
    Operation("POST /auth/signin/", ALL, body=lambda s: s.account),
    Operation("POST /auth/refresh/", ALL, body=lambda s: {"refresh": s.refresh}),
    Operation(
        "POST /auth/signout/", SIGNED_IN, 204, body=lambda s: {"refresh": s.refresh}
    ),
    Operation("POST /auth/signout/all/", SIGNED_IN, 204),
    Operation(
        "POST /auth/password/",
        SIGNED_IN,
        204,
        body=lambda s: {"old": s.password, "new": f"{s.password}, renewed"},
    ),
    Operation("GET /auth/me/", SIGNED_IN),
    Operation("POST /media/", ("media.create",), 201, file="video"),
    Operation("GET /media/", READ_MEDIA),
    Operation("GET /media/{media}/", READ_MEDIA),
    Operation("PATCH /media/{media}/", UPDATE_MEDIA, body=lambda s: {"title": "New"}),
    Operation("DELETE /media/{media}/", DELETE_MEDIA, 204),
    Operation("PUT /media/{media}/miniature/", UPDATE_MEDIA, 202, file="miniature"),
    Operation("GET /media/{media}/download/", READ_MEDIA, 404, "media_not_stored"),
    Operation("GET /media/{media}/metadata/", READ_MEDIA, 404, "metadata_not_ready"),
    Operation("GET /media/{media}/jobs/", ("job.read",)),
    Operation(
        "POST /media/{media}/jobs/",
        RETRY_JOB,
        202,
        body=lambda s: {"kind": "upload_to_cdn"},
    ),
    Operation("GET /search", READ_MEDIA, query="?title=summer"),
    Operation("GET /users/", USERS),
    Operation(
        "POST /users/", USERS, 201, body=lambda s: {**s.new_account, "role": "viewer"}
    ),
    Operation("GET /users/{user}/", USERS),
    Operation("PATCH /users/{user}/", USERS, body=lambda s: {"is_active": False}),
    Operation("DELETE /users/{user}/", USERS, 204),
    Operation("GET /roles/", ROLES),
    Operation(
        "POST /roles/",
        ROLES,
        201,
        body=lambda s: {"name": s.new_name, "rights": ["media.read"]},
    ),
    Operation("GET /roles/{role}/", ROLES),
    Operation("PATCH /roles/{role}/", ROLES, body=lambda s: {"rights": ["job.read"]}),
    Operation("DELETE /roles/{role}/", ROLES, 204),
    Operation("GET /system/consistency/", INSPECT, 404, "consistency_not_known"),
)


class OperationNames:
    """The names of operations however their parameters are called."""

    @staticmethod
    def plain(name: str) -> str:
        return re.sub(r"{[^}]*}", "{}", name)

    @classmethod
    def of_document(cls, document: dict[str, Any]) -> set[str]:
        """From an OpenAPI document."""
        return {
            cls.plain(f"{method.upper()} {path}")
            for path, methods in document["paths"].items()
            for method in methods
        }
