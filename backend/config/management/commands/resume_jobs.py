"""`manage.py resume_jobs KIND`: resumes what `pause_jobs` stopped."""

from typing import Any

from django.core.management.base import CommandParser

from backend.config.management.operator_command import OperatorCommand
from backend.config.operations_container import OperationsContainer
from backend.domain.jobs import JobKind


class Command(OperatorCommand):
    help = "Let workers begin jobs of this kind again, at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=[kind.value for kind in JobKind])

    async def act(self, container: OperationsContainer, options: dict[str, Any]) -> int:
        kind = JobKind(options["kind"])
        was_paused = await container.resume_jobs.execute(kind, self.operator)
        self.stdout.write(
            f"{kind} goes on." if was_paused else f"{kind} was not paused."
        )
        return 0
