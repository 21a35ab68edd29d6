"""A database that may only be read is one that is away for a while, to whoever writes.

So are a standby after a failover and a managed database whose disk is full.
"""

import pytest

from backend.orm.models import Job, JobAttempt
from tests.accounts import Accounts
from tests.admin_http import Browser
from tests.answers import problem
from tests.clips import ClipMaker
from tests.database import TestDatabase
from tests.media_http import Caller, Service


class TestApi:
    @pytest.fixture
    async def owner(self, service: Service) -> Caller:
        return await service.signed_in("owner@example.org", "media_operator")

    async def test_writes_are_503_and_reads_go_on(
        self,
        service: Service,
        owner: Caller,
        clips: ClipMaker,
        clean_database: TestDatabase,
    ) -> None:
        media_id = await owner.uploaded(clips.mp4())
        revision = (await owner.get(media_id)).headers["etag"]
        async with clean_database.read_only():
            refused = await owner.patch(media_id, {"title": "b"}, If_Match=revision)
            assert problem(refused) == (503, "database_away")
            assert int(refused.headers["Retry-After"]) > 0
            again = await owner.upload(clips.mp4(seconds=2))
            assert problem(again) == (503, "database_away")
            assert (await owner.list()).status_code == 200

        changed = await owner.patch(media_id, {"title": "b"}, If_Match=revision)
        assert changed.status_code == 200


class TestWorker:
    async def test_a_job_waits_and_no_attempt_is_counted(
        self, service: Service, clips: ClipMaker, clean_database: TestDatabase
    ) -> None:
        owner = await service.signed_in("owner@example.org", "media_operator")
        media_id = await owner.uploaded(clips.mp4())
        async with clean_database.read_only():
            await service.work(media_id)
        assert not await JobAttempt.objects.aexists()

        await service.work(media_id)
        assert (await owner.get(media_id)).json()["status"] == "ready"
        assert not await Job.objects.exclude(status="succeeded").aexists()


class TestAdminSite:
    async def test_a_page_says_so(
        self,
        browser: Browser,
        accounts: Accounts,
        email: str,
        clean_database: TestDatabase,
    ) -> None:
        await accounts.make(email, "admin")
        async with clean_database.read_only():
            refused = await browser.sign_in(email)
        assert refused.status_code == 503
        assert "The database is away" in refused.text
        assert (await browser.sign_in(email)).status_code == 302
