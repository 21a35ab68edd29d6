import hashlib
import os
from io import BytesIO
from typing import BinaryIO

from backend.domain.errors import ObjectStoreAway
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import BlobRef, ObjectKey
from backend.use_cases.ports import ByteCounter, SentPart, StoredObject, UploadJournal


class InMemoryObjectStorage:
    """Keeps objects in a dictionary; `away`, `damages` and `cdn_is_away` play failures.

    What has more than `part_bytes` goes in parts; it is away once `parts_left` is 0.
    """

    def __init__(self, part_bytes: int = 16) -> None:
        self._part_bytes = part_bytes
        self.objects: dict[str, bytes] = {}
        self.puts: list[ObjectKey] = []
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.parts: list[int] = []
        self.parts_left: int | None = None
        self.away = False
        self.damages = False
        self.cdn_is_away = False

    async def put(self, blob: BlobRef, source: BinaryIO, moved: ByteCounter) -> None:
        self._answer()
        self.puts.append(blob.object_key)
        content = os.pread(source.fileno(), blob.size_bytes + 1, 0)
        if hashlib.sha256(content).hexdigest() != blob.sha256:
            raise JobFailed(FailureCode.STAGED_FILE_MISSING, "Not what was received")
        if self.damages:
            raise JobFailed(FailureCode.OBJECT_DAMAGED, "Other bytes than were sent")
        moved(len(content))
        self.objects[str(blob.object_key)] = content

    async def put_resumably(
        self,
        blob: BlobRef,
        source: BinaryIO,
        moved: ByteCounter,
        journal: UploadJournal,
    ) -> None:
        self._answer()
        if blob.size_bytes > self._part_bytes:
            upload_id = await self._upload(blob, journal)
            starts = range(0, blob.size_bytes, self._part_bytes)
            for number, start in enumerate(starts, start=1):
                part = os.pread(source.fileno(), self._part_bytes, start)
                await self._send(upload_id, number, part, journal)
            del self.uploads[upload_id]
        await self.put(blob, source, moved)

    async def stat(self, key: ObjectKey) -> StoredObject | None:
        self._answer()
        content = self.objects.get(str(key))
        if content is None:
            return None
        return StoredObject(key, len(content), hashlib.sha256(content).hexdigest())

    async def proves(self, blob: BlobRef) -> bool:
        found = await self.stat(blob.object_key)
        return found is not None and found.holds(blob)

    async def download(self, key: ObjectKey) -> BinaryIO | None:
        self._answer()
        content = self.objects.get(str(key))
        return None if content is None else BytesIO(content)

    async def remove(self, key: ObjectKey) -> None:
        self._answer()
        self.objects.pop(str(key), None)
        for upload_id in [one for one in self.uploads if one.startswith(str(key))]:
            del self.uploads[upload_id]
        if self.cdn_is_away:
            raise JobFailed(FailureCode.CDN_AWAY, "The CDN keeps its copy")

    async def prepare(self) -> None:
        self._answer()

    async def _upload(self, blob: BlobRef, journal: UploadJournal) -> str:
        begun = await journal.begun()
        if begun is not None and begun.upload_id in self.uploads:
            return begun.upload_id
        upload_id = f"{blob.object_key} {os.urandom(4).hex()}"
        self.uploads[upload_id] = {}
        await journal.begin(upload_id, self._part_bytes)
        return upload_id

    async def _send(
        self, upload_id: str, number: int, part: bytes, journal: UploadJournal
    ) -> None:
        parts = self.uploads[upload_id]
        if number in parts:
            return
        if self.parts_left is not None:
            self.parts_left -= 1
            self.away = self.parts_left < 0
        self._answer()
        parts[number] = part
        self.parts.append(number)
        sha256 = hashlib.sha256(part).hexdigest()
        await journal.sent(upload_id, SentPart(number, sha256, sha256, confirmed=True))

    def _answer(self) -> None:
        if self.away:
            raise ObjectStoreAway
