"""What a change makes old (`docs/adr/0009-freshness.md`).

Every cached answer depends on scopes. A change names those that it makes old, and no
answer from before it is shown to a request that comes after.
"""

from collections.abc import Iterable
from typing import NewType
from uuid import UUID

# Part of a cache key, so that it must not hold spaces.
Scope = NewType("Scope", str)

# What is read before a change may be shown for so long, and whoever cannot make it known
# waits for so long before he answers.
FRESH_SECONDS = 3.0


class Scopes:
    """The names of all scopes."""

    # Every list and every search of media.
    MEDIA_LISTS = Scope("media")
    # The rights of every role.
    ROLES = Scope("roles")

    @staticmethod
    def media(media_id: UUID) -> Scope:
        return Scope(f"media:{media_id}")

    @classmethod
    def shown(cls, media_ids: Iterable[UUID]) -> tuple[Scope, ...]:
        """Wherever these media are shown."""
        return cls.MEDIA_LISTS, *map(cls.media, media_ids)

    @staticmethod
    def user(user_id: UUID) -> Scope:
        """Account and sessions of one user."""
        return Scope(f"user:{user_id}")
