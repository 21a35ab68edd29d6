"""Redis spares twins their work; PostgreSQL decides, whatever Redis does."""

import asyncio
import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection, transaction
from pydantic import SecretStr

from backend.adapters.redis_hints import MOST_SECONDS, RedisHints
from backend.adapters.redis_ingest_leases import RedisIngestLeases
from backend.adapters.redis_lease import RedisLease
from backend.config.api_container import ApiContainer
from backend.domain.media import Ingested, NewMedia
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Blob, Media, Session
from tests.accounts import Accounts
from tests.black_hole import BlackHole
from tests.fakes.clips import Clips
from tests.fakes.uploads import BOUNDARY, Multipart
from tests.folders import Looked
from tests.fsyncs import Fsyncs
from tests.ledger_world import MP4, LedgerWorld
from tests.own_redis import OwnRedis

CLIP = Clips.mp4(100_000)
SHA256 = hashlib.sha256(CLIP).hexdigest()
OTHER_SHA256 = hashlib.sha256(b"bytes that nobody has").hexdigest()
LEASE = f"ingest:received:{SHA256}"
INDEX = f"ingest:blob:{SHA256}"
# File and folder.
FSYNCS_OF_A_FILE = 2
# A busy machine must not be taken for a silent Redis.
CALM_SECONDS = 5.0


async def until(seen: Callable[[], object], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not seen():  # noqa: ASYNC110 - what others do rings no bell here
            await asyncio.sleep(0.005)


class Uploader:
    """One signed-in user."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self._http = http
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        }

    async def send(
        self, content: bytes = CLIP, sha256: str | None = None
    ) -> httpx.Response:
        return await self.send_form(self.form(content, sha256))

    async def send_form(self, form: bytes | AsyncIterator[bytes]) -> httpx.Response:
        return await self._http.post("/media/", content=form, headers=self._headers)

    @staticmethod
    def form(content: bytes = CLIP, sha256: str | None = None) -> bytes:
        form = Multipart()
        if sha256 is not None:
            form.field("sha256", sha256)
        return form.video(content).body()


class World:
    """The application on a Redis of its own, without a socket in front."""

    def __init__(
        self,
        redis_url: str,
        staging: Path,
        accounts: Accounts,
        hints: RedisHints | None = None,
    ) -> None:
        self.staging = staging
        staging.mkdir()
        environment = settings.ENVIRONMENT.model_copy(
            update={"redis_url": SecretStr(redis_url), "staging_dir": staging}
        )
        self.container = ApiContainer(environment)
        # A hundred wait for one another longer than requests do, on a busy machine.
        patient = DatabaseThreads(patience_seconds=60.0, answer_seconds=60.0)
        self.container.database_threads = patient
        if hints is not None:
            self.container.redis_hints = hints
        self._accounts = accounts
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.container.application),  # type: ignore[arg-type]
            base_url="http://localhost",
        )

    async def user(self, email: str = "ann@example.org") -> Uploader:
        tokens = await self._accounts.signed_in(email, "media_operator")
        return Uploader(self._http, tokens.access)

    def staged(self) -> set[str]:
        return Looked.names(self.staging)

    async def close(self) -> None:
        await self._http.aclose()
        await self.container.close()


@asynccontextmanager
async def locked_blobs() -> AsyncIterator[None]:
    """Ingests get as far as their transaction and wait there."""
    locked, over = threading.Event(), threading.Event()

    def lock() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("LOCK TABLE blob IN SHARE ROW EXCLUSIVE MODE")
                locked.set()
                over.wait(10)
        finally:
            connection.close()

    locking = asyncio.create_task(asyncio.to_thread(lock))
    await asyncio.to_thread(locked.wait, 10)
    try:
        yield
    finally:
        over.set()
        await locking


@pytest.fixture(scope="module")
def started_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    redis = OwnRedis(tmp_path_factory.mktemp("redis"))
    redis.start()
    yield redis
    redis.stop()


@pytest.fixture
def redis(started_redis: OwnRedis) -> OwnRedis:
    started_redis.flush()
    return started_redis


@pytest.fixture
async def world(
    redis: OwnRedis, hints: RedisHints, tmp_path: Path, accounts: Accounts
) -> AsyncIterator[World]:
    world = World(redis.url, tmp_path / "staging", accounts, hints)
    yield world
    await world.close()


@pytest.fixture
async def hints(redis: OwnRedis) -> AsyncIterator[RedisHints]:
    hints = RedisHints(redis.url, CALM_SECONDS)
    yield hints
    await hints.close()


class TestRedisPresent:
    async def test_a_twin_waits_and_links_without_a_file_of_its_own(
        self, world: World, redis: OwnRedis
    ) -> None:
        ann, bob = await world.user(), await world.user("bob@example.org")
        with Fsyncs() as fsyncs:
            async with locked_blobs():
                first = asyncio.create_task(ann.send())
                await until(lambda: redis.keys(LEASE))
                twin = asyncio.create_task(bob.send())
                await until(lambda: len(world.staged()) == 2)
            answers = [(await first), (await twin)]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert [answer.json()["deduplicated"] for answer in answers] == [False, True]
        assert fsyncs.count == FSYNCS_OF_A_FILE
        assert len(world.staged()) == 1
        assert (await Blob.objects.acount(), await Media.objects.acount()) == (1, 2)
        assert redis.keys("ingest:received:*") == []

    async def test_file_and_folder_are_on_disk_before_a_row_names_them(
        self, world: World
    ) -> None:
        ann = await world.user()
        with Fsyncs() as fsyncs:
            async with locked_blobs():
                sending = asyncio.create_task(ann.send())
                await until(lambda: fsyncs.count == FSYNCS_OF_A_FILE)
                assert not await Blob.objects.aexists()
            assert (await sending).status_code == 201
        assert fsyncs.count == FSYNCS_OF_A_FILE

    async def test_the_same_bytes_again_are_not_sealed_again(
        self, world: World
    ) -> None:
        ann = await world.user()
        with Fsyncs() as fsyncs:
            first, again = await ann.send(), await ann.send()
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json()["uuid"] == first.json()["uuid"]
        assert fsyncs.count == FSYNCS_OF_A_FILE
        assert len(world.staged()) == 1

    async def test_an_index_that_names_lost_bytes_misleads_nobody(
        self, world: World
    ) -> None:
        ann = await world.user()
        first = await ann.send()
        (name,) = world.staged()
        (world.staging / name).unlink()

        again = await ann.send()

        assert again.json()["uuid"] == first.json()["uuid"]
        (kept,) = world.staged()
        assert (world.staging / kept).read_bytes() == CLIP
        assert (await Blob.objects.aget()).staged_name == UUID(kept)

    @pytest.mark.parametrize("garbage", [b"no uuid", b"\xff"])
    async def test_an_index_of_garbage_is_none_and_is_written_anew(
        self, world: World, redis: OwnRedis, garbage: bytes
    ) -> None:
        ann = await world.user()
        redis.put(INDEX, garbage)

        answer = await ann.send()

        assert answer.status_code == 201
        blob = await Blob.objects.aget()
        assert redis.get(INDEX) == str(blob.uuid).encode()


class TestLease:
    async def test_of_two_hundred_at_once_one_has_it(self, hints: RedisHints) -> None:
        leases = [RedisLease(hints, "key") for _ in range(200)]
        answers = await asyncio.gather(*(lease.take() for lease in leases))
        assert None not in answers
        assert sum(bool(answer and answer[0]) for answer in answers) == 1
        await asyncio.gather(*(lease.release() for lease in leases))

    async def test_who_lost_it_does_not_take_it_from_the_next(
        self, hints: RedisHints, redis: OwnRedis
    ) -> None:
        late, newcomer = RedisLease(hints, "key"), RedisLease(hints, "key")
        await late.take()
        redis.drop("key")
        assert await newcomer.take() == [b"OK"]
        await late.release()
        assert redis.keys("key") == ["key"]
        await newcomer.release()
        assert redis.keys("key") == []

    async def test_it_is_renewed_while_it_is_held_and_ends_by_itself(
        self, hints: RedisHints, redis: OwnRedis
    ) -> None:
        # It may stand still for two seconds before it comes too late to renew it.
        lease = RedisLease(hints, "key", seconds=3.0)
        await lease.take()
        for _ in range(2):
            await self._until_renewed(hints)
        killed = lease._renewal
        assert killed is not None
        killed.cancel()
        assert 0 < await self._milliseconds_left(hints) <= 3_000

    @classmethod
    async def _until_renewed(cls, hints: RedisHints) -> None:
        """Until it has longer to live than it had."""
        before = await cls._milliseconds_left(hints)
        while (left := await cls._milliseconds_left(hints)) <= before:
            assert left > 0
            before = left
            await asyncio.sleep(0.01)

    @staticmethod
    async def _milliseconds_left(hints: RedisHints) -> int:
        answers = await hints.ask(("PTTL", "key"))
        assert answers is not None
        return int(answers[0])

    async def test_cancelled_holders_leave_neither_leases_nor_wrong_answers(
        self, hints: RedisHints, redis: OwnRedis
    ) -> None:
        leases = RedisIngestLeases(hints)

        async def hold(sha256: str) -> None:
            async with leases.received(sha256):
                await asyncio.Event().wait()

        holding = [asyncio.create_task(hold(f"{n % 50}")) for n in range(300)]
        for turn, task in enumerate(holding):
            task.cancel()
            if turn % 10 == 0:
                await asyncio.sleep(0.001)
        ended = await asyncio.gather(*holding, return_exceptions=True)
        assert {type(end) for end in ended} == {asyncio.CancelledError}

        echoes = await asyncio.gather(*(hints.ask(("ECHO", n)) for n in range(500)))
        assert echoes == [[b"%d" % n] for n in range(500)]
        assert redis.keys("*") == []


class TestRedisFlushedMidway:
    async def test_between_lease_and_commit(
        self, world: World, redis: OwnRedis
    ) -> None:
        ann, bob = await world.user(), await world.user("bob@example.org")
        async with locked_blobs():
            first = asyncio.create_task(ann.send())
            await until(lambda: redis.keys(LEASE))
            redis.flush()
            twin = asyncio.create_task(bob.send())
            await until(lambda: redis.keys(LEASE))
        answers = [(await first), (await twin)]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert sum(answer.json()["deduplicated"] for answer in answers) == 1
        assert (await Blob.objects.acount(), await Media.objects.acount()) == (1, 2)
        assert len(world.staged()) == 1

    async def test_a_hundred_at_once(self, world: World, redis: OwnRedis) -> None:
        sessions = [
            await sync_to_async(LedgerWorld.session)(f"{name}@example.org")
            for name in ("ann", "bob", "cid", "dee")
        ]
        barrier = asyncio.Barrier(101)

        async def ingest(session: Session) -> tuple[UUID, Ingested]:
            incoming = await world.container.staging.receive()
            await incoming.write(CLIP)
            received = incoming.received()
            new = NewMedia(
                *(session.user_id, session.uuid, "Title", "", "clip.mp4"),
                *(MP4, received, "request-1"),
            )
            await barrier.wait()
            ingest_media = world.container.media_controller._ingest_media
            return session.user_id, await ingest_media.execute(new, incoming)

        ingesting = [asyncio.create_task(ingest(who)) for who in sessions * 25]
        await barrier.wait()
        await until(lambda: redis.keys("ingest:*"))
        redis.flush()
        answers = await asyncio.gather(*ingesting)

        assert len({(owner, ingested.media_id) for owner, ingested in answers}) == 4
        assert sum(ingested.created for _, ingested in answers) == 4
        assert await Media.objects.acount() == 4
        blob = await Blob.objects.aget()
        assert world.staged() == {str(blob.staged_name)}


@contextmanager
def refusing() -> Iterator[str]:
    yield f"redis://127.0.0.1:{BlackHole.refusing_port()}"


@contextmanager
def silent() -> Iterator[str]:
    with BlackHole.open() as port:
        yield f"redis://127.0.0.1:{port}"


class TestRedisAway:
    @pytest.mark.parametrize("away", [refusing, silent])
    async def test_the_answers_are_the_same(
        self,
        tmp_path: Path,
        accounts: Accounts,
        away: Callable[[], Iterator[str]],
    ) -> None:
        with away() as url:  # type: ignore[attr-defined]
            world = World(url, tmp_path / "staging", accounts)
            ann, bob = await world.user(), await world.user("bob@example.org")
            began = time.monotonic()
            with structlog.testing.capture_logs() as logs:
                first = await ann.send(sha256=SHA256)
                again = await ann.send()
                declared = await ann.send(sha256=SHA256)
                shared = await bob.send()
            seconds = time.monotonic() - began
            await world.close()

        answers = [first, again, declared, shared]
        assert [answer.status_code for answer in answers] == [201, 200, 200, 201]
        told = [answer.json()["deduplicated"] for answer in answers]
        assert told == [False, True, True, True]
        assert len({answer.json()["uuid"] for answer in answers}) == 2
        assert len(world.staged()) == 1
        # Four requests, of which two ring for workers.
        assert seconds < 4.0
        assert [log["event"] for log in logs].count("hints.away") == 1

    async def test_a_frozen_one_delays_a_request_shortly_and_the_next_not_at_all(
        self, redis: OwnRedis
    ) -> None:
        hints = RedisHints(redis.url, pause_seconds=30.0)
        leases = RedisIngestLeases(hints)

        async def seconds_of_one() -> float:
            began = time.monotonic()
            async with leases.declared(uuid4(), SHA256), leases.received(SHA256):
                return time.monotonic() - began

        await seconds_of_one()
        with redis.frozen():
            together = await asyncio.gather(*(seconds_of_one() for _ in range(50)))
            alone = await seconds_of_one()
        await hints.close()
        assert max(together) < 1.5
        # Whoever asks a frozen one waits for so long.
        assert alone < MOST_SECONDS

    async def test_it_is_asked_again_once_it_is_back(self, tmp_path: Path) -> None:
        redis = OwnRedis(tmp_path)
        redis.start()
        hints = RedisHints(redis.url, CALM_SECONDS, pause_seconds=0.1)
        with structlog.testing.capture_logs() as logs:
            assert await hints.ask(("PING",)) is not None
            redis.stop()
            for _ in range(3):
                assert await hints.ask(("PING",)) is None
                await asyncio.sleep(0.15)
            redis.start()
            await asyncio.sleep(0.15)
            assert await hints.ask(("PING",)) is not None
        await hints.close()
        redis.stop()
        assert [log["event"] for log in logs] == ["hints.away", "hints.back"]


class TestHolderKilled:
    async def test_nobody_waits_longer_than_for_a_twin(
        self, world: World, redis: OwnRedis
    ) -> None:
        ann = await world.user()
        owner = await Session.objects.values_list("user_id", flat=True).aget()
        holder = subprocess.Popen(  # noqa: ASYNC220 - it is waited for below
            [sys.executable, "-m", "tests.lease_holder", redis.url, str(owner), SHA256],
            stdout=subprocess.PIPE,
        )
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == b"held\n"
        holder.kill()
        holder.communicate()
        assert len(redis.keys("ingest:*")) == 2

        async def seconds_without_a_request() -> float:
            began = time.monotonic()
            async with world.container.ingest_leases.declared(owner, SHA256):
                return time.monotonic() - began

        waiting = asyncio.create_task(seconds_without_a_request())
        began = time.monotonic()
        answer = await ann.send(sha256=SHA256)

        assert answer.status_code == 201
        # Shorter than the lease that the dead one has left.
        assert time.monotonic() - began < 6.0
        assert await waiting < 6.0


class TestDeclaredSha256:
    async def test_a_twin_of_the_same_owner_waits_and_another_owner_does_not(
        self, world: World
    ) -> None:
        ann, bob = await world.user(), await world.user("bob@example.org")
        form = Uploader.form(sha256=SHA256)
        half = len(form) // 2
        half_sent, go_on = asyncio.Event(), asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield form[:half]
            half_sent.set()
            await go_on.wait()
            yield form[half:]

        first = asyncio.create_task(ann.send_form(slowly()))
        await half_sent.wait()
        # These bytes would be refused if anybody looked at them.
        twin = asyncio.create_task(ann.send(Clips.mp4(5_000), SHA256))
        other = await bob.send(sha256=SHA256)
        assert not twin.done()
        go_on.set()
        answers = [await first, await twin]

        assert [answer.status_code for answer in answers] == [201, 200]
        assert answers[0].json()["uuid"] == answers[1].json()["uuid"]
        assert other.status_code == 201

    async def test_what_another_has_is_received_like_what_nobody_has(
        self, world: World
    ) -> None:
        ann, bob = await world.user(), await world.user("bob@example.org")
        await ann.send()
        before = world.staged()
        wrong = Clips.mp4(5_000)

        foreign = await bob.send(wrong, SHA256)
        unknown = await bob.send(wrong, OTHER_SHA256)
        right = await bob.send(CLIP, SHA256)

        assert (foreign.status_code, unknown.status_code) == (422, 422)
        assert foreign.json()["code"] == "checksum_mismatch"
        different = {"instance", "request_id"}
        assert {k: v for k, v in foreign.json().items() if k not in different} == {
            k: v for k, v in unknown.json().items() if k not in different
        }
        assert (right.status_code, right.json()["deduplicated"]) == (201, True)
        assert world.staged() == before

    async def test_bytes_that_do_not_match_are_refused_and_not_staged(
        self, world: World, redis: OwnRedis
    ) -> None:
        ann = await world.user()
        answer = await ann.send(CLIP, OTHER_SHA256)
        assert (answer.status_code, answer.json()["code"]) == (422, "checksum_mismatch")
        assert world.staged() == set()
        assert redis.keys("ingest:*") == []
        assert not await Blob.objects.aexists()
