"""Accounts over HTTP, for those who manage users."""

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Status

from backend.api.controller import Controller
from backend.api.cursor import PageCursor
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import Access
from backend.api.schemas.accounts import UserOut
from backend.api.schemas.administration import (
    UserIn,
    UserListIn,
    UserPageOut,
    UserPatchIn,
)
from backend.domain.errors import (
    DuplicateMedia,
    EmailTaken,
    LastAdmin,
    Overloaded,
    RightNotHeld,
    UserNotFound,
    UserOwnsMedia,
    WeakPassword,
)
from backend.domain.rights import Right
from backend.orm.pages import PageStart
from backend.orm.user_repository import UserRepository
from backend.use_cases.create_user import CreateUser
from backend.use_cases.ports import UserLedger

MANAGING = Access.any_of(Right.USER_MANAGE)
ONE = "/users/{any_uuid:user_id}/"


class UserController(Controller):
    """The operations under `/users/`."""

    tag = "users"

    def __init__(
        self, create_user: CreateUser, ledger: UserLedger, users: UserRepository
    ) -> None:
        super().__init__()
        self._create_user = create_user
        self._ledger = ledger
        self._users = users
        self._add_collection()
        self._add_one()

    def _add_collection(self) -> None:
        self.add(
            "/users/",
            "GET",
            self.page,
            access=MANAGING,
            response=UserPageOut,
            summary="List users, newest first",
        )
        self.add(
            "/users/",
            "POST",
            self.create,
            access=MANAGING,
            response={201: UserOut},
            problems=[RightNotHeld, EmailTaken, WeakPassword, Overloaded],
            summary="Make an account with a role",
        )

    def _add_one(self) -> None:
        self.add(
            ONE,
            "GET",
            self.detail,
            access=MANAGING,
            response=UserOut,
            problems=[UserNotFound],
            summary="One user as it is now",
        )
        self.add(
            ONE,
            "PATCH",
            self.change,
            access=MANAGING,
            response=UserOut,
            problems=[UserNotFound, RightNotHeld, LastAdmin],
            summary="Change a user's role, or deactivate or activate the user",
        )
        self.add(
            ONE,
            "DELETE",
            self.delete,
            access=MANAGING,
            response={204: None},
            problems=[
                UserNotFound,
                RightNotHeld,
                UserOwnsMedia,
                DuplicateMedia,
                LastAdmin,
            ],
            summary="Delete a user",
        )

    async def page(
        self, request: ApiRequest, filters: Query[UserListIn]
    ) -> UserPageOut:
        """Pages of accounts that match all given filters."""
        wanted = filters.filter
        cursors = PageCursor(PageStart, f"users {wanted}")
        start = cursors.decode(filters.cursor) if filters.cursor is not None else None
        page = await self._users.page(wanted, filters.limit, start)
        following = cursors.encode(page.after) if page.after else None
        return UserPageOut.of(page, following)

    async def create(
        self, request: ApiRequest, response: HttpResponse, body: UserIn
    ) -> Status[UserOut]:
        """Callers can only give roles whose rights they hold themselves: else
        `right_not_held`."""
        made = await self._create_user.execute(
            body.email, body.password, body.role, request.auth
        )
        response["Location"] = f"/users/{made.user_id}/"
        return Status(201, UserOut.of(made))

    async def detail(self, request: ApiRequest, user_id: UUID) -> UserOut:
        """The account with its present role and rights."""
        return UserOut.of(await self._users.one(user_id))

    async def change(
        self, request: ApiRequest, user_id: UUID, body: UserPatchIn
    ) -> UserOut:
        """Takes effect on the user's next request; deactivation ends all their
        sessions.

        Fields that are not sent stay as they are. `right_not_held` if the user's
        present or new role has a right that the caller lacks; `last_admin` if no active
        user would be left with `user.manage`.
        """
        changed = await self._ledger.change(user_id, body.change(), request.auth)
        return UserOut.of(changed)

    async def delete(
        self,
        request: ApiRequest,
        user_id: UUID,
        transfer_to: Annotated[
            UUID | None,
            Query(
                description="The `uuid` of the user who becomes the owner of the media."
            ),
        ] = None,
    ) -> Status[None]:
        """The user is signed out everywhere when this is answered.

        A user who owns media is not deleted (`user_owns_media`), unless `transfer_to`
        names the new owner. If the new owner already has live media of the same bytes,
        the answer is `duplicate_media`, and `media` is one of those.
        """
        await self._ledger.delete(user_id, transfer_to, request.auth)
        return Status(204, None)
