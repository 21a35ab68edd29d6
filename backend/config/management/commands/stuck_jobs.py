"""`manage.py stuck_jobs`: jobs that make no progress, for how long, and why."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser

from backend.config.management.operator_command import OperatorCommand
from backend.config.operations_container import OperationsContainer
from backend.domain.failures import FAILURES, FailureCode
from backend.domain.operations import Stuck, StuckCount, StuckReason

NOTHING, SOMETHING = 0, 1


class Command(OperatorCommand):
    help = (
        "List the jobs that make no progress: paused, without a worker, with a lost "
        "lease, failing repeatedly, failed for good. Exit code 0: there are none; 1: there are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--longer-than",
            type=float,
            default=60,
            metavar="SECONDS",
            help="default 60",
        )
        parser.add_argument("--limit", type=int, default=50, help="jobs listed, 50")
        parser.add_argument("--json", action="store_true", help="for programs")

    async def act(self, container: OperationsContainer, options: dict[str, Any]) -> int:
        longer = timedelta(seconds=options["longer_than"])
        stuck = await container.job_operations.stuck(longer, options["limit"])
        if options["json"]:
            self.stdout.write(json.dumps(asdict(stuck), default=str, indent=2))
        else:
            self.stdout.write("\n".join(StuckPage(stuck).lines()))
        return SOMETHING if stuck.total else NOTHING


class StuckPage:
    """Stuck jobs as text for a terminal."""

    def __init__(self, stuck: Stuck) -> None:
        self._stuck = stuck

    def lines(self) -> Iterable[str]:
        yield self._workers()
        for pause in self._stuck.pauses:
            why = f": {pause.reason}" if pause.reason else ""
            since = f"{pause.since:%Y-%m-%d %H:%M:%S}"
            yield f"{pause.kind} is paused since {since} by {pause.by}{why}"
        if not self._stuck.total:
            yield "Nothing is stuck."
            return
        yield ""
        yield from self._table(["COUNT", "KIND", "WHY", "CODE", "OLDEST"], self._sums())
        yield ""
        yield from self._meanings()
        yield ""
        yield from self._table(
            ["FOR", "KIND", "WHY", "CODE", "TRY", "MEDIA", "WORKER", "MESSAGE"],
            self._jobs(),
        )
        if (left := self._stuck.total - len(self._stuck.jobs)) > 0:
            yield f"and {left} more"

    def _workers(self) -> str:
        age = self._stuck.heartbeat_age_seconds
        if age is None:
            return "No worker was ever alive."
        return f"A worker was last alive {self._age(age)} ago."

    def _sums(self) -> Iterable[Sequence[str]]:
        for one in self._stuck.counts:
            age = self._age(one.oldest_seconds)
            yield str(one.count), one.kind, one.reason, one.code or "-", age

    def _jobs(self) -> Iterable[Sequence[str]]:
        for job in self._stuck.jobs:
            yield (
                self._age(job.seconds),
                job.kind,
                job.reason,
                job.code or "-",
                str(job.attempt),
                str(job.media_id),
                job.worker or "-",
                self._printable(job.message) or "-",
            )

    def _meanings(self) -> Iterable[str]:
        reasons = dict.fromkeys(one.reason for one in self._stuck.counts)
        for reason in reasons:
            yield f"{reason}: {StuckReason(reason).meaning}."
        for code in dict.fromkeys(self._codes(self._stuck.counts)):
            failure = FAILURES[code]
            yield f"{code}: {failure.title}. {failure.advice}"

    @staticmethod
    def _codes(counts: Iterable[StuckCount]) -> Iterable[FailureCode]:
        return (FailureCode(one.code) for one in counts if one.code in FAILURES)

    @staticmethod
    def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
        """The last column is as wide as it is."""
        lines = [head, *rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = [
                cell.ljust(width) for cell, width in zip(line, widths, strict=True)
            ]
            yield "  ".join(cells).rstrip()

    @staticmethod
    def _printable(text: str) -> str:
        """Removes control characters, which a terminal would obey."""
        return "".join(c if c.isprintable() else " " for c in text)

    @staticmethod
    def _age(seconds: float) -> str:
        whole = timedelta(seconds=max(0, round(seconds)))
        return str(whole)
