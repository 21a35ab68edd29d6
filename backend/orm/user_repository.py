"""Reads of users."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias
from uuid import UUID

from django.db.models import QuerySet

from backend.domain.accounts import Profile
from backend.domain.errors import UserNotFound
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import User
from backend.orm.pages import Keyset, Page, PageStart
from backend.orm.profiles import Profiles

UserPage: TypeAlias = Page[Profile, PageStart]


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users are listed: None takes all. `text` is in the address."""

    text: str | None = None
    role: str | None = None
    is_active: bool | None = None

    def of(self, users: QuerySet[User]) -> QuerySet[User]:
        if self.text:
            users = users.filter(email__contains=self.text.strip().casefold())
        if self.role is not None:
            users = users.filter(role=self.role)
        if self.is_active is not None:
            users = users.filter(is_active=self.is_active)
        return users


class UserRepository:
    """What administrators see of accounts. Every method raises `DatabaseAway`."""

    _NEWEST_FIRST: ClassVar = Keyset("created_at", PageStart, backwards=True)

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads

    async def one(self, user_id: UUID) -> Profile:
        """Raises `UserNotFound`."""
        return await self._threads.run(self._one, user_id)

    async def page(
        self, wanted: UserFilter, limit: int, start: PageStart | None
    ) -> UserPage:
        """Newest first."""
        return await self._threads.run(self._page, wanted, limit, start)

    @staticmethod
    def _one(user_id: UUID) -> Profile:
        user = User.objects.select_related("role").filter(pk=user_id).first()
        if user is None:
            raise UserNotFound
        return Profiles.of(user)

    @classmethod
    def _page(cls, wanted: UserFilter, limit: int, start: PageStart | None) -> UserPage:
        users = wanted.of(User.objects.select_related("role"))
        page = cls._NEWEST_FIRST.page(users, list[User], limit, start)
        profiles = [Profiles.of(user) for user in page.items]
        return Page(profiles, page.after, page.total, page.total_is_exact)
