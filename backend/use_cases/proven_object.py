from dataclasses import dataclass

from backend.domain.media import BlobRef
from backend.use_cases.ports import ObjectStorage


@dataclass(frozen=True, slots=True)
class ProvenObject:
    """Tells whether the object of a blob exists, so that it need not be put.

    A put labels the object before it is verified. So the label counts only once a blob
    is stored; until then an attempt may have ended between the two.
    """

    storage: ObjectStorage

    async def is_there(self, blob: BlobRef) -> bool:
        """An object with other bytes is removed. Raises as `ObjectStorage` does."""
        found = await self.storage.stat(blob.object_key)
        if found is None or not found.holds(blob):
            return False
        if blob.stored or await self.storage.proves(blob):
            return True
        await self.storage.remove(blob.object_key)
        return False
