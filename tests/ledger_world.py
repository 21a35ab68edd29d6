"""Makes owners and received files for tests of the ledger."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

from django.utils import timezone

from backend.domain.jobs import RetryPolicy
from backend.domain.media import Container, NewMedia, StagedFile
from backend.orm.database_threads import DatabaseThreads
from backend.orm.job_claims import JobClaims
from backend.orm.job_endings import JobEndings
from backend.orm.job_sweep import JobSweep
from backend.orm.media_ingest import MediaIngest
from backend.orm.media_ledger import DjangoMediaLedger
from backend.orm.models import Session, User

MP4 = Container("MPEG-4", "video/mp4", "mp4")


class LedgerWorld:
    """A ledger on the real database; `is_staged` says which staged files there are."""

    def __init__(
        self,
        threads: DatabaseThreads,
        policy: RetryPolicy,
        is_staged: Callable[[UUID], bool] | None = None,
    ) -> None:
        self.staged: set[UUID] = set()
        endings = JobEndings(policy)
        self.ledger = DjangoMediaLedger(
            threads,
            MediaIngest(is_staged or self.staged.__contains__),
            JobClaims(),
            endings,
            JobSweep(endings),
        )

    @staticmethod
    def session(
        email: str = "owner@example.org", role: str = "media_operator"
    ) -> Session:
        user, _ = User.objects.get_or_create(
            email=email, defaults={"role_id": role, "password": "!"}
        )
        return Session.objects.create(
            user=user,
            refresh_digest=hashlib.sha256(uuid4().bytes).hexdigest(),
            expires_at=timezone.now() + timedelta(days=1),
        )

    def received(self, session: Session, content: bytes = b"some video") -> NewMedia:
        """A received file with these bytes, staged under a name of its own."""
        name = uuid4()
        self.staged.add(name)
        return NewMedia(
            owner_id=session.user_id,
            session_id=session.uuid,
            title="A title",
            description="",
            file_name="clip.mp4",
            container=MP4,
            file=StagedFile(name, len(content), hashlib.sha256(content).hexdigest()),
            request_id="request-1",
        )
