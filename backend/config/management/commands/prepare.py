"""`manage.py prepare`: everything the stores need before API and worker start."""

import asyncio
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from backend.config.container import Container
from backend.config.demo_accounts import (
    DemoAccounts,
    DemoAccountsFile,
    DemoAccountsUnreadable,
)
from backend.domain.errors import MediaProjectError
from backend.domain.failures import JobFailed


class Command(BaseCommand):
    help = (
        "Migrate PostgreSQL, make the bucket with its policy and MongoDB's indexes, "
        "and on request the demo accounts. Harmless when done before."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo-accounts",
            type=Path,
            metavar="FILE",
            help="make an account of each built-in role and note them in this file",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._migrate(options["verbosity"])
        try:
            asyncio.run(self._prepare(options["demo_accounts"]))
        except (MediaProjectError, JobFailed, DemoAccountsUnreadable) as error:
            raise CommandError(str(error)) from error

    @staticmethod
    def _migrate(verbosity: int) -> None:
        """Changing a large table takes time; only waiting for a lock is limited."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 0")
                cursor.execute("SET idle_in_transaction_session_timeout = 0")
            call_command("migrate", interactive=False, verbosity=verbosity)
        finally:
            connection.close()

    async def _prepare(self, demo_accounts: Path | None) -> None:
        container = Container(settings.ENVIRONMENT)
        try:
            await asyncio.gather(
                container.object_storage.prepare(), container.document_store.prepare()
            )
            if demo_accounts is not None:
                file = DemoAccountsFile(demo_accounts)
                await DemoAccounts(file, container.ensure_account).prepare()
        finally:
            await container.close()
