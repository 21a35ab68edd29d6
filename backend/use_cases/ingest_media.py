"""Ingests a received video."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from uuid import UUID

from backend.domain.errors import StagedFileNotSealed
from backend.domain.jobs import DECIDING_JOBS, INGEST_JOBS, JobKind
from backend.domain.media import Ingested, NewMedia
from backend.domain.sightings import ObjectUnseen, Sighting
from backend.use_cases.failpoints import Failpoints
from backend.use_cases.handover import Handover
from backend.use_cases.object_check import ObjectCheck
from backend.use_cases.ports import (
    Doorbell,
    IncomingFile,
    IngestLeases,
    MediaLedger,
    Staging,
)
from backend.use_cases.ports.metrics import UnobservedUploads, UploadObserver
from backend.use_cases.staged_files import StagedFiles


@dataclass(frozen=True, slots=True)
class IngestMedia:
    """Turn a received video into a media with its jobs, or the media it duplicates.

    It heals a blob that has lost its object. A picture sent with it becomes the
    miniature of a new media; with a duplicate it is discarded, because the existing
    media has one.
    """

    ledger: MediaLedger
    doorbell: Doorbell
    leases: IngestLeases
    staging: Staging
    check: ObjectCheck
    observer: UploadObserver = field(default_factory=UnobservedUploads)
    _handover: Handover = field(default_factory=Handover, init=False)

    async def execute(
        self, new: NewMedia, incoming: IncomingFile, picture: IncomingFile | None = None
    ) -> Ingested:
        """Ends `incoming` and `picture`.

        Raises what sealing the video and `MediaLedger.ingest` raise.

        The transaction continues when the request is cancelled, and so does what
        follows: committed rows keep their files, and their jobs are rung for.
        """
        return await self._handover.see_through(self._ingest(new, incoming, picture))

    async def _ingest(
        self, new: NewMedia, incoming: IncomingFile, picture: IncomingFile | None
    ) -> Ingested:
        async with self._handover.undecided(incoming, picture):
            ingested = await self._written(new, incoming)
        Failpoints.reach("ingest.committed")
        self.observer.ingested(new.file.size_bytes, ingested)
        # Before the bell: a worker cannot remove a file that is still locked.
        await self._end(incoming, needed=ingested.keeps_staged_file)
        if picture is not None:
            await self._end(picture, needed=ingested.created)
        if ingested.given_up is not None:
            await StagedFiles(self.staging).remove((ingested.given_up,))
        if kinds := self._kinds(ingested):
            await self.doorbell.ring(ingested.media_id, kinds, new.request_id)
        return ingested

    async def _written(self, new: NewMedia, incoming: IncomingFile) -> Ingested:
        """While it is being written, parallel uploads of these bytes wait for it."""
        async with self.leases.received(new.file.sha256) as known:
            sighting: Sighting | None = None
            if known.uuid is None:
                new = await self._sealed(new, incoming)
            else:
                sighting = await self._seen(known.uuid)
            ingested = await self._taken(new, incoming, sighting)
            known.uuid = ingested.blob_id
            return ingested

    async def _seen(self, blob_id: UUID) -> Sighting | None:
        """Spares a duplicate the transaction that would only ask for a look."""
        blob = await self.ledger.stored_blob(blob_id)
        return None if blob is None else await self.check.look(blob)

    async def _taken(
        self, new: NewMedia, incoming: IncomingFile, sighting: Sighting | None
    ) -> Ingested:
        """What takes long is done only where the transaction cannot do without.

        Sealing: a blob that has its bytes needs no more. Looking for the object: nothing
        may be held meanwhile, so that each time the transaction looks whether the blob
        is still the one whose object was looked for.
        """
        while True:
            try:
                return await self.ledger.ingest(new, sighting)
            except StagedFileNotSealed:
                new = await self._sealed(new, incoming)
            except ObjectUnseen as unseen:
                sighting = await self.check.look(unseen.blob)

    @staticmethod
    async def _sealed(new: NewMedia, incoming: IncomingFile) -> NewMedia:
        sealed = await incoming.seal()
        Failpoints.reach("ingest.sealed")
        return replace(new, file=sealed)

    @staticmethod
    def _kinds(ingested: Ingested) -> Collection[JobKind]:
        """Other media that are healed too wait for this one's upload, or the sweeper."""
        if ingested.created:
            return INGEST_JOBS
        return DECIDING_JOBS if ingested.media_id in ingested.changed else ()

    @staticmethod
    async def _end(file: IncomingFile, *, needed: bool) -> None:
        await (file.keep() if needed else file.discard())
