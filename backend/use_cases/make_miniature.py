import os
from dataclasses import dataclass
from typing import BinaryIO, ClassVar
from uuid import UUID

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind
from backend.domain.media import BlobRef, ObjectKey, Picture
from backend.use_cases.blob_bytes import BlobBytes
from backend.use_cases.failpoints import Failpoints
from backend.use_cases.ports import (
    Claim,
    MediaLedger,
    ObjectStorage,
    PictureMaker,
    StagedNames,
    Staging,
)
from backend.use_cases.proven_object import ProvenObject
from backend.use_cases.run_job import Progress


@dataclass(frozen=True, slots=True)
class MakeMiniature:
    """Makes the still picture of a media from the picture that was sent, or from a
    frame.

    The picture is shown once it is stored, and its predecessor is removed once it is
    shown: whenever the attempt dies, readers see a picture that exists.
    """

    ledger: MediaLedger
    staging: Staging
    storage: ObjectStorage
    videos: BlobBytes
    maker: PictureMaker

    kind: ClassVar[JobKind] = JobKind.MAKE_MINIATURE

    def time_limit_seconds(self, claim: Claim) -> float:
        return self.videos.time_limit_seconds(claim.blob)

    async def run(self, claim: Claim, progress: Progress) -> StagedNames:
        picture = await self._made(claim)
        progress.moved(claim.blob.size_bytes)
        blob = await self.ledger.begin_picture(claim, picture)
        Failpoints.reach("picture.begun", claim.media_id)
        for key in await self._shown(claim, blob, picture, progress):
            await self.storage.remove(key)
        return await self.ledger.mark_pictured(claim)

    async def _shown(
        self, claim: Claim, blob: BlobRef, picture: Picture, progress: Progress
    ) -> tuple[ObjectKey, ...]:
        """What `show_picture` returns, once the object is stored."""
        try:
            if not await ProvenObject(self.storage).is_there(blob):
                await self._put(claim, blob, picture, progress)
            Failpoints.reach("picture.stored", claim.media_id)
            return await self.ledger.show_picture(claim)
        except BaseException:
            await self._withdraw(blob)
            raise

    async def _withdraw(self, blob: BlobRef) -> None:
        """A late attempt may have stored an object that a deletion or another attempt
        gave up. A removed blob never comes back, so its object can always be
        removed."""
        if not await self.ledger.has_blob(blob.uuid):
            await self.storage.remove(blob.object_key)

    async def _made(self, claim: Claim) -> Picture:
        if claim.staged_picture is None:
            with await self.videos.open(claim.blob) as video:
                return await self.maker.of_video(video)
        with await self._sent(claim.staged_picture) as sent:
            return await self.maker.of_picture(sent)

    async def _sent(self, name: UUID) -> BinaryIO:
        sent = await self.staging.open(name)
        if sent is None:
            message = "The picture that was sent is not staged any more."
            raise JobFailed(FailureCode.STAGED_FILE_MISSING, message)
        return sent

    async def _put(
        self, claim: Claim, blob: BlobRef, picture: Picture, progress: Progress
    ) -> None:
        """Two media may put the same picture at once: it is one request with the same
        bytes under the same key, and one that is cut off leaves the other's object."""
        if blob.stored:
            await self.ledger.lose_object(claim, blob)
        with self._written(picture) as file:
            await self.storage.put(blob, file, progress.moved)

    @staticmethod
    def _written(picture: Picture) -> BinaryIO:
        """In memory: a disk that is full is no reason to wait."""
        file = os.fdopen(os.memfd_create("picture"), "w+b")
        file.write(picture.content)
        file.flush()
        return file
