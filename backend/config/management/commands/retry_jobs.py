"""`manage.py retry_jobs --code CODE`: retries all jobs that failed with a code."""

from typing import Any
from uuid import uuid4

from django.core.management.base import CommandParser

from backend.config.management.operator_command import OperatorCommand
from backend.config.operations_container import OperationsContainer
from backend.domain.failures import FailureCode
from backend.domain.jobs import JobKind
from backend.domain.operations import FailedJobs, Reopened


class Command(OperatorCommand):
    help = (
        "Reopen all jobs that failed for good with a code, as POST "
        "/media/{uuid}/jobs/ does one by one. Without --yes they are only counted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        codes = [code.value for code in FailureCode]
        parser.add_argument("--code", required=True, choices=codes, metavar="CODE")
        parser.add_argument("--kind", choices=[kind.value for kind in JobKind])
        parser.add_argument(
            "--yes", action="store_true", help="do it; without, nothing is changed"
        )

    async def act(self, container: OperationsContainer, options: dict[str, Any]) -> int:
        kind = options["kind"] and JobKind(options["kind"])
        which = FailedJobs(FailureCode(options["code"]), kind)
        if options["yes"]:
            await self._retry(container, which)
        else:
            await self._count(container, which)
        return 0

    async def _count(self, container: OperationsContainer, which: FailedJobs) -> None:
        count = await container.job_operations.count_failed(which)
        for kind, jobs in count.by_kind.items():
            self.stdout.write(f"{kind} {jobs}")
        self.stdout.write(
            f"{count.total} jobs failed with {which.code}; nothing was changed: "
            "add --yes to open them again."
        )

    async def _retry(self, container: OperationsContainer, which: FailedJobs) -> None:
        request_id = f"retry-{uuid4().hex}"
        reopened = await container.retry_failed_jobs.execute(
            which, self.operator, request_id
        )
        for code, jobs in sorted(reopened.refused.items()):
            self.stdout.write(f"left alone, {code}: {jobs}")
        self.stdout.write(
            f"{self._opened(reopened)} jobs were opened again for "
            f"{len(reopened.opened)} that failed; their request id is {request_id}."
        )

    @staticmethod
    def _opened(reopened: Reopened) -> int:
        """Includes further jobs that a media lacks."""
        return sum(len(job.kinds) for job in reopened.opened)
