"""Reads of roles."""

from backend.domain.errors import RoleNotFound
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Role


class RoleRepository:
    """The roles that can be assigned. Every method raises `DatabaseAway`."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads

    async def all(self) -> list[Role]:
        """The built-in roles come first."""
        return await self._threads.run(self._all)

    async def one(self, name: str) -> Role:
        """Raises `RoleNotFound`."""
        return await self._threads.run(self._one, name)

    @staticmethod
    def _all() -> list[Role]:
        return list(Role.objects.order_by("-built_in", "name"))

    @staticmethod
    def _one(name: str) -> Role:
        role = Role.objects.filter(name=name).first()
        if role is None:
            raise RoleNotFound
        return role
