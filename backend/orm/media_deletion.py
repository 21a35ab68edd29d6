"""The transactions at both ends of a deletion: hidden from readers, and forgotten."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from backend.domain.jobs import JobKind
from backend.domain.media import Caller
from backend.domain.rights import Right
from backend.domain.states import MEDIA_TRANSITIONS, OPEN_JOBS, MediaStatus
from backend.orm.callers import LockedCaller
from backend.orm.intervals import FIRST_RING_DELAY, FromNow
from backend.orm.models import Job, Media
from backend.orm.other_jobs import OtherJobs
from backend.orm.revision import Revision
from backend.orm.shown_media import ShownMedia


class MediaDeletion:
    """Hides a media from every reader and opens the job that removes the rest."""

    @transaction.atomic
    def begin(
        self,
        media_id: UUID,
        caller: Caller,
        request_id: str,
        revisions: Collection[str] | None,
    ) -> None:
        """Raises what `MediaLedger.delete` names."""
        locked = LockedCaller.lock(caller.user_id, caller.session_id)
        media = ShownMedia.lock(media_id)
        locked.check_for(media.owner_id, Right.MEDIA_DELETE_OWN, Right.MEDIA_DELETE_ANY)
        Revision.check(media, revisions)
        self._hide(media_id)
        OtherJobs(media_id).close_queued()
        Job.objects.create(
            media_id=media_id,
            kind=JobKind.DELETE_MEDIA,
            request_id=request_id,
            ring_after=FromNow(FIRST_RING_DELAY),
        )

    @staticmethod
    def _hide(media_id: UUID) -> None:
        sources = MEDIA_TRANSITIONS.sources(MediaStatus.DELETING)
        Media.objects.filter(uuid=media_id, status__in=sources).update(
            status=MediaStatus.DELETING, revision=F("revision") + 1, updated_at=Now()
        )


class Tombstones:
    """What is left of deleted media, kept for a while to show what happened."""

    @transaction.atomic
    def purge(self, keep: timedelta, most: int) -> int:
        """Forget up to this many that are old enough, with their jobs; returns how
        many."""
        old = Media.objects.select_for_update(skip_locked=True).filter(
            status=MediaStatus.DELETED, updated_at__lt=FromNow(-keep)
        )
        finished = old.exclude(jobs__status__in=OPEN_JOBS)
        chosen = [media.uuid for media in finished[:most]]
        Media.objects.filter(uuid__in=chosen).delete()
        return len(chosen)
