"""What an upload declares, without a ledger to look into."""

from uuid import UUID


class StandInDeclaredUpload:
    """Knows the media in `owned`; `asked` has every sha256 that was looked for."""

    def __init__(self) -> None:
        self.owned: dict[str, UUID] = {}
        self.asked: list[str] = []

    async def media_of(self, sha256: str) -> UUID | None:
        self.asked.append(sha256)
        return self.owned.get(sha256)
