"""Whether a blob lives on from the bytes that were just received."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, ClassVar
from uuid import UUID

from backend.domain.errors import StagedFileGone, StagedFileNotSealed
from backend.domain.media import NewMedia, ObjectKey
from backend.domain.sightings import ObjectUnseen, Sight, Sighting
from backend.domain.states import BlobState
from backend.orm.blob_rows import BlobRows
from backend.orm.models import Blob
from backend.orm.new_blob import NewBlob


class BytesUse(Enum):
    """What becomes of a received file."""

    # The blob has its bytes.
    SPARE = "spare"
    # The blob is not stored yet, and has no other file.
    STAGED = "staged"
    # The object of the blob is gone: it is staged again.
    HEALING = "healing"
    # Nobody could tell: kept until a job has looked.
    KEPT = "kept"

    @property
    def replaces_a_file(self) -> bool:
        """One may still be there, of the time before the blob was stored."""
        return self in (BytesUse.HEALING, BytesUse.KEPT)


class ReceivedBytes:
    """Finds or makes the blob of received bytes, and says what it has the file for.

    `is_staged` tells whether a staged file is there.
    """

    _OF_STORED: ClassVar[Mapping[Sight, BytesUse]] = {
        Sight.THERE: BytesUse.SPARE,
        Sight.GONE: BytesUse.HEALING,
        Sight.UNKNOWN: BytesUse.KEPT,
    }

    def __init__(self, is_staged: Callable[[UUID], bool]) -> None:
        self._is_staged = is_staged

    @classmethod
    def blob(cls, new: NewMedia) -> Blob:
        """The blob of these bytes, locked; it waits for a twin that is being written."""
        while True:
            cls._insert(new)
            locked = Blob.objects.select_for_update(no_key=True)
            blob = locked.filter(sha256=new.file.sha256).first()
            if blob is not None:
                return blob

    def use(self, new: NewMedia, blob: Blob, sighting: Sighting | None) -> BytesUse:
        """Needs the blob locked, and names the file in its row where it is needed.

        Raises `ObjectUnseen`, `StagedFileGone` and `StagedFileNotSealed`.
        """
        use = self._use(new, blob, sighting)
        if use is not BytesUse.SPARE:
            self._take_over(new, blob, use)
        return use

    def are_known_lost(self, blob: Blob) -> bool:
        """What can be told without the object store."""
        if blob.state == BlobState.STAGED:
            return not self._is_staged(blob.staged_name)
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
        if blob.state == BlobState.MISSING:
            return BytesUse.HEALING
        if blob.state == BlobState.STORED:
            return self._use_if_stored(blob, sighting)
        if blob.staged_name == new.file.name or not self._is_staged(blob.staged_name):
            return BytesUse.STAGED
        return BytesUse.SPARE

    def _use_if_stored(self, blob: Blob, sighting: Sighting | None) -> BytesUse:
        """Whoever healed it meanwhile has named another file, so it is looked for anew."""
        now = BlobRows.ref(blob)
        if sighting is None or sighting.blob != now:
            raise ObjectUnseen(now)
        return self._OF_STORED[sighting.sight]

    def _take_over(self, new: NewMedia, blob: Blob, use: BytesUse) -> None:
        """Always the received file, also where an older one is: a job that has ended
        may be about to remove that."""
        if not new.file.sealed:
            raise StagedFileNotSealed
        if not self._is_staged(new.file.name):
            raise StagedFileGone
        changes: dict[str, Any] = {"staged_name": new.file.name}
        if use is BytesUse.HEALING:
            changes["state"] = BlobState.STAGED
        Blob.objects.filter(uuid=blob.uuid).update(**changes)
