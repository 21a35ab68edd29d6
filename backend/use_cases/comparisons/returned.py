import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.domain.errors import ObjectStoreAway
from backend.domain.failures import JobFailed
from backend.use_cases.ports import KnownObject, ObjectStorage

# Each object that may have returned is requested by key, and once more when it is
# repaired; a comparison has five seconds of a turn for all it does.
MOST_ASKED_FOR = 50
MOST_SECONDS = 1.5


@dataclass(slots=True)
class Asked:
    """The first objects of a page: which are back, and why some could not be checked.

    `until` is the key of the last of them; None is all of them.
    """

    found: list[KnownObject] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    until: str | None = None

    def refuse(self, known: KnownObject, reason: str) -> None:
        self.found.append(known)
        self.refusals[str(known.blob.object_key)] = reason


@dataclass(frozen=True, slots=True)
class ReturnedObjects:
    """Asks which objects of `missing` blobs are back, with exactly their bytes.

    Whatever the store does, each call settles at least one: refusals are reported, and
    so is a missing answer for the first. Others wait for the next page.
    """

    storage: ObjectStorage
    most: int = MOST_ASKED_FOR
    seconds: float = MOST_SECONDS

    async def among(self, maybe: Sequence[KnownObject]) -> Asked:
        """They must be in the order of their keys."""
        asked, count = Asked(), 0
        try:
            async with asyncio.timeout(self.seconds):
                for known in maybe[: self.most]:
                    await self._ask(known, asked)
                    count += 1
        except (TimeoutError, ObjectStoreAway) as error:
            if not count:
                asked.refuse(maybe[0], str(error) or f"no answer in {self.seconds} s")
                count = 1
        if count < len(maybe):
            asked.until = str(maybe[count - 1].blob.object_key)
        return asked

    async def holds(self, known: KnownObject) -> bool:
        """Whether the store knows its checksum."""
        found = await self.storage.stat(known.blob.object_key)
        return found is not None and found.holds(known.blob)

    async def _ask(self, known: KnownObject, asked: Asked) -> None:
        try:
            if await self.holds(known):
                asked.found.append(known)
        except JobFailed as error:
            asked.refuse(known, str(error))
