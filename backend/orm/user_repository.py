"""Reads of users."""

from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from django.db.models import Q, QuerySet

from backend.domain.accounts import Profile
from backend.domain.errors import UserNotFound
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import User
from backend.orm.pages import MOST_COUNTED, Page, PageStart
from backend.orm.profiles import Profiles

UserPage: TypeAlias = Page[Profile, PageStart]


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users are listed; None means any. `text` is a part of the address."""

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
    """Accounts as administrators see them. Every method raises `DatabaseAway`."""

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
        counted = users[: MOST_COUNTED + 1].count()
        following = users.filter(cls._older(start)) if start else users
        found = list(following.order_by("-created_at", "-uuid")[: limit + 1])
        shown = found[:limit]
        is_last = len(found) <= limit
        after = None if is_last else PageStart(shown[-1].created_at, shown[-1].uuid)
        return Page.of([Profiles.of(user) for user in shown], after, counted)

    @staticmethod
    def _older(start: PageStart) -> Q:
        """The uuid decides among those that are equally old."""
        same = Q(created_at=start.created_at, uuid__lt=start.uuid)
        # The first condition lets the index begin at the right place.
        return Q(created_at__lte=start.created_at) & (
            Q(created_at__lt=start.created_at) | same
        )
