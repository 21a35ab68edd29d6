"""The transaction in which a person retries failed work."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from backend.domain.errors import DuplicateMedia, JobOpen, NothingToRetry
from backend.domain.jobs import DECIDING_JOBS, JobKind, RetriedJob
from backend.domain.media import Caller, UrlKind
from backend.domain.operations import FailedJob, Operator
from backend.domain.rights import Right
from backend.domain.states import LIVE_MEDIA, OPEN_JOBS, JobStatus, MediaStatus
from backend.orm.callers import LockedCaller
from backend.orm.intervals import FIRST_RING_DELAY, FromNow
from backend.orm.models import Job, Media, Url
from backend.orm.reopened_work import ReopenedWork
from backend.orm.revision import Revision
from backend.orm.shown_media import ShownMedia


class JobRetry:
    """Opens a new job to replace one that failed.

    A failed media becomes live again, and then gets all missing jobs, so that it does
    not stay `processing` without work.
    """

    @transaction.atomic
    def execute(
        self, media_id: UUID, kind: JobKind, caller: Caller, request_id: str
    ) -> RetriedJob:
        """Raises what `MediaLedger.retry` names."""
        locked = LockedCaller.lock(caller.user_id, caller.session_id)
        media = ShownMedia.lock(media_id)
        locked.check_for(media.owner_id, Right.JOB_RETRY_OWN, Right.JOB_RETRY_ANY)
        return self._reopen(media, kind, self._latest(media_id), request_id)

    @transaction.atomic
    def reopen(
        self, failed: FailedJob, operator: Operator, request_id: str
    ) -> RetriedJob:
        """For an operator of all media. Raises what `MediaLedger.retry` names."""
        LockedCaller.check_operator(operator, Right.JOB_RETRY_ANY)
        media = ShownMedia.lock(failed.media_id)
        latest = self._latest(failed.media_id)
        job = latest.get(failed.kind)
        if job is not None and job.uuid != failed.job_id:
            raise JobOpen if job.status in OPEN_JOBS else NothingToRetry
        return self._reopen(media, failed.kind, latest, request_id)

    def _reopen(
        self, media: Media, kind: JobKind, latest: dict[JobKind, Job], request_id: str
    ) -> RetriedJob:
        self._check(latest.get(kind))
        kinds = self._kinds(media, kind, latest)
        if media.status == MediaStatus.FAILED and kind in DECIDING_JOBS:
            self._revive(media, kinds)
        Revision.rise(media.uuid)
        jobs = [self._open(latest[each], request_id) for each in kinds]
        return RetriedJob(jobs[0].uuid, kinds)

    @staticmethod
    def _latest(media_id: UUID) -> dict[JobKind, Job]:
        """The newest job of each kind."""
        jobs = Job.objects.filter(media=media_id).order_by("queued_at")
        return {JobKind(job.kind): job for job in jobs}

    def _check(self, job: Job | None) -> None:
        if job is not None and job.status in OPEN_JOBS:
            raise JobOpen
        if job is None or job.status != JobStatus.FAILED:
            raise NothingToRetry
        if job.kind == JobKind.MAKE_MINIATURE and self._would_replace(job):
            raise NothingToRetry("The picture that was sent is gone: send it again.")

    @staticmethod
    def _would_replace(job: Job) -> bool:
        """A frame of the video must not replace a picture that is shown; a picture
        whose object is lost is not shown."""
        shown = Url.objects.filter(media=job.media_id, kind=UrlKind.MINIATURE)
        return job.staged_name is None and shown.exists()

    @classmethod
    def _kinds(
        cls, media: Media, kind: JobKind, latest: dict[JobKind, Job]
    ) -> tuple[JobKind, ...]:
        """That kind first, then the others that the media needs to become ready."""
        if media.status != MediaStatus.FAILED or kind not in DECIDING_JOBS:
            return (kind,)
        lacking = [k for k in DECIDING_JOBS if cls._is_lacking(media, latest[k])]
        return (kind, *(each for each in lacking if each != kind))

    @staticmethod
    def _is_lacking(media: Media, job: Job) -> bool:
        """Includes work that was done once, but whose result is gone."""
        if job.status in OPEN_JOBS:
            return False
        moment = ReopenedWork.MOMENTS[JobKind(job.kind)]
        return job.status == JobStatus.FAILED or getattr(media, moment) is None

    def _revive(self, media: Media, kinds: Iterable[JobKind]) -> None:
        twins = Media.objects.filter(
            owner=media.owner_id, video=media.video_id, status__in=LIVE_MEDIA
        )
        twin = twins.values_list("uuid", flat=True).first()
        if twin is not None:
            raise DuplicateMedia(twin)
        Media.objects.filter(uuid=media.uuid).update(
            **{ReopenedWork.MOMENTS[kind]: None for kind in kinds},
            status=MediaStatus.PROCESSING,
            failure_code="",
        )

    @staticmethod
    def _open(failed: Job, request_id: str) -> Job:
        """Hands the sent picture, if it still exists, over to the new job."""
        Job.objects.filter(uuid=failed.uuid).update(staged_name=None)
        return Job.objects.create(
            media_id=failed.media_id,
            kind=failed.kind,
            staged_name=failed.staged_name,
            request_id=request_id,
            ring_after=FromNow(FIRST_RING_DELAY),
        )
