"""The page of the admin that acts: what staff see, may do, and how it is refused."""

from uuid import UUID

import httpx
import pytest

from backend.orm.models import Job, JobPause, Media, Role, Session
from tests.accounts import Accounts
from tests.admin_http import Browser
from tests.clips import ClipMaker
from tests.media_http import Service

PAGE = "operations/"
UPLOAD = "upload_to_cdn"


@pytest.fixture
async def media_id(service: Service, clips: ClipMaker) -> UUID:
    operator = await service.signed_in("operator@example.org", "media_operator")
    return await operator.uploaded(clips.mp4())


async def with_rights(
    browser: Browser, accounts: Accounts, email: str, *rights: str
) -> Browser:
    """Somebody who gets in, and has these rights besides."""
    await Role.objects.acreate(name="staff", rights=["user.manage", *rights])
    await accounts.make(email, "staff")
    await browser.sign_in(email)
    return browser


def is_done(answer: httpx.Response) -> bool:
    location = answer.headers.get("location")
    return (answer.status_code, location) == (302, "/admin/operations/")


async def failed(media_id: UUID, code: str) -> None:
    await Job.objects.filter(media=media_id, kind=UPLOAD).aupdate(
        status="failed", failure_code=code, finished_at="2026-01-01T00:00:00Z"
    )
    await Media.objects.filter(uuid=media_id).aupdate(
        status="failed", failure_code=code
    )


class TestPause:
    async def test_a_kind_is_paused_and_goes_on(
        self, staff: Browser, service: Service, email: str, media_id: UUID
    ) -> None:
        assert "/admin/operations/" in (await staff.get()).text
        page = (await staff.get(PAGE)).text
        assert page.count('value="pause"') == 4
        answer = await staff.post(
            PAGE, action="pause", kind=UPLOAD, reason="<b>the store moves</b>"
        )
        assert is_done(answer)
        await service.work(media_id)
        assert (await Job.objects.aget(kind=UPLOAD)).status == "queued"
        page = (await staff.get(PAGE)).text
        assert "Paused: upload_to_cdn; 0 attempts still run." in page
        assert f"by {email}: &lt;b&gt;the store moves&lt;/b&gt;" in page
        assert str(media_id) in page
        timeline = (await staff.get(f"orm/media/{media_id}/change/")).text
        assert timeline.count("waits for its kind to be resumed") == 1

        assert is_done(await staff.post(PAGE, action="resume", kind=UPLOAD))

        await service.work(media_id)
        assert (await Job.objects.aget(kind=UPLOAD)).status == "succeeded"
        assert "Nothing is stuck" in (await staff.get(PAGE)).text


class TestRetry:
    async def test_all_of_a_code_are_opened_again(
        self, staff: Browser, media_id: UUID
    ) -> None:
        await failed(media_id, "object_damaged")
        page = (await staff.get(PAGE)).text
        assert 'name="code" value="object_damaged"' in page
        answer = await staff.post(
            PAGE, action="retry", kind=UPLOAD, code="object_damaged"
        )
        assert is_done(answer)
        assert "1 jobs were opened again" in (await staff.get(PAGE)).text
        assert await Job.objects.filter(kind=UPLOAD, status="queued").acount() == 1
        assert (await Media.objects.aget(uuid=media_id)).status == "processing"


class TestRefusals:
    async def test_whoever_may_not_look(
        self, browser: Browser, accounts: Accounts, email: str
    ) -> None:
        assert (await browser.get(PAGE)).status_code == 302
        staff = await with_rights(browser, accounts, email, "job.read", "job.retry_any")
        assert (await staff.get(PAGE)).status_code == 403
        answer = await staff.post(PAGE, action="pause", kind=UPLOAD)
        assert answer.status_code == 403
        assert "/admin/operations/" not in (await staff.get()).text

    async def test_whoever_may_only_look(
        self, browser: Browser, accounts: Accounts, email: str, media_id: UUID
    ) -> None:
        await failed(media_id, "object_damaged")
        looking = ("job.read", "system.inspect", "job.retry_own")
        staff = await with_rights(browser, accounts, email, *looking)
        page = (await staff.get(PAGE)).text
        assert "object_damaged" in page
        assert "<button name" not in page
        for action in ("pause", "resume", "retry"):
            answer = await staff.post(
                PAGE, action=action, kind=UPLOAD, code="object_damaged"
            )
            assert answer.status_code == 403, action
        assert await JobPause.objects.acount() == 0
        assert await Job.objects.filter(kind=UPLOAD, status="queued").acount() == 0

    async def test_a_session_that_ended(self, staff: Browser) -> None:
        await Session.objects.aupdate(revoked_at="2026-01-01T00:00:00Z")
        answer = await staff.post(PAGE, action="pause", kind=UPLOAD)
        assert answer.status_code == 302
        assert "login" in answer.headers["location"]
        assert await JobPause.objects.acount() == 0

    async def test_a_form_from_elsewhere(self, staff: Browser) -> None:
        form = {"action": "pause", "kind": UPLOAD}
        answer = await staff.http.post("/admin/operations/", data=form)
        assert answer.status_code == 403
        assert await JobPause.objects.acount() == 0

    NONSENSE = (
        {},
        {"action": "delete", "kind": UPLOAD},
        {"action": "answer", "kind": UPLOAD},
        {"action": "pause"},
        {"action": "pause", "kind": "nonsense"},
        {"action": "retry", "kind": UPLOAD, "code": "nonsense"},
        {"action": "retry", "kind": UPLOAD, "code": "\0"},
    )

    async def test_nonsense(self, staff: Browser) -> None:
        for fields in self.NONSENSE:
            assert (await staff.post(PAGE, **fields)).status_code == 400, fields

    async def test_a_reason_that_no_column_could_hold(self, staff: Browser) -> None:
        reason = "\0" + "x" * 10_000
        assert is_done(
            await staff.post(PAGE, action="pause", kind=UPLOAD, reason=reason)
        )
        assert (await JobPause.objects.aget()).reason == "x" * 299
