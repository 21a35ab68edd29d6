"""The transaction in which a user replaces the miniature of a media."""

from collections.abc import Callable
from uuid import UUID

from backend.domain.errors import JobOpen, MediaNotFound, StagedFileGone
from backend.domain.jobs import JobKind
from backend.domain.media import Caller, NewMiniature
from backend.domain.rights import Right
from backend.domain.states import OPEN_JOBS, SHOWN_MEDIA
from backend.orm.callers import LockedCaller
from backend.orm.known_commit import KnownCommit
from backend.orm.models import Job, Media
from backend.orm.new_job import NewJob
from backend.orm.revision import Revision
from backend.orm.staged_lock import StagedLock


class MiniatureRequests:
    """Queues a `make_miniature` with the picture that was sent.

    Locks user, media and job, in this order. `is_staged` tells whether a staged file
    of a size is there.
    """

    def __init__(self, is_staged: Callable[[UUID, int], bool]) -> None:
        self._is_staged = is_staged

    def check(self, media_id: UUID, caller: Caller) -> None:
        """Before the picture is read. Raises as `MediaLedger.replace_miniature`."""
        media = Media.objects.filter(uuid=media_id, status__in=SHOWN_MEDIA).first()
        self._check(media, LockedCaller(caller.user_id, caller.rights))

    def execute(self, new: NewMiniature) -> UUID:
        """The uuid of the job. Raises as `MediaLedger.replace_miniature`."""
        return KnownCommit.of(self._write, new)

    def _write(self, new: NewMiniature) -> UUID:
        StagedLock.take(new.file.name)
        caller = LockedCaller.lock(new.user_id, new.session_id)
        locked = Media.objects.select_for_update(no_key=True)
        media = locked.filter(uuid=new.media_id, status__in=SHOWN_MEDIA).first()
        self._check(media, caller)
        if not self._is_staged(new.file.name, new.file.size_bytes):
            raise StagedFileGone
        return self._queue(new)

    @staticmethod
    def _check(media: Media | None, caller: LockedCaller) -> None:
        if media is None:
            raise MediaNotFound
        own, anybodys = Right.MEDIA_UPDATE_OWN, Right.MEDIA_UPDATE_ANY
        caller.check_for(media.owner_id, own, anybodys)
        open_jobs = Job.objects.filter(
            media=media, kind=JobKind.MAKE_MINIATURE, status__in=OPEN_JOBS
        )
        if open_jobs.exists():
            raise JobOpen("Its miniature is just being made; try again in a moment.")

    @staticmethod
    def _queue(new: NewMiniature) -> UUID:
        job = NewJob.of(
            new.media_id, JobKind.MAKE_MINIATURE, new.request_id, new.file.name
        )
        job.save(force_insert=True)
        Revision.rise(new.media_id)
        return job.uuid
