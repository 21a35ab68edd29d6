"""What PostgreSQL keeps of miniatures: whose they are, who shares them, what must go."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.utils import timezone

from backend.domain.errors import (
    InvalidToken,
    JobOpen,
    MediaNotFound,
    RightMissing,
    StagedFileGone,
)
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.media import Caller, NewMiniature, Picture, StagedFile
from backend.domain.rights import BUILT_IN_ROLES, Right
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Blob, Job, Media, Miniature, Session, Url, User
from backend.use_cases.ports import Claim, Freshness, StagedNames
from tests.ledger_world import LedgerWorld

pytestmark = pytest.mark.usefixtures("clean_database")

KIND = JobKind.MAKE_MINIATURE
AT_ONCE = RetryPolicy(
    most_failures=3, first_delay=timedelta(), longest_delay=timedelta()
)
RED = Picture(b"a red picture", 1280, 720, "Pillow 1")
BLUE = Picture(b"a blue picture", 640, 480, "Pillow 2")
UNREADABLE = JobFailed(FailureCode.UNREADABLE_PICTURE, "nothing to see")
STORE_AWAY = JobFailed(FailureCode.OBJECT_STORE_AWAY, "refused")


class World:
    """Media of several owners on a real ledger, and pictures for them."""

    def __init__(self, ledgers: LedgerWorld) -> None:
        self.ledgers = ledgers
        self.ledger = ledgers.ledger
        self.sessions: dict[UUID, Session] = {}
        self._videos = 0

    async def media(
        self, email: str = "owner@example.org", picture: StagedFile | None = None
    ) -> UUID:
        session = await sync_to_async(self.ledgers.session)(email)
        self._videos += 1
        new = self.ledgers.received(session, f"video {self._videos}".encode())
        ingested = await self.ledger.ingest(replace(new, picture=picture))
        self.sessions[ingested.media_id] = session
        return ingested.media_id

    def staged(self) -> StagedFile:
        name = uuid4()
        self.ledgers.staged.add(name)
        return StagedFile(name, 5, "0" * 64)

    async def claim(self, media_id: UUID) -> Claim:
        claim = await self.ledger.claim(media_id, KIND, "worker-1")
        assert claim is not None
        return claim

    async def make(self, media_id: UUID, picture: Picture) -> StagedNames:
        claim = await self.claim(media_id)
        await self.ledger.begin_picture(claim, picture)
        await self.ledger.show_picture(claim)
        return await self.ledger.mark_pictured(claim)

    async def replace(self, media_id: UUID) -> StagedFile:
        """The owner sends another picture."""
        session, file = self.sessions[media_id], self.staged()
        await self.ledger.replace_miniature(
            NewMiniature(media_id, session.user_id, session.uuid, file, "r-2")
        )
        return file


@pytest_asyncio.fixture
async def world(freshness: Freshness) -> AsyncIterator[World]:
    threads = DatabaseThreads()
    yield World(LedgerWorld(threads, freshness, AT_ONCE))
    threads.close()


async def keys() -> set[str]:
    """The object keys of all miniatures that there are."""
    blobs = Blob.objects.filter(object_key__startswith="miniatures/")
    return {blob.object_key async for blob in blobs}


async def shown_key(media_id: UUID) -> str | None:
    shown = Url.objects.filter(media=media_id, kind="miniature")
    return await shown.values_list("object_key", flat=True).afirst()


class TestIngest:
    async def test_the_job_has_the_picture_that_was_sent(self, world: World) -> None:
        sent = world.staged()
        claim = await world.claim(await world.media(picture=sent))
        assert claim.staged_picture == sent.name

    async def test_without_a_picture_the_job_is_there_as_well(
        self, world: World
    ) -> None:
        claim = await world.claim(await world.media())
        assert claim.staged_picture is None

    async def test_a_picture_that_is_not_staged_is_not_taken(
        self, world: World
    ) -> None:
        with pytest.raises(StagedFileGone):
            await world.media(picture=StagedFile(uuid4(), 5, "0" * 64))
        assert not await Media.objects.aexists()


class TestAMiniature:
    async def test_it_is_shown_only_once_it_is_stored(self, world: World) -> None:
        media_id = await world.media()
        claim = await world.claim(media_id)

        blob = await world.ledger.begin_picture(claim, RED)

        assert str(blob.object_key) == f"miniatures/{blob.uuid}.jpg"
        assert (blob.size_bytes, blob.media_type) == (len(RED.content), "image/jpeg")
        assert not blob.stored
        assert await shown_key(media_id) is None
        assert await world.ledger.show_picture(claim) == ()
        assert await shown_key(media_id) == str(blob.object_key)
        assert (await Blob.objects.aget(uuid=blob.uuid)).state == "stored"
        miniature = await Miniature.objects.aget()
        assert (miniature.shown, miniature.width, miniature.height) == (True, 1280, 720)
        assert miniature.made_with == "Pillow 1"

    async def test_every_change_that_is_seen_raises_the_revision(
        self, world: World
    ) -> None:
        media_id = await world.media()

        async def revision() -> int:
            return (await Media.objects.aget(uuid=media_id)).revision

        seen = [await revision()]
        claim = await world.claim(media_id)
        await world.ledger.begin_picture(claim, RED)
        await world.ledger.show_picture(claim)
        seen.append(await revision())
        await world.ledger.mark_pictured(claim)
        seen.append(await revision())
        await world.replace(media_id)
        seen.append(await revision())
        await world.ledger.fail(await world.claim(media_id), UNREADABLE)
        seen.append(await revision())
        assert seen == sorted(set(seen))

    async def test_the_picture_that_was_sent_may_go_when_the_job_is_over(
        self, world: World
    ) -> None:
        made, failed = world.staged(), world.staged()
        first = await world.media(picture=made)
        assert await world.make(first, RED) == (made.name,)
        second = await world.claim(await world.media(picture=failed))
        assert await world.ledger.fail(second, UNREADABLE) == (failed.name,)
        # Nobody who reads the rows takes them for needed.
        assert await Job.objects.exclude(staged_name=None).acount() == 0

    async def test_it_stays_while_the_job_will_be_tried_again(
        self, world: World
    ) -> None:
        media_id = await world.media(picture=world.staged())
        claim = await world.claim(media_id)
        assert await world.ledger.fail(claim, STORE_AWAY) == ()
        assert (await world.claim(media_id)).staged_picture == claim.staged_picture

    async def test_without_one_the_media_is_none_the_worse(self, world: World) -> None:
        media_id = await world.media()
        await world.ledger.fail(await world.claim(media_id), UNREADABLE)
        job = await Job.objects.aget(kind=KIND)
        assert (job.status, job.failure_code) == ("failed", "unreadable_picture")
        assert (await Media.objects.aget()).status == "processing"

    async def test_who_lost_the_lease_changes_nothing(self, world: World) -> None:
        media_id = await world.media()
        late = await world.claim(media_id)
        await world.ledger.begin_picture(late, RED)
        await LedgerWorld.expire_leases()
        await world.ledger.reclaim_lost()
        newer = await world.claim(media_id)

        for attempt in (
            world.ledger.begin_picture(late, BLUE),
            world.ledger.show_picture(late),
            world.ledger.mark_pictured(late),
        ):
            with pytest.raises(JobFailed) as raised:
                await attempt
            assert raised.value.code == FailureCode.LEASE_LOST

        assert await shown_key(media_id) is None
        assert await world.ledger.renew(newer, 50)

    async def test_for_a_media_that_was_deleted_nothing_is_written(
        self, world: World
    ) -> None:
        media_id = await world.media()
        claim = await world.claim(media_id)
        await Media.objects.aupdate(status="deleting")
        with pytest.raises(JobFailed) as raised:
            await world.ledger.begin_picture(claim, RED)
        assert raised.value.code == FailureCode.MEDIA_DELETED
        assert await keys() == set()


class TestAnotherMiniature:
    async def test_the_old_one_is_shown_until_the_new_one_is_stored(
        self, world: World
    ) -> None:
        media_id = await world.media()
        await world.make(media_id, RED)
        old = await shown_key(media_id)
        await world.replace(media_id)
        claim = await world.claim(media_id)

        blob = await world.ledger.begin_picture(claim, BLUE)
        assert await shown_key(media_id) == old
        assert await keys() == {old, str(blob.object_key)}

        left = await world.ledger.show_picture(claim)
        assert [str(key) for key in left] == [old]
        assert await keys() == {str(blob.object_key)}
        assert await shown_key(media_id) == str(blob.object_key)
        assert await Miniature.objects.acount() == 1

    async def test_what_must_go_is_known_to_the_next_attempt(
        self, world: World
    ) -> None:
        media_id = await world.media()
        await world.make(media_id, RED)
        await world.replace(media_id)
        claim = await world.claim(media_id)
        await world.ledger.begin_picture(claim, BLUE)
        left = await world.ledger.show_picture(claim)
        await world.ledger.fail(claim, STORE_AWAY)

        again = await world.claim(media_id)
        await world.ledger.begin_picture(again, BLUE)

        assert await world.ledger.show_picture(again) == left != ()

    async def test_what_an_attempt_leaves_comes_to_what_others_left(
        self, world: World
    ) -> None:
        """As when a later version makes other bytes of the same picture."""
        media_id = await world.media()
        await world.make(media_id, RED)
        await world.replace(media_id)
        left = []
        for picture in (BLUE, replace(BLUE, content=b"the same in other bytes")):
            left.append(await shown_key(media_id))
            claim = await world.claim(media_id)
            await world.ledger.begin_picture(claim, picture)
            gone = await world.ledger.show_picture(claim)
            assert [str(key) for key in gone] == left
            await world.ledger.fail(claim, STORE_AWAY)

    async def test_and_to_the_next_job_once_this_one_has_failed(
        self, world: World
    ) -> None:
        media_id = await world.media()
        await world.make(media_id, RED)
        await world.replace(media_id)
        claim = await world.claim(media_id)
        await world.ledger.begin_picture(claim, BLUE)
        left = await world.ledger.show_picture(claim)
        await world.ledger.fail(claim, UNREADABLE)

        await world.replace(media_id)
        again = await world.claim(media_id)
        await world.ledger.begin_picture(again, BLUE)
        assert await world.ledger.show_picture(again) == left != ()
        await world.ledger.mark_pictured(again)

        await world.replace(media_id)
        last = await world.claim(media_id)
        await world.ledger.begin_picture(last, BLUE)
        assert await world.ledger.show_picture(last) == ()

    async def test_a_picture_that_never_got_there_goes_as_well(
        self, world: World
    ) -> None:
        media_id = await world.media()
        claim = await world.claim(media_id)
        never = await world.ledger.begin_picture(claim, RED)
        await world.ledger.fail(claim, STORE_AWAY)

        again = await world.claim(media_id)
        blob = await world.ledger.begin_picture(again, BLUE)

        assert await keys() == {str(blob.object_key)}
        assert await world.ledger.show_picture(again) == (never.object_key,)

    async def test_the_same_picture_again_stays_where_it_is(self, world: World) -> None:
        media_id = await world.media()
        await world.make(media_id, RED)
        key = await shown_key(media_id)
        await world.replace(media_id)
        claim = await world.claim(media_id)

        blob = await world.ledger.begin_picture(claim, RED)

        assert (str(blob.object_key), blob.stored) == (key, True)
        assert await world.ledger.show_picture(claim) == ()
        assert await keys() == {key}


class TestSharedPictures:
    async def test_the_same_picture_is_one_blob(self, world: World) -> None:
        media = [await world.media(f"owner{n}@example.org") for n in range(8)]
        claims = [await world.claim(media_id) for media_id in media]

        blobs = await asyncio.gather(
            *(world.ledger.begin_picture(claim, RED) for claim in claims)
        )
        await asyncio.gather(*map(world.ledger.show_picture, claims))

        assert len({blob.uuid for blob in blobs}) == 1
        assert {await shown_key(media_id) for media_id in media} == await keys()

    async def test_it_stays_until_the_last_media_has_another(
        self, world: World
    ) -> None:
        media = [await world.media(f"owner{n}@example.org") for n in range(2)]
        for media_id in media:
            await world.make(media_id, RED)
        shared = await shown_key(media[0])

        for media_id, left in zip(media, ([], [shared]), strict=True):
            await world.replace(media_id)
            claim = await world.claim(media_id)
            await world.ledger.begin_picture(claim, BLUE)
            gone = await world.ledger.show_picture(claim)
            assert [str(key) for key in gone] == left

    async def test_swapped_at_once_none_is_lost_and_none_is_left(
        self, world: World
    ) -> None:
        """The locks are taken in one order, whoever takes which blob for which."""
        media = [await world.media(f"owner{n}@example.org") for n in range(6)]
        for number, media_id in enumerate(media):
            await world.make(media_id, (RED, BLUE)[number % 2])
            await world.replace(media_id)

        await asyncio.gather(
            *(
                world.make(media_id, (BLUE, RED)[number % 2])
                for number, media_id in enumerate(media)
            )
        )

        shown = [await shown_key(media_id) for media_id in media]
        assert set(shown) == await keys()
        assert len(set(shown[::2])) == len(set(shown[1::2])) == 1
        assert await Blob.objects.filter(miniatures=None, media=None).acount() == 0


class TestReplacing:
    def _new(self, media_id: UUID, session: Session, file: StagedFile) -> NewMiniature:
        return NewMiniature(media_id, session.user_id, session.uuid, file, "r-2")

    async def test_the_job_has_the_picture(self, world: World) -> None:
        media_id = await world.media()
        await world.make(media_id, RED)
        file = await world.replace(media_id)
        claim = await world.claim(media_id)
        assert (claim.staged_picture, claim.request_id) == (file.name, "r-2")

    async def test_one_at_a_time(self, world: World) -> None:
        media_id = await world.media()
        await world.make(media_id, RED)
        session = world.sessions[media_id]
        new = [self._new(media_id, session, world.staged()) for _ in range(10)]

        answers = await asyncio.gather(
            *map(world.ledger.replace_miniature, new), return_exceptions=True
        )

        assert sum(isinstance(answer, UUID) for answer in answers) == 1
        assert sum(isinstance(answer, JobOpen) for answer in answers) == 9

    async def test_another_may_only_with_the_right_to_any(self, world: World) -> None:
        media_id = await world.media()
        await world.make(media_id, RED)
        for role, refused in (("media_operator", True), ("admin", False)):
            other = await sync_to_async(world.ledgers.session)(f"{role}@x.org", role)
            rights = next(r.rights for r in BUILT_IN_ROLES if r.name == role)
            caller = Caller(other.user_id, other.uuid, "", role, rights)
            new = self._new(media_id, other, world.staged())
            if refused:
                with pytest.raises(RightMissing):
                    await world.ledger.check_miniature(media_id, caller)
                with pytest.raises(RightMissing):
                    await world.ledger.replace_miniature(new)
            else:
                await world.ledger.check_miniature(media_id, caller)
                assert await world.ledger.replace_miniature(new)

    async def test_who_lost_right_or_session_meanwhile_is_refused(
        self, world: World
    ) -> None:
        media_id = await world.media()
        await world.make(media_id, RED)
        new = self._new(media_id, world.sessions[media_id], world.staged())
        await User.objects.aupdate(role_id="viewer")
        with pytest.raises(RightMissing):
            await world.ledger.replace_miniature(new)
        await Session.objects.aupdate(revoked_at=timezone.now())
        with pytest.raises(InvalidToken):
            await world.ledger.replace_miniature(new)
        assert await Job.objects.filter(kind=KIND).acount() == 1

    async def test_a_media_that_is_not_there(self, world: World) -> None:
        media_id = await world.media()
        session = world.sessions[media_id]
        await Media.objects.aupdate(status="deleting")
        for gone in (media_id, uuid4()):
            caller = Caller(session.user_id, session.uuid, "", "", frozenset(Right))
            with pytest.raises(MediaNotFound):
                await world.ledger.check_miniature(gone, caller)
            with pytest.raises(MediaNotFound):
                await world.ledger.replace_miniature(
                    self._new(gone, session, world.staged())
                )

    async def test_a_picture_that_is_not_staged(self, world: World) -> None:
        media_id = await world.media()
        await world.make(media_id, RED)
        lost = StagedFile(uuid4(), 5, "0" * 64)
        with pytest.raises(StagedFileGone):
            await world.ledger.replace_miniature(
                self._new(media_id, world.sessions[media_id], lost)
            )
