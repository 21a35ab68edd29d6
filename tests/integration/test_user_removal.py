"""What becomes of the media of a user who is deleted."""

import asyncio
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async

from backend.domain.errors import InvalidToken, RightMissing
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetryPolicy
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Job, Media, Session
from backend.use_cases.ports import Freshness
from tests.account_api import AccountApi, HeldLock, fields, refusal
from tests.ledger_world import LedgerWorld

LOCK_USER = 'SELECT 1 FROM "user" WHERE uuid = %s FOR UPDATE'


@pytest.fixture
def world(database_threads: DatabaseThreads, freshness: Freshness) -> LedgerWorld:
    return LedgerWorld(database_threads, freshness, RetryPolicy(most_failures=1))


@pytest.fixture
async def owner(world: LedgerWorld, api: AccountApi) -> Session:
    return await sync_to_async(world.session)("owner@example.org")


@pytest.fixture
async def heir(world: LedgerWorld, api: AccountApi) -> Session:
    return await sync_to_async(world.session)("heir@example.org")


def path_of(session: Session, heir: Session | UUID | str | None = None) -> str:
    path = f"/users/{session.user_id}/"
    receiver = heir.user_id if isinstance(heir, Session) else heir
    return path if receiver is None else f"{path}?transfer_to={receiver}"


@sync_to_async
def owners() -> dict[UUID, UUID | None]:
    return dict(Media.objects.values_list("uuid", "owner"))


class TestWithoutReceiver:
    async def test_who_owns_media_stays(
        self, api: AccountApi, world: LedgerWorld, owner: Session
    ) -> None:
        admin = await api.admin()
        await world.taken_in(owner)
        before = await api.everything()
        answer = await admin.delete(path_of(owner))
        assert refusal(answer) == (409, "user_owns_media")
        assert await api.everything() == before

    async def test_who_owns_none_is_gone_and_signed_out(self, api: AccountApi) -> None:
        admin, ann = await api.admin(), await api.person("ann@example.org")
        assert (await admin.delete(ann.path)).status_code == 204
        assert refusal(await admin.get(ann.path)) == (404, "user_not_found")
        assert refusal(await ann.get("/auth/me/")) == (401, "invalid_token")
        assert not await ann.can_refresh()

    async def test_media_that_are_gone_keep_their_history_and_not_the_user(
        self, api: AccountApi, world: LedgerWorld, owner: Session
    ) -> None:
        admin = await api.admin()
        buried, dying = await world.taken_in(owner), None
        await world.delete(buried, owner)
        claim = await world.claimed(buried, JobKind.DELETE_MEDIA)
        await world.ledger.let_go(claim)
        dying = await world.taken_in(owner, b"another video")
        await world.delete(dying, owner)

        assert (await admin.delete(path_of(owner))).status_code == 204

        assert await owners() == {buried: None, dying: None}
        assert await Job.objects.filter(media=buried).acount() == 4
        claim = await world.claimed(dying, JobKind.DELETE_MEDIA)
        leftovers = await world.ledger.let_go(claim)
        assert len(leftovers.objects) == 1


class TestTransfer:
    async def test_what_can_be_seen_goes_to_the_receiver(
        self, api: AccountApi, world: LedgerWorld, owner: Session, heir: Session
    ) -> None:
        admin = await api.admin()
        live = await world.taken_in(owner)
        failed = await world.taken_in(owner, b"a broken video")
        claim = await world.claimed(failed, JobKind.EXTRACT_METADATA)
        error = JobFailed(FailureCode.UNREADABLE_MEDIA, "broken")
        await world.ledger.fail(claim, error)
        gone = await world.taken_in(owner, b"an old video")
        await world.delete(gone, owner)
        before = {m: (await admin.get(f"/media/{m}/")).json() for m in (live, failed)}

        answer = await admin.delete(path_of(owner, heir))

        assert answer.status_code == 204
        assert await owners() == {
            live: heir.user_id,
            failed: heir.user_id,
            gone: None,
        }
        for media_id, shown in before.items():
            after = (await admin.get(f"/media/{media_id}/")).json()
            assert after["owner"] == str(heir.user_id)
            assert after["revision"] == shown["revision"] + 1
            assert after["updated_at"] > shown["updated_at"]

    async def test_a_receiver_who_has_the_bytes_is_refused(
        self, api: AccountApi, world: LedgerWorld, owner: Session, heir: Session
    ) -> None:
        admin = await api.admin()
        await world.taken_in(owner, b"another video")
        await world.taken_in(owner)
        twin = await world.taken_in(heir)
        before = await api.everything()
        answer = await admin.delete(path_of(owner, heir))
        assert refusal(answer) == (409, "duplicate_media")
        assert answer.json()["media"] == str(twin)
        assert await api.everything() == before

        await world.delete(twin, heir)
        assert (await admin.delete(path_of(owner, heir))).status_code == 204

    async def test_odd_receivers(
        self, api: AccountApi, world: LedgerWorld, owner: Session
    ) -> None:
        admin = await api.admin()
        await world.taken_in(owner)
        before = await api.everything()
        for receiver in (uuid4(), owner, "nobody", ""):
            answer = await admin.delete(path_of(owner, receiver))
            assert refusal(answer) == (422, "invalid"), receiver
            assert fields(answer) == ["transfer_to"]
        assert await api.everything() == before


class TestAtOnce:
    async def test_the_receiver_sends_the_same_bytes_meanwhile(
        self, api: AccountApi, world: LedgerWorld, owner: Session, heir: Session
    ) -> None:
        admin = await api.admin()
        await world.taken_in(owner)
        async with HeldLock.on("SELECT 1 FROM blob FOR UPDATE") as held:
            deleting = asyncio.create_task(admin.delete(path_of(owner, heir)))
            await held.until_waiting(1)
            again = world.received(heir)
            taking_in = asyncio.create_task(world.ledger.ingest(again))
            await held.until_waiting(2)
        deleted, ingested = await deleting, await taking_in
        assert (deleted.status_code, ingested.created) in ((204, False), (409, True))
        assert await Media.objects.filter(owner=heir.user_id).acount() == 1

    async def test_the_user_sends_something_meanwhile(
        self, api: AccountApi, world: LedgerWorld, owner: Session
    ) -> None:
        admin = await api.admin()
        async with HeldLock.on(LOCK_USER, owner.user_id) as held:
            deleting = asyncio.create_task(admin.delete(path_of(owner)))
            await held.until_waiting(1)
            taking_in = asyncio.create_task(world.ledger.ingest(world.received(owner)))
            await held.until_waiting(2)
        assert (await deleting).status_code == 204
        with pytest.raises(InvalidToken):
            await taking_in
        assert await owners() == {}

    async def test_who_is_demoted_meanwhile_lacks_the_right_and_is_signed_in(
        self, api: AccountApi, world: LedgerWorld, owner: Session
    ) -> None:
        demote = "UPDATE \"user\" SET role_id = 'viewer' WHERE uuid = %s"
        async with HeldLock.on(demote, owner.user_id) as held:
            taking_in = asyncio.create_task(world.ledger.ingest(world.received(owner)))
            await held.until_waiting(1)
        with pytest.raises(RightMissing):
            await taking_in
