"""An attempt may end after it has put an object and before that was proven."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async

from backend.adapters.s3_object_storage import S3ObjectStorage
from backend.adapters.s3_part_plan import MEBIBYTE
from backend.domain.errors import ObjectStoreAway
from backend.domain.jobs import JobKind
from backend.domain.media import Picture
from backend.domain.sightings import Sight
from backend.orm.models import Blob, Media, Url
from backend.use_cases.blob_bytes import BlobBytes
from backend.use_cases.make_miniature import MakeMiniature
from backend.use_cases.ports import Claim
from backend.use_cases.run_job import Progress
from backend.use_cases.upload_to_cdn import UploadToCdn
from tests.fakes.broken_s3 import BrokenS3
from tests.fakes.staging import InMemoryStaging
from tests.ledger_world import SUMMARY
from tests.recorded_uploads import RecordedUploads
from tests.s3 import S3Lab

SMALL = b"A small video. " * 100
LARGE = os.urandom(MEBIBYTE) * 40
SIZES = pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
# The first look finds no object, and asks whether there is a bucket.
PROOF_AWAY = pytest.mark.parametrize(
    "plan",
    [{"head": [None, None, (503, "SlowDown")]}, {"get": [(503, "SlowDown")]}],
    ids=["no head", "no read-back"],
)
Plan = dict[str, list[tuple[int, str] | None]]


class OnePicture:
    """A `PictureMaker` that makes the same of everything."""

    async def of_video(self, source: object) -> Picture:
        return Picture(b"a small picture", 64, 48, "Test 1")

    of_picture = of_video


class Attempts:
    """Of both kinds of jobs that put objects, at a store that confirms nothing."""

    def __init__(
        self, recorded: RecordedUploads, storage: S3ObjectStorage, broken: BrokenS3
    ) -> None:
        self.recorded = recorded
        self.ledger = recorded.world.ledger
        self.broken = broken
        self.staging = InMemoryStaging()
        self.upload = UploadToCdn(
            self.ledger, self.staging, storage, recorded.world.uploads
        )
        self.picture = MakeMiniature(
            self.ledger,
            self.staging,
            storage,
            BlobBytes(self.staging, storage),
            OnePicture(),
        )

    async def claimed(self, content: bytes) -> Claim:
        claim = await self.recorded.claimed(content)
        self.staging.files[claim.blob.staged_name] = bytearray(content)
        return claim

    async def run(self, claim: Claim) -> list[str]:
        """What the store was asked for."""
        before = len(self.broken.seen)
        is_upload = claim.kind is JobKind.UPLOAD_TO_CDN
        step = self.upload if is_upload else self.picture
        await step.run(claim, Progress(1))
        return self.broken.seen[before:]

    async def end_before_the_proof(self, claim: Claim, plan: Plan) -> Claim:
        """The claim of the next attempt."""
        self.broken.plan = {name: [*answers] for name, answers in plan.items()}
        with pytest.raises(ObjectStoreAway):
            await self.run(claim)
        self.broken.plan = {}
        self.broken.spoils = False
        assert self.broken.objects
        return await self.recorded.claimed_again(claim)


@pytest.fixture
def broken() -> Iterator[BrokenS3]:
    with BrokenS3().running() as server:
        yield server


@pytest_asyncio.fixture
async def attempts(
    tmp_path: Path, recorded: RecordedUploads, broken: BrokenS3
) -> AsyncIterator[Attempts]:
    lab = S3Lab(tmp_path)
    async with lab.storage(endpoint_url=broken.url, attempts=1) as storage:
        yield Attempts(recorded, storage, broken)


class TestVideo:
    @SIZES
    @PROOF_AWAY
    async def test_other_bytes_are_noticed_by_the_next_attempt_and_put_again(
        self, attempts: Attempts, broken: BrokenS3, content: bytes, plan: Plan
    ) -> None:
        broken.spoils = True
        claim = await attempts.claimed(content)
        again = await attempts.end_before_the_proof(claim, plan)

        await attempts.run(again)

        assert list(broken.objects.values()) == [content]
        assert (await Blob.objects.aget()).state == "stored"

    @SIZES
    async def test_the_right_bytes_are_read_back_and_not_put_again(
        self, attempts: Attempts, broken: BrokenS3, content: bytes
    ) -> None:
        claim = await attempts.claimed(content)
        again = await attempts.end_before_the_proof(claim, {"get": [(503, "SlowDown")]})

        assert await attempts.run(again) == ["head", "head", "get"]

        assert list(broken.objects.values()) == [content]
        assert (await Media.objects.aget()).published_at is not None

    async def test_what_was_proven_once_costs_one_look(
        self, attempts: Attempts
    ) -> None:
        await attempts.run(await attempts.claimed(SMALL))
        world = attempts.recorded.world
        other = await sync_to_async(world.session)("other@example.org")
        media_id = await world.taken_in(other, SMALL)

        claim = await world.claimed(media_id, JobKind.UPLOAD_TO_CDN)

        assert await attempts.run(claim) == ["head"]

    async def test_the_bytes_of_an_object_that_was_lost_are_proven_anew(
        self, attempts: Attempts, broken: BrokenS3
    ) -> None:
        """They were kept while nobody could tell whether the object is there."""
        first = await attempts.claimed(SMALL)
        await attempts.run(first)
        world = attempts.recorded.world
        extract = await world.claimed(first.media_id, JobKind.EXTRACT_METADATA)
        await world.ledger.mark_described(extract, SUMMARY)
        session = await sync_to_async(world.session)("other@example.org")
        kept = world.received(session, SMALL)
        attempts.staging.files[kept.file.name] = bytearray(SMALL)
        ingested = await world.ingested(kept, Sight.UNKNOWN)
        broken.objects.clear()
        broken.spoils = True
        claim = await world.claimed(ingested.media_id, JobKind.UPLOAD_TO_CDN)
        assert (await Media.objects.aget(uuid=first.media_id)).status == "ready"

        again = await attempts.end_before_the_proof(claim, {"get": [(503, "SlowDown")]})
        ready = Media.objects.filter(uuid=first.media_id, status="ready")
        assert not await ready.aexists()

        await attempts.run(again)
        assert list(broken.objects.values()) == [SMALL]
        next_one = await world.claimed(first.media_id, JobKind.UPLOAD_TO_CDN)
        assert await attempts.run(next_one) == ["head"]
        assert await ready.aexists()


class TestMiniature:
    @pytest.fixture
    async def claim(self, attempts: Attempts) -> Claim:
        upload = await attempts.claimed(SMALL)
        world = attempts.recorded.world
        return await world.claimed(upload.media_id, JobKind.MAKE_MINIATURE)

    @PROOF_AWAY
    async def test_other_bytes_are_noticed_by_the_next_attempt_and_put_again(
        self, attempts: Attempts, claim: Claim, broken: BrokenS3, plan: Plan
    ) -> None:
        broken.spoils = True
        again = await attempts.end_before_the_proof(claim, plan)

        await attempts.run(again)

        assert list(broken.objects.values()) == [b"a small picture"]
        assert (await Url.objects.aget()).kind == "miniature"

    async def test_so_are_those_of_an_object_that_was_lost(
        self, attempts: Attempts, claim: Claim, broken: BrokenS3
    ) -> None:
        await attempts.run(claim)
        world = attempts.recorded.world
        other = await sync_to_async(world.session)("other@example.org")
        media_id = await world.taken_in(other, SMALL)
        mine = await world.claimed(media_id, JobKind.MAKE_MINIATURE)
        broken.objects.clear()
        broken.spoils = True
        again = await attempts.end_before_the_proof(mine, {"get": [(503, "SlowDown")]})

        await attempts.run(again)

        assert list(broken.objects.values()) == [b"a small picture"]
        # Whoever showed it has his own made again.
        theirs = await world.claimed(claim.media_id, JobKind.MAKE_MINIATURE)
        assert await attempts.run(theirs) == ["head"]
