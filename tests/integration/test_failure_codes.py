"""Nothing fails without a code of the catalogue, whoever writes the row."""

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import IntegrityError
from django.db.models.functions import Now

from backend.domain.failures import FAILURES, FailureCode
from backend.domain.jobs import JobKind, RetryPolicy
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Job, JobAttempt, Media
from backend.use_cases.ports import Claim, Freshness
from tests.ledger_world import LedgerWorld

UNHEARD_OF = "unheard_of"


class TestCatalogue:
    @pytest.mark.parametrize("code", FailureCode)
    def test_each_code_says_what_a_person_can_do(self, code: FailureCode) -> None:
        failure = FAILURES[code]
        assert failure.title[0].isupper()
        assert failure.advice.endswith(".")
        assert isinstance(failure.retried, bool)


class TestRows:
    @pytest_asyncio.fixture
    async def claim(
        self,
        clean_database: None,
        database_threads: DatabaseThreads,
        freshness: Freshness,
    ) -> Claim:
        world = LedgerWorld(database_threads, freshness, RetryPolicy())
        session = await sync_to_async(world.session)()
        return await world.claimed(await world.taken_in(session), JobKind.UPLOAD_TO_CDN)

    async def test_of_media(self, claim: Claim) -> None:
        media = Media.objects.filter(uuid=claim.media_id)
        for code in ("", UNHEARD_OF):
            with pytest.raises(IntegrityError, match="known_code"):
                await media.aupdate(status="failed", failure_code=code)
        await media.aupdate(status="failed", failure_code=FailureCode.CRASH_LOOP)

    async def test_of_jobs(self, claim: Claim) -> None:
        job = Job.objects.filter(uuid=claim.job_id)
        ended = {"status": "failed", "lease_until": None, "finished_at": Now()}
        for code in ("", UNHEARD_OF):
            with pytest.raises(IntegrityError, match="known_code"):
                await job.aupdate(**ended, failure_code=code)
        await job.aupdate(**ended, failure_code=FailureCode.CRASH_LOOP)

    async def test_of_attempts(self, claim: Claim) -> None:
        attempt = JobAttempt.objects.filter(job=claim.job_id)
        with pytest.raises(IntegrityError, match="code_known"):
            await attempt.aupdate(code=UNHEARD_OF)
