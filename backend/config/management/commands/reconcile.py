"""`manage.py reconcile`: finds differences between the stores, and repairs on
request."""

import asyncio
import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import ProgrammingError

from backend.config.reconcile_container import ReconcileContainer
from backend.domain.consistency import Outcome, Repair
from backend.domain.errors import DatabaseAway
from backend.use_cases.reconcile_all import Reconciled

CONSISTENT, LEFT, AWAY = 0, 1, 2


class Command(BaseCommand):
    help = (
        "Compare PostgreSQL, MongoDB, the bucket and the staging folder, and print what "
        "would be done, one finding in a line: kind, store, key, media, action. Exit "
        "code 0: consistent, or all was repaired; 1: findings are left; 2: a store "
        "is away, so "
        "not "
        "everything "
        "was "
        "compared."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--apply",
            action="store_true",
            help="look at each finding again and repair it, however many there are",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            reconciled = asyncio.run(self._reconcile(apply=options["apply"]))
        except DatabaseAway as error:
            self.stderr.write(f"database: {error}")
            sys.exit(AWAY)
        except ProgrammingError:
            self.stderr.write("There are no tables yet: run migrate first.")
            sys.exit(AWAY)
        self._sum_up(reconciled)
        sys.exit(self._exit_code(reconciled))

    async def _reconcile(self, *, apply: bool) -> Reconciled:
        container = ReconcileContainer(settings.ENVIRONMENT)
        container.logs.configure()
        try:
            return await container.reconcile_all.execute(self._tell, apply=apply)
        finally:
            await container.close()

    def _tell(self, outcome: Outcome) -> None:
        finding = outcome.finding
        words = [
            finding.kind,
            finding.rule.store,
            finding.key,
            str(finding.media or "-"),
            finding.action,
        ]
        if outcome.repair != Repair.NONE:
            words.append(f"({outcome.repair})")
        self._say(" ".join(words))

    def _sum_up(self, reconciled: Reconciled) -> None:
        for compared, reason in reconciled.away.items():
            self.stderr.write(f"{compared}: not compared: {reason}")
        self._say(
            f"{reconciled.compared} entries compared, {reconciled.found} findings, "
            f"{reconciled.repaired} repaired, {reconciled.remaining} left."
        )

    def _say(self, line: str) -> None:
        """The reader of the output may have left; repairs continue anyway."""
        try:
            self.stdout.write(line)
            self.stdout.flush()
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)

    @staticmethod
    def _exit_code(reconciled: Reconciled) -> int:
        if reconciled.away:
            return AWAY
        return LEFT if reconciled.remaining else CONSISTENT
