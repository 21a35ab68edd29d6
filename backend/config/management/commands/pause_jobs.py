"""`manage.py pause_jobs KIND`: no worker begins jobs of this kind until resumed."""

from typing import Any

from django.core.management.base import CommandParser

from backend.config.management.operator_command import OperatorCommand
from backend.config.operations_container import OperationsContainer
from backend.domain.jobs import JobKind


class Command(OperatorCommand):
    help = (
        "Keep workers from beginning jobs of this kind until resume_jobs; running "
        "attempts finish, and uploads are still accepted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=[kind.value for kind in JobKind])
        parser.add_argument("--reason", default="", help="the reason shown to others")

    async def act(self, container: OperationsContainer, options: dict[str, Any]) -> int:
        kind = JobKind(options["kind"])
        paused = await container.job_operations.pause(
            kind, self.operator, options["reason"]
        )
        state = "is paused" if paused.is_new else "was paused already"
        self.stdout.write(f"{kind} {state}; {paused.running} attempts still run.")
        return 0
