"""What PostgreSQL keeps of uploads in parts, and for whom."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind
from backend.orm.models import MultipartUpload, Session, UploadedPart
from backend.use_cases.ports import BegunUpload, Claim, SentPart, UploadJournal
from tests.recorded_uploads import RecordedUploads

FIRST = SentPart(1, '"one"', "1" * 64, confirmed=True)
SECOND = SentPart(2, '"two"', "2" * 64, confirmed=False)


@pytest.fixture
async def claim(recorded: RecordedUploads) -> Claim:
    return await recorded.claimed(b"a large video")


@pytest.fixture
def journal(recorded: RecordedUploads, claim: Claim) -> UploadJournal:
    return recorded.journal(claim)


@pytest.fixture
async def begun(journal: UploadJournal) -> UploadJournal:
    """That of an upload with two parts."""
    await journal.begin("upload 1", 16)
    for part in (SECOND, FIRST):
        await journal.sent("upload 1", part)
    return journal


def lease_lost() -> AbstractContextManager[pytest.ExceptionInfo[JobFailed]]:
    return pytest.raises(JobFailed, check=lambda e: e.code is FailureCode.LEASE_LOST)


async def rows() -> list[int]:
    models = MultipartUpload, UploadedPart
    return [await model.objects.acount() for model in models]


class TestJournal:
    async def test_nothing_is_known_at_first(self, journal: UploadJournal) -> None:
        assert await journal.begun() is None

    async def test_the_next_attempt_knows_all_of_it(
        self, recorded: RecordedUploads, claim: Claim, begun: UploadJournal
    ) -> None:
        after = recorded.journal(await recorded.claimed_again(claim))
        assert await after.begun() == BegunUpload("upload 1", 16, (FIRST, SECOND))

    async def test_so_does_the_job_of_another_media_of_these_bytes(
        self, recorded: RecordedUploads, claim: Claim, begun: UploadJournal
    ) -> None:
        world = recorded.world
        session = await sync_to_async(world.session)("other@example.org")
        other = await world.taken_in(session, b"a large video")
        await world.ledger.release(claim)
        theirs = await world.claimed(other, JobKind.UPLOAD_TO_CDN)
        found = await recorded.journal(theirs).begun()
        assert found == BegunUpload("upload 1", 16, (FIRST, SECOND))

    async def test_a_part_that_is_sent_again_is_noted_as_it_is_now(
        self, begun: UploadJournal
    ) -> None:
        again = SentPart(1, '"other"', "3" * 64, confirmed=True)
        await begun.sent("upload 1", again)
        found = await begun.begun()
        assert found is not None
        assert found.parts == (again, SECOND)

    async def test_a_new_upload_takes_the_place_of_the_one_before(
        self, begun: UploadJournal
    ) -> None:
        await begun.begin("upload 2", 32)
        assert await begun.begun() == BegunUpload("upload 2", 32)

    async def test_a_part_of_an_upload_that_was_replaced_is_not_noted(
        self, begun: UploadJournal
    ) -> None:
        await begun.begin("upload 2", 16)
        with lease_lost():
            await begun.sent("upload 1", FIRST)
        assert await rows() == [1, 0]

    @pytest.mark.parametrize(
        "write",
        [lambda j: j.begin("upload 2", 16), lambda j: j.sent("upload 1", FIRST)],
    )
    async def test_whoever_has_lost_the_job_writes_nothing(
        self,
        recorded: RecordedUploads,
        claim: Claim,
        journal: UploadJournal,
        write: Callable[[UploadJournal], Awaitable[None]],
    ) -> None:
        await journal.begin("upload 1", 16)
        again = recorded.journal(await recorded.claimed_again(claim))
        with lease_lost():
            await write(journal)
        assert await again.begun() == BegunUpload("upload 1", 16)


class TestForgetting:
    async def test_a_blob_that_is_stored_needs_no_notes(
        self, recorded: RecordedUploads, claim: Claim, begun: UploadJournal
    ) -> None:
        await recorded.world.ledger.mark_published(claim)
        assert await rows() == [0, 0]

    async def test_a_job_that_failed_leaves_them_for_a_retry(
        self, recorded: RecordedUploads, claim: Claim, begun: UploadJournal
    ) -> None:
        gone = JobFailed(FailureCode.STAGED_FILE_MISSING, "gone")
        await recorded.world.ledger.fail(claim, gone)
        assert await rows() == [1, 2]

    async def test_they_go_with_a_media_that_is_deleted(
        self, recorded: RecordedUploads, claim: Claim, begun: UploadJournal
    ) -> None:
        world = recorded.world
        await world.ledger.release(claim)
        await world.delete(claim.media_id, await Session.objects.afirst())
        await world.ledger.let_go(
            await world.claimed(claim.media_id, JobKind.DELETE_MEDIA)
        )
        assert await rows() == [0, 0]

    async def test_they_do_not_keep_the_code_of_before_from_removing_a_blob(
        self, recorded: RecordedUploads, claim: Claim, begun: UploadJournal
    ) -> None:
        """It does not know of them."""

        def delete() -> None:
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM job_attempt")
                cursor.execute("DELETE FROM job")
                cursor.execute("DELETE FROM media")
                cursor.execute("DELETE FROM blob")

        await sync_to_async(delete)()
        assert await rows() == [0, 0]
