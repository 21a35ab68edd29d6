"""Roles over HTTP, for those who manage them."""

from typing import Annotated

from django.http import HttpResponse
from ninja import Path, Status

from backend.api.controller import Controller
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import Access
from backend.api.schemas.administration import (
    RoleIn,
    RoleListOut,
    RoleName,
    RoleOut,
    RolePatchIn,
)
from backend.domain.errors import (
    LastAdmin,
    RightNotHeld,
    RoleBuiltIn,
    RoleInUse,
    RoleNameTaken,
    RoleNotFound,
)
from backend.domain.rights import Right
from backend.orm.role_repository import RoleRepository
from backend.use_cases.ports import RoleLedger

MANAGING = Access.any_of(Right.ROLE_MANAGE)
ONE = "/roles/{name}/"

NameInPath = Annotated[RoleName, Path()]


class RoleController(Controller):
    """The operations under `/roles/`."""

    tag = "roles"

    def __init__(self, ledger: RoleLedger, roles: RoleRepository) -> None:
        super().__init__()
        self._ledger = ledger
        self._roles = roles
        self._add_collection()
        self._add_one()

    def _add_collection(self) -> None:
        self.add(
            "/roles/",
            "GET",
            self.all,
            access=MANAGING,
            response=RoleListOut,
            summary="All roles and their rights",
        )
        self.add(
            "/roles/",
            "POST",
            self.create,
            access=MANAGING,
            response={201: RoleOut},
            problems=[RightNotHeld, RoleNameTaken],
            summary="Add a role",
        )

    def _add_one(self) -> None:
        self.add(
            ONE,
            "GET",
            self.detail,
            access=MANAGING,
            response=RoleOut,
            problems=[RoleNotFound],
            summary="One role as it is now",
        )
        self.add(
            ONE,
            "PATCH",
            self.change,
            access=MANAGING,
            response=RoleOut,
            problems=[RoleNotFound, RightNotHeld, RoleBuiltIn, LastAdmin],
            summary="Change the rights of a role",
        )
        self.add(
            ONE,
            "DELETE",
            self.delete,
            access=MANAGING,
            response={204: None},
            problems=[RoleNotFound, RightNotHeld, RoleBuiltIn, RoleInUse],
            summary="Delete a role that no user has",
        )

    async def all(self, request: ApiRequest) -> RoleListOut:
        """The built-in roles come first."""
        roles = await self._roles.all()
        return RoleListOut(items=[RoleOut.of(role) for role in roles])

    async def create(
        self, request: ApiRequest, response: HttpResponse, body: RoleIn
    ) -> Status[RoleOut]:
        """Callers can only give rights that they hold themselves: else
        `right_not_held`."""
        await self._ledger.create(body.name, body.rights, request.auth)
        response["Location"] = f"/roles/{body.name}/"
        return Status(201, RoleOut.written(body.name, body.rights))

    async def detail(self, request: ApiRequest, name: NameInPath) -> RoleOut:
        """The role with its present rights."""
        return RoleOut.of(await self._roles.one(name))

    async def change(
        self, request: ApiRequest, name: NameInPath, body: RolePatchIn
    ) -> RoleOut:
        """Takes effect on the next request of every user who has the role.

        `right_not_held` if the caller lacks one of its present or new rights;
        `last_admin` if no active user would be left with `user.manage`.
        """
        await self._ledger.change(name, body.rights, request.auth)
        return RoleOut.written(name, body.rights)

    async def delete(self, request: ApiRequest, name: NameInPath) -> Status[None]:
        """Only a role that no user has can be deleted: give its users another role
        first."""
        await self._ledger.delete(name, request.auth)
        return Status(204, None)
