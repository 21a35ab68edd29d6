"""The transactions of the sweeper: lost leases, due jobs, heartbeats."""

from datetime import timedelta
from itertools import chain

from django.db import connection, transaction
from django.db.models import Subquery
from django.db.models.functions import Least, Now

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import AttemptOutcome, JobKind
from backend.domain.states import JobStatus
from backend.orm.held_job import HeldJob, LeaseLost
from backend.orm.intervals import RING_INTERVAL, FromNow
from backend.orm.job_endings import JobEndings
from backend.orm.models import Blob, Job, Media, WorkerHeartbeat
from backend.orm.paused_kinds import PausedKinds
from backend.orm.unneeded_files import UnneededFiles
from backend.use_cases.ports import DueJob, Reclaimed, StagedNames

# An arbitrary number that nothing else in this database uses.
SWEEP_LOCK = 7_203_118
MOST_RECLAIMED_AT_ONCE = 100


class JobSweep:
    """Finds abandoned work. Only one sweep runs at a time."""

    def __init__(self, endings: JobEndings) -> None:
        self._endings = endings

    @transaction.atomic
    def reclaim_lost(self) -> Reclaimed:
        """Queue jobs whose lease has ended, or fail those that are given up."""
        if not self._is_alone():
            return Reclaimed()
        lost = Job.objects.filter(status=JobStatus.RUNNING, lease_until__lt=Now())
        jobs = lost.select_related("media")[:MOST_RECLAIMED_AT_ONCE]
        unneeded = {
            job: names for job in jobs if (names := self._reclaim(job)) is not None
        }
        return Reclaimed(
            tuple(job.media_id for job in unneeded),
            tuple(chain.from_iterable(unneeded.values())),
        )

    @transaction.atomic
    def due(self, kind: JobKind, most: int) -> list[DueJob]:
        """Queued jobs without a recent message, marked as rung; none while paused."""
        if not self._is_alone():
            return []
        jobs = list(
            Job.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(
                ~PausedKinds.of_job(),
                kind=kind,
                status=JobStatus.QUEUED,
                run_after__lte=Now(),
                ring_after__lte=Now(),
            )
            .order_by("ring_after")[:most]
        )
        Job.objects.filter(uuid__in=[job.uuid for job in jobs]).update(
            ring_after=FromNow(RING_INTERVAL)
        )
        return [DueJob(job.media_id, kind, job.request_id) for job in jobs]

    @staticmethod
    def beat(worker: str) -> None:
        WorkerHeartbeat.objects.update_or_create(
            worker=worker, defaults={"seen_at": Now()}
        )

    @staticmethod
    @transaction.atomic
    def purge_heartbeats(keep: timedelta, most: int) -> int:
        latest = WorkerHeartbeat.objects.order_by("-seen_at").values("seen_at")[:1]
        silent = WorkerHeartbeat.objects.filter(
            seen_at__lt=Least(FromNow(-keep), Subquery(latest))
        )
        locked = silent.select_for_update(skip_locked=True)
        chosen = list(locked.values_list("pk", flat=True)[:most])
        WorkerHeartbeat.objects.filter(pk__in=chosen).delete()
        return len(chosen)

    @staticmethod
    def _is_alone() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SWEEP_LOCK])
            row = cursor.fetchone()
        return bool(row and row[0])

    def _reclaim(self, job: Job) -> StagedNames | None:
        """The files no longer needed; None if the job is not lost after all."""
        if not self._lock(job.media) or not self._is_still_lost(job):
            return None
        held = HeldJob(job.uuid, job.fence, job.attempt)
        lost = JobFailed(FailureCode.LEASE_LOST, "The lease ended without a word.")
        try:
            with transaction.atomic():
                self._endings.end_badly(held, job.media_id, JobKind(job.kind), lost)
                held.end_attempt(AttemptOutcome.LOST, lost.code, str(lost))
        except LeaseLost:
            return None
        return UnneededFiles.let_go(job.media_id, job.media.video_id)

    @staticmethod
    def _is_still_lost(job: Job) -> bool:
        """Checked with the row locked, as its holder may have renewed the lease
        meanwhile."""
        locked = Job.objects.select_for_update(no_key=True)
        lost = locked.filter(uuid=job.uuid, fence=job.fence, lease_until__lt=Now())
        return lost.first() is not None

    @staticmethod
    def _lock(media: Media) -> bool:
        """False if another transaction has locked either; a later sweep tries again."""
        blobs = Blob.objects.select_for_update(no_key=True, skip_locked=True)
        if media.video_id and blobs.filter(uuid=media.video_id).first() is None:
            return False
        locked = Media.objects.select_for_update(no_key=True, skip_locked=True)
        return locked.filter(uuid=media.uuid).first() is not None
