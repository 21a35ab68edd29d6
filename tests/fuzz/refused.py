from pathlib import Path


class RefusedRequests:
    """The ids of refused requests, in a file: they are noted in another process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._file.touch()

    def add(self, request_id: str) -> None:
        with self._file.open("a") as file:
            file.write(f"{request_id}\n")

    def all(self) -> list[str]:
        return self._file.read_text().split()
