"""What is read of a media whose jobs were done again."""

from itertools import permutations

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from backend.domain.jobs import JobKind
from backend.domain.states import JobStatus
from backend.orm.media_rows import MediaRows
from backend.orm.models import Job
from backend.use_cases.ports import Freshness
from tests.accounts import Accounts
from tests.shelf import Shelf

STATUSES = [JobStatus.FAILED, JobStatus.SUCCEEDED, JobStatus.QUEUED]


@pytest.mark.parametrize("places", list(permutations(range(len(STATUSES)))))
async def test_the_newest_job_of_a_kind_is_what_is_told(
    accounts: Accounts, freshness: Freshness, places: tuple[int, ...]
) -> None:
    """In whichever order their rows lie in the table."""
    await accounts.make("ann@example.org", "media_operator")
    [media_id] = await (await Shelf.of("ann@example.org", freshness)).put("A film")
    began = timezone.now()

    @sync_to_async
    def told() -> str:
        for place in places:
            Job.objects.create(
                media_id=media_id,
                kind=JobKind.MAKE_MINIATURE,
                status=STATUSES[place],
                failure_code="" if place else "unreadable_picture",
                finished_at=None if STATUSES[place] == JobStatus.QUEUED else began,
                queued_at=began.replace(microsecond=place),
            )
        media = MediaRows.one(media_id)
        assert media is not None
        return str(media.job_statuses[JobKind.MAKE_MINIATURE])

    assert await told() == STATUSES[-1]
