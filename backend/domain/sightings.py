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
    """Good for as long as the blob is what it was when its object was looked for."""

    blob: BlobRef
    sight: Sight


class ObjectUnseen(Exception):
    """A transaction depends on the object of this blob, which nobody has looked for."""

    def __init__(self, blob: BlobRef) -> None:
        super().__init__(str(blob.object_key))
        self.blob = blob
