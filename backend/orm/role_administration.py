"""Roles as administrators change them."""

from collections.abc import Collection

from backend.domain.errors import RoleBuiltIn, RoleInUse, RoleNameTaken, RoleNotFound
from backend.domain.freshness import Scopes
from backend.domain.media import Caller
from backend.domain.rights import Right
from backend.orm.administration import Administration
from backend.orm.callers import LockedCaller
from backend.orm.known_changes import KnownChanges
from backend.orm.models import Role, User
from backend.use_cases.ports import Freshness


class DjangoRoleLedger:
    """The `RoleLedger` port. Changed rights are made known after the commit."""

    def __init__(self, administration: Administration, freshness: Freshness) -> None:
        self._administration = administration
        self._changes = KnownChanges(freshness)

    async def create(
        self, name: str, rights: Collection[Right], caller: Caller
    ) -> None:
        await self._administration.run(self._create, name, rights, caller)

    async def change(
        self, name: str, rights: Collection[Right], caller: Caller
    ) -> None:
        changing = self._administration.run(self._change, name, rights, caller)
        await self._changes.changing(changing, Scopes.ROLES)

    async def delete(self, name: str, caller: Caller) -> None:
        await self._administration.run(self._delete, name, caller)

    def _create(self, name: str, rights: Collection[Right], caller: Caller) -> None:
        with self._administration.by(caller, Right.ROLE_MANAGE) as administrator:
            administrator.check_holds(rights)
            if Role.objects.filter(name=name).exists():
                raise RoleNameTaken
            Role.objects.create(name=name, rights=sorted(set(rights)))

    def _change(self, name: str, rights: Collection[Right], caller: Caller) -> None:
        with self._administration.by(caller, Right.ROLE_MANAGE) as administrator:
            role = self._locked(name, administrator)
            administrator.check_holds(rights)
            role.rights = sorted(set(rights))
            role.save(update_fields=["rights"])

    def _delete(self, name: str, caller: Caller) -> None:
        with self._administration.by(caller, Right.ROLE_MANAGE) as administrator:
            role = self._locked(name, administrator)
            if User.objects.filter(role=role).exists():
                raise RoleInUse
            role.delete()

    @staticmethod
    def _locked(name: str, administrator: LockedCaller) -> Role:
        """Raises `RoleNotFound`, `RoleBuiltIn`, `RightNotHeld`."""
        role = Role.objects.select_for_update().filter(name=name).first()
        if role is None:
            raise RoleNotFound
        if role.built_in:
            raise RoleBuiltIn
        administrator.check_holds(role.rights)
        return role
