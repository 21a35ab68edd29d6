"""One attempt to store a blob in parts, which resumes where the previous one ended."""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import structlog

from backend.adapters.blob_source import BlobSource
from backend.adapters.s3_part_plan import Cut, PartPlan
from backend.adapters.s3_parts import S3Parts
from backend.adapters.s3_proof import S3Proof
from backend.adapters.s3_target import Checksum, S3Target
from backend.adapters.stoppable_threads import Stop, StoppableThreads
from backend.domain.failures import FailureCode, JobFailed
from backend.use_cases.ports import BegunUpload, ByteCounter, SentPart, UploadJournal

log = structlog.get_logger(__name__)


class S3MultipartUpload:
    """Sends a file part by part, and trusts nothing.

    The upload is recorded before its first part is sent, and every part once the store
    has it, so the work of a killed or stopped attempt is not lost. Parts sent before
    are read and hashed again, and sent again unless the store lists them as recorded.
    Every part carries its SHA-256, and nothing becomes visible before the whole file
    has been compared with the blob.
    """

    # Another attempt with these parts would fail in the same way. All other failures
    # leave them to the next attempt.
    _HOPELESS: ClassVar = (
        FailureCode.OBJECT_DAMAGED,
        FailureCode.OBJECT_STORE_DENIED,
        FailureCode.STAGED_FILE_MISSING,
    )

    def __init__(
        self,
        threads: StoppableThreads,
        target: S3Target,
        source: BlobSource,
        moved: ByteCounter,
        journal: UploadJournal,
    ) -> None:
        self._threads = threads
        self._target = target
        self._source = source
        self._moved = moved
        self._journal = journal
        self._requests = S3Parts(target)
        self._plan = PartPlan(target.blob.size_bytes)

    async def run(self) -> None:
        """Raises `ObjectStoreAway`, `JobFailed` and what the journal raises."""
        upload = await self._found() or await self._begun()
        requests, upload_id = self._requests, upload.upload_id
        try:
            await self._threads.run(lambda stop: requests.end_others(upload_id))
            parts = await self._send(upload)
            await self._threads.run(lambda stop: self._finish(upload_id, parts, stop))
        except JobFailed as error:
            if error.code in self._HOPELESS:
                await self._threads.run(lambda stop: requests.give_up(upload_id))
            raise

    async def _found(self) -> BegunUpload | None:
        """An upload that can be resumed, with only those parts that need not be sent
        again."""
        begun = await self._journal.begun()
        if begun is None or begun.part_bytes != self._plan.part_bytes:
            return None
        listed = await self._threads.run(
            lambda stop: self._requests.listed(begun.upload_id)
        )
        if listed is None:
            return None
        cuts = {cut.number: cut for cut in self._plan}
        there = tuple(
            part
            for part in begun.parts
            if (part.number, part.etag, cuts[part.number].length) in listed
        )
        self._moved(sum(cuts[part.number].length for part in there))
        log.info("upload.resumed", parts=len(cuts), sent_before=len(there))
        return BegunUpload(begun.upload_id, begun.part_bytes, there)

    async def _begun(self) -> BegunUpload:
        upload_id = await self._threads.run(lambda stop: self._requests.create())
        try:
            await self._journal.begin(upload_id, self._plan.part_bytes)
        except Exception:
            # Otherwise there would be no record of it.
            await self._threads.run(lambda stop: self._requests.give_up(upload_id))
            raise
        return BegunUpload(upload_id, self._plan.part_bytes)

    async def _send(self, upload: BegunUpload) -> list[SentPart]:
        there = {part.number: part for part in upload.parts}
        return [await self._part(upload.upload_id, cut, there) for cut in self._plan]

    async def _part(
        self, upload_id: str, cut: Cut, there: Mapping[int, SentPart]
    ) -> SentPart:
        if (noted := there.get(cut.number)) is not None:
            await self._threads.run(partial(self._check, cut, noted))
            return noted
        sent = await self._threads.run(partial(self._send_part, upload_id, cut))
        await self._journal.sent(upload_id, sent)
        return sent

    def _check(self, cut: Cut, noted: SentPart, stop: Stop) -> None:
        with self._source.opened(stop) as file:
            digest = self._source.hash(file, cut.start, cut.length)
        if digest.hex() != noted.sha256:
            # Either may be wrong; an attempt that sends everything finds out.
            raise self._target.damaged("the staged file is not what a part was sent of")

    def _send_part(self, upload_id: str, cut: Cut, stop: Stop) -> SentPart:
        with self._source.opened(stop) as file:
            digest = self._source.hash(file, cut.start, cut.length)
            window = file.window(cut.start, cut.length, self._moved)
            return self._requests.send(upload_id, cut, digest, window)

    def _finish(self, upload_id: str, parts: list[SentPart], stop: Stop) -> None:
        self._source.check()
        self._requests.complete(upload_id, parts)
        confirmed = all(part.confirmed for part in parts)
        with self._target.translated():
            S3Proof(self._target, stop).check(Checksum.of_parts(parts), confirmed)
