"""What a change makes outdated (`docs/adr/0009-freshness.md`).

Every cached answer depends on scopes. A change names the scopes that it makes outdated,
and no answer from before it is shown to a later request.
"""

from collections.abc import Iterable
from typing import NewType
from uuid import UUID

# Part of a cache key, so it must not contain spaces.
Scope = NewType("Scope", str)

# An answer read before a change may be shown for this long, and a process that cannot
# make a change known waits this long before it answers.
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
