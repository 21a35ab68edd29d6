"""Whether a blob needs the file that was just received."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, ClassVar
from uuid import UUID

from backend.domain.errors import StagedFileGone, StagedFileNotSealed
from backend.domain.jobs import JobKind
from backend.domain.media import NewMedia, ObjectKey
from backend.domain.sightings import ObjectUnseen, Sight, Sighting
from backend.domain.states import BlobState, JobStatus
from backend.orm.blob_rows import BlobRows
from backend.orm.models import Blob, Job
from backend.orm.new_blob import NewBlob


class BytesUse(Enum):
    """What happens to a received file."""

    # The blob has its bytes.
    SPARE = "spare"
    # The blob is new.
    NEW = "new"
    # The bytes of the blob are lost: it is staged again.
    HEALING = "healing"
    # Unknown: kept until a job has checked.
    KEPT = "kept"
    # Unknown, and the file of an earlier upload still exists.
    KEPT_BEFORE = "kept before"

    @property
    def takes_the_file(self) -> bool:
        return self not in (BytesUse.SPARE, BytesUse.KEPT_BEFORE)

    @property
    def awaits_a_look(self) -> bool:
        return self in (BytesUse.KEPT, BytesUse.KEPT_BEFORE)

    @property
    def replaces_a_file(self) -> bool:
        """A file from before the blob was stored may still exist."""
        return self in (BytesUse.HEALING, BytesUse.KEPT)


class ReceivedBytes:
    """Finds or makes the blob of received bytes, and decides what the file is used for.

    `is_staged` tells whether a staged file of a size is there.
    """

    _OF_STORED: ClassVar[Mapping[Sight, BytesUse]] = {
        Sight.THERE: BytesUse.SPARE,
        Sight.GONE: BytesUse.HEALING,
        Sight.UNKNOWN: BytesUse.KEPT,
    }

    def __init__(self, is_staged: Callable[[UUID, int], bool]) -> None:
        self._is_staged = is_staged

    @classmethod
    def blob(cls, new: NewMedia) -> Blob:
        """The blob of these bytes, locked; waits for a parallel transaction that is
        writing it."""
        while True:
            cls._insert(new)
            locked = Blob.objects.select_for_update(no_key=True)
            blob = locked.filter(sha256=new.file.sha256).first()
            if blob is not None:
                return blob

    def use(self, new: NewMedia, blob: Blob, sighting: Sighting | None) -> BytesUse:
        """Needs the blob locked, and names the file in its row if it is needed.

        Raises `ObjectUnseen`, `StagedFileGone` and `StagedFileNotSealed`.
        """
        use = self._use(new, blob, sighting)
        if use.takes_the_file:
            self._take_over(new, blob, use)
        return use

    def are_known_lost(self, blob: Blob) -> bool:
        """The decision, if it is possible without the object store."""
        if blob.state == BlobState.STAGED:
            return not self._has_file(blob)
        return blob.state == BlobState.MISSING

    @staticmethod
    def _insert(new: NewMedia) -> None:
        NewBlob(
            uuid=new.file.name,
            sha256=new.file.sha256,
            size_bytes=new.file.size_bytes,
            media_type=new.container.media_type,
            object_key=ObjectKey.video(new.file.name, new.container.extension),
        ).insert()

    def _use(self, new: NewMedia, blob: Blob, sighting: Sighting | None) -> BytesUse:
        if blob.staged_name == new.file.name:
            return BytesUse.NEW
        if blob.state == BlobState.STORED:
            return self._use_if_stored(blob, sighting)
        return BytesUse.HEALING if self.are_known_lost(blob) else BytesUse.SPARE

    def _has_file(self, blob: Blob) -> bool:
        if blob.let_go:
            return False
        return self._is_staged(blob.staged_name, blob.size_bytes)

    def _use_if_stored(self, blob: Blob, sighting: Sighting | None) -> BytesUse:
        """Raises `ObjectUnseen` if the object has not been checked."""
        now = BlobRows.ref(blob)
        if sighting is None or not sighting.holds_for(now):
            raise ObjectUnseen(now)
        use = self._OF_STORED[sighting.sight]
        if use is BytesUse.KEPT and self._awaits_a_look(blob):
            return BytesUse.KEPT_BEFORE
        return use

    def _awaits_a_look(self, blob: Blob) -> bool:
        """Whether the file of the blob stays until a future job has checked.

        A running upload may have checked already, and releases the file.
        """
        running = Job.objects.filter(
            media__video=blob.uuid,
            kind=JobKind.UPLOAD_TO_CDN,
            status=JobStatus.RUNNING,
        )
        return self._has_file(blob) and not running.exists()

    def _take_over(self, new: NewMedia, blob: Blob, use: BytesUse) -> None:
        """Always the received file, even if an older one exists: a finished job may be
        about to remove that."""
        if not new.file.sealed:
            raise StagedFileNotSealed
        if not self._is_staged(new.file.name, new.file.size_bytes):
            raise StagedFileGone
        changes: dict[str, Any] = {"staged_name": new.file.name, "let_go": False}
        if use is BytesUse.HEALING:
            changes["state"] = BlobState.STAGED
        Blob.objects.filter(uuid=blob.uuid).update(**changes)
