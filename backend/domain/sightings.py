"""What was seen of a stored object."""

from dataclasses import dataclass
from enum import StrEnum

from backend.domain.media import BlobRef


class Sight(StrEnum):
    """`GONE` also of an object that does not hold the bytes of its blob."""

    THERE = "there"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sighting:
    blob: BlobRef
    sight: Sight

    def holds_for(self, blob: BlobRef) -> bool:
        """Whoever healed the blob meanwhile has named another file, so it is looked for
        anew. What could not be seen stays unseen whatever has happened: twins, each of
        which names its file while an upload runs, would send one another back.
        """
        return self.sight is Sight.UNKNOWN or self.blob == blob


class ObjectUnseen(Exception):
    """A transaction depends on the object of this blob, which nobody has looked for."""

    def __init__(self, blob: BlobRef) -> None:
        super().__init__(str(blob.object_key))
        self.blob = blob
