"""The transaction that ingests a received video."""

from collections.abc import Callable
from uuid import UUID

from backend.domain.errors import StagedFileGone
from backend.domain.jobs import INGEST_JOBS, JobKind
from backend.domain.media import Ingested, NewMedia, OwnedMedia
from backend.domain.rights import Right
from backend.domain.sightings import Sighting
from backend.domain.states import LIVE_MEDIA
from backend.orm.blob_rows import BlobRows
from backend.orm.callers import LockedCaller
from backend.orm.healing import Healing
from backend.orm.known_commit import KnownCommit
from backend.orm.models import Blob, Job, Media
from backend.orm.new_job import NewJob
from backend.orm.received_bytes import BytesUse, ReceivedBytes
from backend.orm.reopened_work import ReopenedWork
from backend.orm.staged_lock import StagedLock


class MediaIngest:
    """Decides whether received bytes are new, shared, a duplicate, or replace lost
    ones.

    Locks in the order of all ledger transactions: user, blob, media, job. `is_staged`
    tells whether a staged file of a size exists.
    """

    def __init__(self, is_staged: Callable[[UUID, int], bool]) -> None:
        self._is_staged = is_staged
        self._bytes = ReceivedBytes(is_staged)

    def execute(self, new: NewMedia, sighting: Sighting | None = None) -> Ingested:
        """Raises what `MediaLedger.ingest` names."""
        return KnownCommit.of(self._write, new, sighting)

    def find(self, owner_id: UUID, sha256: str) -> OwnedMedia | None:
        """The same query, no matter who else has these bytes."""
        live = Media.objects.filter(
            owner=owner_id, video__sha256=sha256, status__in=LIVE_MEDIA
        )
        media = live.select_related("video").first()
        if media is None or self._bytes.are_known_lost(media.blob):
            return None
        return OwnedMedia(media.uuid, BlobRows.ref(media.blob))

    def _write(self, new: NewMedia, sighting: Sighting | None) -> Ingested:
        StagedLock.take(new.file.name)
        if new.picture is not None:
            StagedLock.take(new.picture.name)
        caller = LockedCaller.lock(new.owner_id, new.session_id)
        caller.check(Right.MEDIA_CREATE)
        blob = self._bytes.blob(new)
        use = self._bytes.use(new, blob, sighting)
        reopened = self._reopened(new, blob, use)
        twin = self._live_media(new.owner_id, blob)
        is_healed = twin is not None and (use is BytesUse.HEALING or twin in reopened)
        checked = self._checked(twin, new, use)
        return Ingested(
            twin or self._create_media(new, blob),
            blob.uuid,
            created=twin is None,
            deduplicated=blob.uuid != new.file.name,
            keeps_staged_file=use.takes_the_file,
            healed=is_healed,
            changed=reopened or checked,
            given_up=blob.staged_name if use.replaces_a_file else None,
        )

    @staticmethod
    def _reopened(new: NewMedia, blob: Blob, use: BytesUse) -> tuple[UUID, ...]:
        """The sender of lost bytes gets the media back, whichever upload heals it."""
        healing = Healing(blob.uuid, new.request_id)
        if use is BytesUse.HEALING:
            return healing.of_all()
        return healing.of_owner(new.owner_id)

    @staticmethod
    def _checked(twin: UUID | None, new: NewMedia, use: BytesUse) -> tuple[UUID, ...]:
        """A job will find or put the object; until then the media stays as it is."""
        if twin is None or not use.awaits_a_look:
            return ()
        ReopenedWork.queue(twin, (JobKind.UPLOAD_TO_CDN,), new.request_id)
        return (twin,)

    @staticmethod
    def _live_media(owner_id: UUID, blob: Blob) -> UUID | None:
        live = Media.objects.filter(owner=owner_id, video=blob, status__in=LIVE_MEDIA)
        return live.values_list("uuid", flat=True).first()

    def _create_media(self, new: NewMedia, blob: Blob) -> UUID:
        media = Media.objects.create(
            title=new.title,
            description=new.description,
            file_name=new.file_name,
            owner_id=new.owner_id,
            video=blob,
        )
        Job.objects.bulk_create(
            NewJob.of(media.uuid, kind, new.request_id, self._picture(new, kind))
            for kind in INGEST_JOBS
        )
        return media.uuid

    def _picture(self, new: NewMedia, kind: JobKind) -> UUID | None:
        """The staged picture for the job that takes one. Raises `StagedFileGone`."""
        if new.picture is None or kind != JobKind.MAKE_MINIATURE:
            return None
        if not self._is_staged(new.picture.name, new.picture.size_bytes):
            raise StagedFileGone
        return new.picture.name
