from datetime import timedelta

from backend.use_cases.purge_tombstones import PurgeTombstones


class Graveyard:
    """The part of the ledger that forgets tombstones; it has so many."""

    def __init__(self, tombstones: int) -> None:
        self.tombstones = tombstones
        self.looks = 0

    async def purge_tombstones(self, keep: timedelta, most: int) -> int:
        self.looks += 1
        purged = min(most, self.tombstones)
        self.tombstones -= purged
        return purged


class TestPurgeTombstones:
    async def test_it_goes_on_while_there_are_more_and_then_rests(self) -> None:
        graveyard = Graveyard(tombstones=25)
        purge = PurgeTombstones(
            graveyard, timedelta(days=30), most_at_once=10  # type: ignore[arg-type]
        )
        for _ in range(10):
            await purge.execute()
        assert (graveyard.tombstones, graveyard.looks) == (0, 3)

    async def test_it_looks_again_after_a_while(self) -> None:
        graveyard = Graveyard(tombstones=0)
        purge = PurgeTombstones(
            graveyard, timedelta(days=30), interval_seconds=0.0  # type: ignore[arg-type]
        )
        await purge.execute()
        await purge.execute()
        assert graveyard.looks == 2
