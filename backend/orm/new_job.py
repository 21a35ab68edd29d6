"""How a job enters the outbox."""

from uuid import UUID

from backend.domain.jobs import JobKind
from backend.orm.intervals import FIRST_RING_DELAY, FromNow
from backend.orm.models import Job


class NewJob:
    """A queued job that the API rings for, or the sweeper if that message is lost."""

    @staticmethod
    def of(
        media_id: UUID, kind: JobKind, request_id: str, staged_name: UUID | None = None
    ) -> Job:
        """Not written yet. `staged_name` is that of a picture that was sent."""
        return Job(
            media_id=media_id,
            kind=kind,
            request_id=request_id,
            staged_name=staged_name,
            ring_after=FromNow(FIRST_RING_DELAY),
        )
