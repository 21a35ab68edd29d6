"""Makes owners and received files for tests of the ledger."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.media import Caller, Container, Ingested, NewMedia, StagedFile
from backend.domain.rights import Right
from backend.domain.sightings import ObjectUnseen, Sight, Sighting
from backend.domain.technical import TechnicalSummary
from backend.orm.database_threads import DatabaseThreads
from backend.orm.job_claims import JobClaims
from backend.orm.job_endings import JobEndings
from backend.orm.job_pictures import JobPictures
from backend.orm.job_retry import JobRetry
from backend.orm.job_sweep import JobSweep
from backend.orm.media_changes import MediaChanges
from backend.orm.media_deletion import MediaDeletion, Tombstones
from backend.orm.media_ingest import MediaIngest
from backend.orm.media_ledger import DjangoMediaLedger
from backend.orm.media_removal import MediaRemoval
from backend.orm.miniature_requests import MiniatureRequests
from backend.orm.models import Job, Session, User
from backend.orm.multipart_uploads import DjangoMultipartLedger
from backend.orm.object_repairs import LostObjects
from backend.use_cases.ports import Claim, Freshness

MP4 = Container("MPEG-4", "video/mp4", "mp4")
SUMMARY = TechnicalSummary("MPEG-4", 5.3, 1_000_000, None, None)


class LedgerWorld:
    """A ledger on the real database; `is_staged` says which staged files there are."""

    def __init__(
        self,
        threads: DatabaseThreads,
        freshness: Freshness,
        policy: RetryPolicy,
        is_staged: Callable[[UUID, int], bool] | None = None,
    ) -> None:
        self.staged: set[UUID] = set()
        self.uploads = DjangoMultipartLedger(threads)
        endings = JobEndings(policy)
        is_there = is_staged or (lambda name, size_bytes: name in self.staged)
        self.ledger = DjangoMediaLedger(
            threads,
            freshness,
            MediaIngest(is_there),
            JobClaims(),
            endings,
            JobSweep(endings),
            MediaDeletion(),
            MediaRemoval(),
            Tombstones(),
            JobRetry(),
            JobPictures(),
            MiniatureRequests(is_there),
            MediaChanges(),
            LostObjects(),
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

    @staticmethod
    def caller(session: Session) -> Caller:
        """Whom the API would know by this session."""
        user = User.objects.select_related("role").get(pk=session.user_id)
        rights = frozenset(Right(right) for right in user.role.rights)
        return Caller(user.uuid, session.uuid, user.email, user.role_id, rights)

    async def taken_in(self, session: Session, content: bytes = b"some video") -> UUID:
        """The media of a video that has just been received."""
        return (await self.ingested(self.received(session, content))).media_id

    async def ingested(self, new: NewMedia, sight: Sight = Sight.THERE) -> Ingested:
        """By somebody who sees this where the object of a stored blob should be."""
        try:
            return await self.ledger.ingest(new)
        except ObjectUnseen as unseen:
            return await self.ledger.ingest(new, Sighting(unseen.blob, sight))

    async def claimed(self, media_id: UUID, kind: JobKind) -> Claim:
        claim = await self.ledger.claim(media_id, kind, "worker-1")
        assert claim is not None
        return claim

    async def close_miniature(self, media_id: UUID) -> None:
        """Its job is over, and nothing came of it."""
        claim = await self.claimed(media_id, JobKind.MAKE_MINIATURE)
        nothing = JobFailed(FailureCode.UNREADABLE_PICTURE, "no frame")
        assert await self.ledger.fail(claim, nothing) == ()

    async def made_ready(self, media_id: UUID) -> None:
        upload = await self.claimed(media_id, JobKind.UPLOAD_TO_CDN)
        await self.ledger.mark_published(upload)
        extract = await self.claimed(media_id, JobKind.EXTRACT_METADATA)
        await self.ledger.mark_described(extract, SUMMARY)

    async def comes_too_late(self, claim: Claim, end: Awaitable[object]) -> None:
        """An attempt that has lost its lease does not succeed, and not even fail."""
        with pytest.raises(JobFailed) as late:
            await end
        assert late.value.code is FailureCode.LEASE_LOST
        assert await self.ledger.fail(claim, late.value) == ()

    async def delete(self, media_id: UUID, session: Session) -> None:
        caller = await sync_to_async(self.caller)(session)
        await self.ledger.delete(media_id, caller, "request-2")

    @staticmethod
    def unsealed(new: NewMedia) -> NewMedia:
        """As it comes where a blob is known to have these bytes: not durable yet."""
        return replace(new, file=replace(new.file, sealed=False))

    @staticmethod
    @sync_to_async
    def expire_leases() -> None:
        """As if every worker had been silent for a while."""
        past = timezone.now() - timedelta(seconds=1)
        Job.objects.filter(status="running").update(lease_until=past)

    @staticmethod
    @sync_to_async
    def skip_waiting() -> None:
        """As if every queued job had waited long enough."""
        past = timezone.now() - timedelta(seconds=1)
        Job.objects.filter(status="queued").update(run_after=past, ring_after=past)

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
