from uuid import UUID

from backend.domain.leftovers import Leftovers
from backend.domain.media import ObjectKey

Pairs = list[list[str]]


class LeftoversJson:
    """Leftovers as stored in the row of a job: pairs of store and name."""

    OBJECT, DOCUMENT, STAGED_FILE = "object", "document", "staged_file"

    @classmethod
    def dump(cls, leftovers: Leftovers) -> Pairs:
        return [
            *([cls.OBJECT, str(key)] for key in leftovers.objects),
            *([cls.DOCUMENT, str(name)] for name in leftovers.documents),
            *([cls.STAGED_FILE, str(name)] for name in leftovers.staged_files),
        ]

    @classmethod
    def load(cls, pairs: Pairs) -> Leftovers:
        return Leftovers(
            tuple(ObjectKey(name) for name in cls._names(pairs, cls.OBJECT)),
            tuple(UUID(name) for name in cls._names(pairs, cls.DOCUMENT)),
            tuple(UUID(name) for name in cls._names(pairs, cls.STAGED_FILE)),
        )

    @staticmethod
    def _names(pairs: Pairs, store: str) -> list[str]:
        return [name for kind, name in pairs if kind == store]
