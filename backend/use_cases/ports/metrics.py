"""Who counts what happens. Nothing here raises or blocks."""

from typing import Protocol

from backend.domain.figures import Figures
from backend.domain.media import Ingested


class UploadObserver(Protocol):
    """Told of each video that was received whole."""

    def ingested(self, size_bytes: int, ingested: Ingested) -> None: ...


class UnobservedUploads:
    """Where nobody counts."""

    def ingested(self, size_bytes: int, ingested: Ingested) -> None:
        pass


class RequestObserver(Protocol):
    """Told of each request when it is over."""

    def answered(
        self, method: str, route: str, status: int | None, seconds: float
    ) -> None:
        """`status` is None where the client left before it was answered."""


class FiguresReader(Protocol):
    """Asks PostgreSQL how the whole installation does."""

    async def read(self) -> Figures:
        """Raises `DatabaseAway`, `DatabaseSilent`."""
