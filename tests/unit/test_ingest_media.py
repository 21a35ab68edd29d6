"""Ingest on the real ledger: whatever happens, the file and the rows belong together."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async

from backend.domain.errors import CommitUnknown, RightMissing
from backend.domain.jobs import INGEST_JOBS, JobKind, RetryPolicy
from backend.domain.media import Ingested, NewMedia
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Media, User
from backend.use_cases.ingest_media import IngestMedia
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

    async def ingest(self, new: NewMedia) -> Ingested:
        await self._gate()
        ingested = await self._ledger.ingest(new)
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
        self.ledgers = LedgerWorld(threads, RetryPolicy(), staging.holds)
        self.doorbell = RecordingDoorbell(gates["ring"])
        ledger = GatedLedger(self.ledgers, gates["ledger"], lost)
        self.use_case = IngestMedia(ledger, self.doorbell)  # type: ignore[arg-type]
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
        await self.ledgers.ledger.ingest(new)

    async def ingest(self) -> Ingested:
        new = self.ledgers.received(self.session, CONTENT)
        file = await self.incoming.seal()
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

    async def test_an_unknown_commit_keeps_the_file(
        self, database_threads: DatabaseThreads
    ) -> None:
        world = await World.made(database_threads, NEW, lost=CommitUnknown())
        with pytest.raises(CommitUnknown):
            await world.ingest()
        assert world.incoming.ended_as == "kept"
        assert world.doorbell.rings == []

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
