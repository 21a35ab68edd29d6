import hashlib
import os
from io import BytesIO
from typing import BinaryIO

from backend.domain.errors import ObjectStoreAway
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import BlobRef, ObjectKey
from backend.use_cases.ports import ByteCounter, StoredObject


class InMemoryObjectStorage:
    """Keeps objects in a dictionary; `away` and `damages` play its failures."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts: list[ObjectKey] = []
        self.away = False
        self.damages = False

    async def put(self, blob: BlobRef, source: BinaryIO, moved: ByteCounter) -> None:
        self._answer()
        self.puts.append(blob.object_key)
        content = os.pread(source.fileno(), blob.size_bytes + 1, 0)
        if self.damages or hashlib.sha256(content).hexdigest() != blob.sha256:
            raise JobFailed(FailureCode.OBJECT_DAMAGED, "Other bytes than were sent")
        moved(len(content))
        self.objects[str(blob.object_key)] = content

    async def stat(self, key: ObjectKey) -> StoredObject | None:
        self._answer()
        content = self.objects.get(str(key))
        if content is None:
            return None
        return StoredObject(key, len(content), hashlib.sha256(content).hexdigest())

    async def download(self, key: ObjectKey) -> BinaryIO | None:
        self._answer()
        content = self.objects.get(str(key))
        return None if content is None else BytesIO(content)

    async def remove(self, key: ObjectKey) -> None:
        self._answer()
        self.objects.pop(str(key), None)

    async def prepare(self) -> None:
        self._answer()

    def _answer(self) -> None:
        if self.away:
            raise ObjectStoreAway
