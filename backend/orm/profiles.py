"""Accounts as their profiles show them."""

from collections.abc import Iterable
from typing import ClassVar

from backend.domain.accounts import Profile
from backend.domain.rights import Right
from backend.orm.models import User


class Profiles:
    """Makes them from rows."""

    _RIGHTS: ClassVar = {right.value: right for right in Right}

    @classmethod
    def of(cls, user: User) -> Profile:
        """Needs the role loaded."""
        return Profile(
            user_id=user.uuid,
            email=user.email,
            role=user.role_id,
            rights=cls.known(user.role.rights),
            is_active=user.is_active,
            created_at=user.created_at,
        )

    @classmethod
    def known(cls, rights: Iterable[str]) -> frozenset[Right]:
        """A later version may have written unknown rights."""
        return frozenset(cls._RIGHTS[right] for right in rights if right in cls._RIGHTS)
