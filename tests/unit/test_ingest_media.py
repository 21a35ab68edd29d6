"""Ingest on the real ledger: whatever happens, the file and the rows belong together."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from backend.domain.errors import CommitUnknown, RightMissing, StagingAway, StorageFull
from backend.domain.jobs import DECIDING_JOBS, INGEST_JOBS, JobKind, RetryPolicy
from backend.domain.media import BlobRef, Ingested, NewMedia, StagedFile
from backend.domain.sightings import Sighting
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Blob, Job, Media, User
from backend.use_cases.ingest_media import IngestMedia
from backend.use_cases.object_check import ObjectCheck
from tests.fakes.freshness import InMemoryFreshness
from tests.fakes.ingest_leases import InMemoryIngestLeases
from tests.fakes.object_storage import InMemoryObjectStorage
from tests.fakes.staging import InMemoryIncomingFile, InMemoryStaging
from tests.ledger_world import LedgerWorld

pytestmark = pytest.mark.usefixtures("clean_database")

CONTENT = b"the bytes of a video"


class Gate:
    """A place where a caller waits until the test lets it go on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self.opened.wait()


class OpenGate(Gate):
    def __init__(self) -> None:
        super().__init__()
        self.opened.set()


class GatedLedger:
    """The real ledger behind a gate; `lost` is raised in place of its answer."""

    def __init__(
        self, world: LedgerWorld, gate: Gate, lost: Exception | None = None
    ) -> None:
        self._ledger = world.ledger
        self._gate = gate
        self._lost = lost
        self.transactions = 0

    async def stored_blob(self, blob_id: UUID) -> BlobRef | None:
        return await self._ledger.stored_blob(blob_id)

    async def ingest(self, new: NewMedia, sighting: Sighting | None = None) -> Ingested:
        await self._gate()
        self.transactions += 1
        ingested = await self._ledger.ingest(new, sighting)
        if self._lost is not None:
            raise self._lost
        return ingested


class RecordingDoorbell:
    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.rings: list[tuple[UUID, tuple[JobKind, ...], str]] = []
        self.rung = asyncio.Event()

    async def ring(
        self, media_id: UUID, kinds: Iterable[JobKind], request_id: str
    ) -> None:
        await self.gate()
        self.rings.append((media_id, tuple(kinds), request_id))
        self.rung.set()

    async def waiting(self, kind: JobKind) -> int | None:
        return None


class GatedIncomingFile(InMemoryIncomingFile):
    def __init__(self, staging: InMemoryStaging, gate: Gate) -> None:
        super().__init__(staging)
        self.gate = gate
        self.ended = asyncio.Event()
        self.seals = 0
        self.unsealable: Exception | None = None

    async def seal(self) -> StagedFile:
        if self.unsealable is not None:
            raise self.unsealable
        self.seals += 1
        return await super().seal()

    async def keep(self) -> None:
        await self.gate()
        await super().keep()
        self.ended.set()

    async def discard(self) -> None:
        await self.gate()
        await super().discard()
        self.ended.set()


class World:
    """A received video, and what is in the database before it is taken in."""

    def __init__(
        self, threads: DatabaseThreads, gated: str, lost: Exception | None
    ) -> None:
        self.gate = Gate()
        gates = {
            place: self.gate if place == gated else OpenGate()
            for place in ("ledger", "ring", "end")
        }
        staging = InMemoryStaging()
        self.incoming = GatedIncomingFile(staging, gates["end"])
        self.ledgers = LedgerWorld(
            threads, InMemoryFreshness(), RetryPolicy(), staging.holds
        )
        self.doorbell = RecordingDoorbell(gates["ring"])
        self.ledger = GatedLedger(self.ledgers, gates["ledger"], lost)
        self.leases = InMemoryIngestLeases()
        self.storage = InMemoryObjectStorage()
        self.use_case = IngestMedia(
            self.ledger,  # type: ignore[arg-type]
            self.doorbell,
            self.leases,
            staging,
            ObjectCheck(self.storage),
        )
        self.staging = staging

    @classmethod
    async def made(
        cls,
        threads: DatabaseThreads,
        situation: "Situation",
        gated: str = "",
        lost: Exception | None = None,
    ) -> "World":
        world = cls(threads, gated, lost)
        await world.incoming.write(CONTENT)
        world.session = await sync_to_async(world.ledgers.session)()
        await situation.prepare(world)
        return world

    async def ingested_before_by(self, email: str) -> None:
        session = await sync_to_async(self.ledgers.session)(email)
        new = self.ledgers.received(session, CONTENT)
        self.staging.files[new.file.name] = bytearray(CONTENT)
        ingested = await self.ledgers.ledger.ingest(new)
        self.leases.blobs[new.file.sha256] = ingested.blob_id

    async def ingest(self) -> Ingested:
        new = self.ledgers.received(self.session, CONTENT)
        file = self.incoming.received()
        received = NewMedia(
            new.owner_id,
            new.session_id,
            new.title,
            new.description,
            new.file_name,
            new.container,
            file,
            request_id="r-1",
        )
        return await self.use_case.execute(received, self.incoming)

    async def ingest_and_leave(self) -> None:
        """The request has gone, and what it began waits at the gate."""
        request = asyncio.create_task(self.ingest())
        await self.gate.reached.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request


async def nothing(world: World) -> None:
    """The bytes are new."""


async def known_to_another(world: World) -> None:
    await world.ingested_before_by("other@example.org")


async def known_to_the_owner(world: World) -> None:
    await world.ingested_before_by("owner@example.org")


async def known_and_lost(world: World) -> None:
    """The index names a blob that has neither object nor staged file."""
    await world.ingested_before_by("other@example.org")
    del world.staging.files[
        next(n for n in world.staging.files if n != world.incoming.name)
    ]


async def stored(world: World) -> None:
    """As when its jobs are over: the object is there, and nothing is staged."""
    await world.ingested_before_by("owner@example.org")
    blob = await Blob.objects.aget()
    del world.staging.files[blob.staged_name]
    world.storage.objects[blob.object_key] = CONTENT
    now = timezone.now()
    await Blob.objects.aupdate(state="stored", stored_at=now)
    await Media.objects.aupdate(status="ready", published_at=now, described_at=now)
    await Job.objects.aupdate(status="succeeded", finished_at=now)


async def stored_elsewhere(world: World) -> None:
    await stored(world)
    world.leases.blobs.clear()


async def lost(world: World) -> None:
    await stored(world)
    world.storage.objects.clear()


async def damaged(world: World) -> None:
    await stored(world)
    for key in world.storage.objects:
        world.storage.objects[key] = CONTENT[:-1]


async def away(world: World) -> None:
    await stored(world)
    world.storage.away = True


async def away_again(world: World) -> None:
    """An earlier upload could not look either, and its file has been kept."""
    await away(world)
    blob = await Blob.objects.aget()
    world.staging.files[blob.staged_name] = bytearray(CONTENT)


async def forgotten(world: World) -> None:
    """The index has been flushed."""
    await world.ingested_before_by("other@example.org")
    world.leases.blobs.clear()


async def demoted(world: World) -> None:
    await User.objects.aupdate(role_id="viewer")


@dataclass(frozen=True, slots=True)
class Situation:
    prepare: Callable[[World], Awaitable[None]]
    ended_as: str
    rings: int


NEW = Situation(nothing, "kept", 1)
SAME_BLOB = Situation(known_to_another, "discarded", 1)
DUPLICATE = Situation(known_to_the_owner, "discarded", 0)
REFUSED = Situation(demoted, "discarded", 0)
STALE_HINT = Situation(known_and_lost, "kept", 1)
FORGOTTEN = Situation(forgotten, "discarded", 1)
STORED = Situation(stored, "discarded", 0)
STORED_ELSEWHERE = Situation(stored_elsewhere, "discarded", 0)
LOST = Situation(lost, "kept", 1)
DAMAGED = Situation(damaged, "kept", 1)
AWAY = Situation(away, "kept", 1)
AWAY_AGAIN = Situation(away_again, "discarded", 1)


class TestIngestMedia:
    @pytest.mark.parametrize(
        "situation", [NEW, SAME_BLOB, DUPLICATE], ids=["new", "same blob", "duplicate"]
    )
    async def test_the_file_stays_and_the_bell_rings_only_where_needed(
        self, database_threads: DatabaseThreads, situation: Situation
    ) -> None:
        world = await World.made(database_threads, situation)
        ingested = await world.ingest()

        assert world.incoming.ended_as == situation.ended_as
        expected = [(ingested.media_id, INGEST_JOBS, "r-1")] * situation.rings
        assert world.doorbell.rings == expected

    @pytest.mark.parametrize(
        ("situation", "seals"),
        [(NEW, 1), (SAME_BLOB, 0), (DUPLICATE, 0), (STALE_HINT, 1), (FORGOTTEN, 1)],
        ids=["new", "same blob", "duplicate", "stale hint", "forgotten"],
    )
    async def test_only_what_must_last_is_sealed(
        self, database_threads: DatabaseThreads, situation: Situation, seals: int
    ) -> None:
        world = await World.made(database_threads, situation)
        ingested = await world.ingest()

        assert world.incoming.seals == seals
        assert world.incoming.ended_as == situation.ended_as
        assert list(world.leases.blobs.values()) == [ingested.blob_id]
        assert world.leases.held == []

    @pytest.mark.parametrize(
        ("situation", "seals", "healed"),
        [
            (STORED, 0, False),
            (STORED_ELSEWHERE, 1, False),
            (LOST, 1, True),
            (DAMAGED, 1, True),
            (AWAY, 1, False),
            (AWAY_AGAIN, 0, False),
        ],
        ids=[
            "there",
            "there, forgotten",
            "gone",
            "another size",
            "away",
            "away again",
        ],
    )
    async def test_the_object_of_a_duplicate_is_looked_for(
        self,
        database_threads: DatabaseThreads,
        situation: Situation,
        seals: int,
        healed: bool,
    ) -> None:
        world = await World.made(database_threads, situation)
        (media_id,) = [media.uuid async for media in Media.objects.all()]

        ingested = await world.ingest()

        assert (ingested.media_id, ingested.healed) == (media_id, healed)
        assert world.incoming.seals == seals
        assert world.incoming.ended_as == situation.ended_as
        expected = [(media_id, DECIDING_JOBS, "r-1")] * situation.rings
        assert world.doorbell.rings == expected
        kept = situation.ended_as == "kept"
        assert (world.incoming.name in world.staging.files) == kept
        assert len(world.staging.files) == situation.rings

    @pytest.mark.parametrize(
        ("situation", "transactions"),
        [(NEW, 1), (STORED, 1), (STORED_ELSEWHERE, 2), (AWAY_AGAIN, 1)],
        ids=["new", "there", "there, forgotten", "away again"],
    )
    async def test_what_the_index_knows_takes_one_transaction(
        self,
        database_threads: DatabaseThreads,
        situation: Situation,
        transactions: int,
    ) -> None:
        world = await World.made(database_threads, situation)
        await world.ingest()
        assert world.ledger.transactions == transactions

    async def test_a_file_that_a_healing_gives_up_is_removed(
        self, database_threads: DatabaseThreads
    ) -> None:
        world = await World.made(database_threads, LOST)
        older = (await Blob.objects.aget()).staged_name
        world.staging.files[older] = bytearray(CONTENT)
        await world.ingest()
        assert world.staging.files.keys() == {world.incoming.name}

    @pytest.mark.parametrize("error", [StorageFull, StagingAway])
    async def test_what_cannot_be_sealed_leaves_nothing(
        self, database_threads: DatabaseThreads, error: type[Exception]
    ) -> None:
        world = await World.made(database_threads, NEW)
        world.incoming.unsealable = error()
        with pytest.raises(error):
            await world.ingest()
        assert world.incoming.ended_as == "discarded"
        assert world.leases.blobs == {}
        assert world.leases.held == []
        assert not await Media.objects.aexists()

    async def test_an_unknown_commit_keeps_the_file(
        self, database_threads: DatabaseThreads
    ) -> None:
        world = await World.made(database_threads, NEW, lost=CommitUnknown())
        with pytest.raises(CommitUnknown):
            await world.ingest()
        assert world.incoming.ended_as == "kept"
        assert world.doorbell.rings == []

    async def test_what_nobody_foresaw_after_the_commit_keeps_the_file(
        self, database_threads: DatabaseThreads
    ) -> None:
        world = await World.made(database_threads, NEW, lost=RuntimeError("a bug"))
        with pytest.raises(RuntimeError):
            await world.ingest()
        blob = await Blob.objects.aget()
        assert world.staging.files[blob.staged_name] == CONTENT
        assert world.incoming.ended_as == "kept"

    async def test_a_refusal_leaves_nothing(
        self, database_threads: DatabaseThreads
    ) -> None:
        world = await World.made(database_threads, REFUSED)
        with pytest.raises(RightMissing):
            await world.ingest()
        assert world.incoming.ended_as == "discarded"
        assert not await Media.objects.aexists()

    @pytest.mark.parametrize("place", ["ledger", "ring", "end"])
    @pytest.mark.parametrize(
        "situation",
        [NEW, SAME_BLOB, DUPLICATE, REFUSED],
        ids=["new", "same blob", "duplicate", "refused"],
    )
    async def test_a_client_that_leaves_changes_nothing(
        self, database_threads: DatabaseThreads, situation: Situation, place: str
    ) -> None:
        if place == "ring" and not situation.rings:
            place = "end"
        world = await World.made(database_threads, situation, gated=place)
        await world.ingest_and_leave()
        # A worker that hears the bell must find the file unlocked.
        expected = situation.ended_as if place == "ring" else None
        assert world.incoming.ended_as == expected

        world.gate.opened.set()
        await world.incoming.ended.wait()
        if situation.rings:
            await world.doorbell.rung.wait()

        assert world.incoming.ended_as == situation.ended_as
        assert len(world.doorbell.rings) == situation.rings

    async def test_a_process_that_stops_in_the_transaction_keeps_the_file(
        self, database_threads: DatabaseThreads
    ) -> None:
        world = await World.made(database_threads, NEW, gated="ledger")
        await world.ingest_and_leave()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await world.incoming.ended.wait()
        assert world.incoming.ended_as == "kept"
