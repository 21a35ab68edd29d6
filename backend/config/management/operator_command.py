"""The base of commands for the person on call."""

import asyncio
import getpass
import socket
import sys
from abc import abstractmethod
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError

from backend.config.operations_container import OperationsContainer
from backend.domain.errors import MediaProjectError
from backend.domain.operations import Operator


class OperatorCommand(BaseCommand):
    """Runs on the stores of the installation, and reports in one line which store is
    away."""

    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            code = asyncio.run(self._run(options))
        except ProgrammingError:
            raise CommandError("There are no tables yet: run migrate first.") from None
        except MediaProjectError as error:
            raise CommandError(str(error)) from error
        if code:
            sys.exit(code)

    @abstractmethod
    async def act(self, container: OperationsContainer, options: dict[str, Any]) -> int:
        """The exit code. Raises `MediaProjectError`."""

    @property
    def operator(self) -> Operator:
        """A person who can run commands here could do the same in the database."""
        return Operator(f"{self._user()} at {socket.gethostname()}")

    async def _run(self, options: dict[str, Any]) -> int:
        container = OperationsContainer(settings.ENVIRONMENT)
        container.logs.configure()
        try:
            return await self.act(container, options)
        finally:
            await container.close()

    @staticmethod
    def _user() -> str:
        try:
            return getpass.getuser()
        except (KeyError, OSError):  # In a container the user may have no name.
            return "somebody"
