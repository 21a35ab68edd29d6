"""What a deletion has removed from the tables, but not yet from the other stores."""

from dataclasses import dataclass
from typing import Self
from uuid import UUID

from backend.domain.media import BlobRef, ObjectKey


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Names of what must be removed; no name is ever reused, so removing twice is
    safe."""

    objects: tuple[ObjectKey, ...] = ()
    documents: tuple[UUID, ...] = ()
    staged_files: tuple[UUID, ...] = ()

    @classmethod
    def of_video(cls, blob: BlobRef) -> Self:
        """Everything that may exist for the bytes of a video."""
        return cls((blob.object_key,), (blob.uuid,), (blob.staged_name,))

    def __add__(self, other: "Leftovers") -> "Leftovers":
        return Leftovers(
            self.objects + other.objects,
            self.documents + other.documents,
            self.staged_files + other.staged_files,
        )

    def __sub__(self, other: "Leftovers") -> "Leftovers":
        return Leftovers(
            tuple(key for key in self.objects if key not in other.objects),
            tuple(name for name in self.documents if name not in other.documents),
            tuple(name for name in self.staged_files if name not in other.staged_files),
        )

    def __or__(self, other: "Leftovers") -> "Leftovers":
        """Union without duplicates."""
        return self + (other - self)

    def __len__(self) -> int:
        return len(self.objects) + len(self.documents) + len(self.staged_files)

    def __str__(self) -> str:
        counts = {
            "objects": len(self.objects),
            "documents": len(self.documents),
            "staged files": len(self.staged_files),
        }
        there = [f"{name}: {count}" for name, count in counts.items() if count]
        return ", ".join(there) or "nothing"
