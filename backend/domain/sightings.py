"""What was seen of a stored object."""

from dataclasses import dataclass
from enum import StrEnum

from backend.domain.media import BlobRef


class Sight(StrEnum):
    """`GONE` also if the object does not hold the bytes of its blob."""

    THERE = "there"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sighting:
    blob: BlobRef
    sight: Sight

    def holds_for(self, blob: BlobRef) -> bool:
        """If the blob was healed meanwhile, it names another file, so its object is
        checked again. `UNKNOWN` stays valid in any case: parallel uploads, each naming
        its own file while an upload runs, would otherwise send one another back
        forever."""
        return self.sight is Sight.UNKNOWN or self.blob == blob


class ObjectUnseen(Exception):
    """A transaction depends on the object of this blob, which has not been checked."""

    def __init__(self, blob: BlobRef) -> None:
        super().__init__(str(blob.object_key))
        self.blob = blob
