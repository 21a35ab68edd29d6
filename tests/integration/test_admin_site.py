"""The admin site: who gets in, what staff see, and that nothing can be changed."""

from ipaddress import ip_network
from uuid import UUID, uuid4

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.apps import apps
from pydantic import SecretStr

from backend.orm.models import Job, JobAttempt, WorkerHeartbeat
from tests.accounts import PASSWORD, Accounts
from tests.admin_http import Browser
from tests.black_hole import BlackHole
from tests.clips import ClipMaker
from tests.media_http import Service
from tests.passwords import CountingArgon2

WRONG = "wrong horse battery"
PAGES = (
    "orm/user",
    "orm/role",
    "orm/session",
    "orm/media",
    "orm/blob",
    "orm/job",
    "orm/jobattempt",
    "orm/workerheartbeat",
)


async def rows_of(browser: Browser, page: str) -> set[str]:
    """The ids of the rows that the list leads to, as they stand in addresses."""
    listed = await browser.get(f"{page}/")
    assert listed.status_code == 200, page
    links = listed.text.split(f'href="/admin/{page}/')[1:]
    paths = [link.partition('"')[0] for link in links]
    return {path.split("/")[0] for path in paths if path.endswith("/change/")}


@sync_to_async
def seen_worker() -> None:
    WorkerHeartbeat.objects.create(worker="host:1/a b")


@sync_to_async
def everything() -> list[list[dict[str, object]]]:
    models = apps.get_app_config("orm").get_models()
    return [list(model.objects.order_by("pk").values()) for model in models]


def is_out(answer: httpx.Response) -> bool:
    location = answer.headers.get("location", "")
    return answer.status_code == 302 and location.startswith("/admin/login/")


class TestSignIn:
    async def test_staff_get_in_and_out(
        self, browser: Browser, accounts: Accounts, email: str
    ) -> None:
        await accounts.make(email, "admin")
        assert is_out(await browser.get())
        answer = await browser.sign_in(email)
        assert (answer.status_code, answer.headers["location"]) == (302, "/admin/")
        assert email in (await browser.get()).text
        assert (await browser.post("logout/")).status_code == 200
        assert is_out(await browser.get())

    async def test_it_leads_to_swagger_ui_where_that_is(
        self, browser: Browser, accounts: Accounts, email: str
    ) -> None:
        await accounts.make(email, "admin")
        await browser.sign_in(email)
        assert 'href="/docs"' in (await browser.get()).text
        async with Browser.at("198.51.100.22", docs="off") as without:
            await without.sign_in(email)
            assert email in (page := (await without.get()).text)
            assert 'href="/docs"' not in page

    async def test_nobody_is_sent_elsewhere(
        self, browser: Browser, accounts: Accounts, email: str
    ) -> None:
        await accounts.make(email, "admin")
        signed_in = await browser.post(
            "login/?next=//elsewhere.example/", username=email, password=PASSWORD
        )
        assert signed_in.headers["location"] == "/admin/"

    async def test_others_are_told_nothing(
        self, browser: Browser, accounts: Accounts, email: str
    ) -> None:
        await accounts.make(email, "media_operator")
        gone = await accounts.make(f"gone-{email}", "admin")
        await accounts.change(gone.user_id, is_active=False)
        pages = [
            (await browser.sign_in(email)).text,
            (await browser.sign_in(email, WRONG)).text,
            (await browser.sign_in(f"gone-{email}")).text,
            (await browser.sign_in(f"nobody-{email}")).text,
        ]
        errors = {page.partition("errornote")[2].partition("</p>")[0] for page in pages}
        assert len(errors) == 1
        assert "for a staff account" in errors.pop()
        assert is_out(await browser.get())

    async def test_every_refusal_computes_one_hash(
        self,
        browser: Browser,
        accounts: Accounts,
        email: str,
        argon2: type[CountingArgon2],
    ) -> None:
        await accounts.make(email, "admin")
        await browser.sign_in(f"first-{email}", WRONG)  # Makes the hash of nobody.
        argon2.work.clear()
        await browser.sign_in(f"nobody-{email}", WRONG)
        await browser.sign_in(email, WRONG)
        assert argon2.work == ["verify", "verify"]

    async def test_it_counts_together_with_the_api(
        self, browser: Browser, accounts: Accounts, email: str
    ) -> None:
        await accounts.make(email, "admin")
        for _ in range(5):
            assert (await browser.sign_in(email, WRONG)).status_code == 200
            wrong = {"email": email, "password": WRONG}
            answer = await browser.http.post("/auth/signin/", json=wrong)
            assert answer.status_code == 401
        refused = await browser.sign_in(email)
        assert refused.status_code == 429
        assert 200 <= int(refused.headers["retry-after"]) <= 300
        assert "Too many attempts" in refused.text
        right = {"email": email, "password": PASSWORD}
        assert (await browser.http.post("/auth/signin/", json=right)).status_code == 429

    async def test_a_form_from_elsewhere_is_refused(
        self, browser: Browser, accounts: Accounts, email: str
    ) -> None:
        await accounts.make(email, "admin")
        form = {"username": email, "password": PASSWORD}
        answer = await browser.http.post("/admin/login/", data=form)
        assert answer.status_code == 403
        assert is_out(await browser.get())

    async def test_cookies_are_for_https_where_there_is_any(
        self, accounts: Accounts, email: str
    ) -> None:
        trusted = (ip_network("10.0.0.1"),)
        async with Browser.at("10.0.0.1", trusted_proxies=trusted) as browser:
            plain = await browser.get("login/")
            secure = await browser.get("login/", headers={"X-Forwarded-Proto": "https"})
        assert "Secure" not in plain.headers["set-cookie"]
        assert "Secure" in secure.headers["set-cookie"]
        for answer in (plain, secure):
            cookie = answer.headers["set-cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
            assert "Path=/admin/" in cookie


class TestEndOfTheSession:
    async def test_a_deactivated_account(
        self, staff: Browser, accounts: Accounts, email: str
    ) -> None:
        assert (await staff.get()).status_code == 200
        await self._change(accounts, email, is_active=False)
        assert is_out(await staff.get())

    async def test_a_lesser_role(
        self, staff: Browser, accounts: Accounts, email: str
    ) -> None:
        assert (await staff.get("orm/media/")).status_code == 200
        await self._change(accounts, email, role_id="media_operator")
        assert is_out(await staff.get("orm/media/"))

    async def test_a_sign_out_everywhere(self, staff: Browser, email: str) -> None:
        credentials = {"email": email, "password": PASSWORD}
        tokens = await staff.http.post("/auth/signin/", json=credentials)
        bearer = {"Authorization": f"Bearer {tokens.json()['access']}"}
        assert (await staff.get()).status_code == 200
        done = await staff.http.post("/auth/signout/all/", headers=bearer)
        assert done.status_code == 204
        assert is_out(await staff.get())
        assert email not in (await staff.get("login/")).text
        assert (await staff.sign_in(email)).headers["location"] == "/admin/"
        assert (await staff.get()).status_code == 200

    async def test_an_activation_opens_nothing_again(
        self, staff: Browser, accounts: Accounts, email: str
    ) -> None:
        async with Browser.at("198.51.100.21") as other:
            manager = await accounts.make(f"manager-{email}", "admin")
            credentials = {"email": manager.email, "password": PASSWORD}
            tokens = await other.http.post("/auth/signin/", json=credentials)
            bearer = {"Authorization": f"Bearer {tokens.json()['access']}"}
            found = await accounts.ledger.credentials(email)
            assert found is not None
            for active in (False, True):
                changed = await other.http.patch(
                    f"/users/{found.user_id}/",
                    json={"is_active": active},
                    headers=bearer,
                )
                assert changed.status_code == 200
        assert is_out(await staff.get())

    @staticmethod
    async def _change(accounts: Accounts, email: str, **fields: object) -> None:
        found = await accounts.ledger.credentials(email)
        assert found is not None
        await accounts.change(found.user_id, **fields)

    async def test_another_password(
        self, staff: Browser, accounts: Accounts, email: str
    ) -> None:
        assert (await staff.get()).status_code == 200
        await accounts.ensure.execute(email, "another horse battery", "admin")
        assert is_out(await staff.get())


@pytest.fixture
async def media_id(service: Service, clips: ClipMaker) -> UUID:
    """Ready, with a miniature."""
    operator = await service.signed_in("operator@example.org", "media_operator")
    media_id = await operator.uploaded(clips.mp4())
    await service.work(media_id)
    return media_id


class TestPages:
    async def test_the_list_of_media_shows_pictures(
        self, staff: Browser, media_id: UUID
    ) -> None:
        page = await staff.get("orm/media/")
        assert page.status_code == 200
        address = page.text.partition('class="miniature"')[2].partition('src="')[2]
        address = address.partition('"')[0]
        assert "/miniatures/" in address
        origin = "/".join(address.split("/")[:3])
        policy = page.headers["content-security-policy"]
        assert f"img-src 'self' data: {origin};" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers.get_list("x-frame-options") == ["DENY"]
        # Or browsers would send their forms from nowhere, and be refused.
        assert page.headers.get_list("referrer-policy") == ["same-origin"]
        async with httpx.AsyncClient() as cdn:
            assert (await cdn.get(address)).headers["content-type"] == "image/jpeg"

    async def test_search_and_filter(self, staff: Browser, media_id: UUID) -> None:
        here = str(media_id)
        assert here in (await staff.get("orm/media/?q=CLIP&status=ready")).text
        assert here not in (await staff.get("orm/media/?status=failed")).text
        assert here not in (await staff.get("orm/media/?q=nothing+such")).text

    async def test_the_timeline_tells_each_attempt(
        self, staff: Browser, media_id: UUID
    ) -> None:
        await self._fail_a_job(media_id)
        page = (await staff.get(f"orm/media/{media_id}/change/")).text
        for words in (
            "upload_to_cdn",
            "extract_metadata",
            "make_miniature",
            "succeeded",
            "unreadable_picture",
            "&lt;b&gt;no picture&lt;/b&gt;",
            "elsewhere:7",
            "AVC",
        ):
            assert words in page, words

    async def test_every_list_and_every_row_can_be_looked_at(
        self, staff: Browser, media_id: UUID
    ) -> None:
        await seen_worker()
        for page in PAGES:
            rows = await rows_of(staff, page)
            assert rows, page
            for row in rows:
                shown = await staff.get(f"{page}/{row}/change/")
                assert shown.status_code == 200, (page, row)
                assert "digest" not in shown.text
                assert "argon2" not in shown.text

    async def test_files_come_from_here(self, staff: Browser) -> None:
        page = (await staff.get()).text
        files = [part.partition('"')[0] for part in page.split('"/static/')[1:]]
        assert any("admin_site/admin.css" in name for name in files)
        for name in files:
            answer = await staff.http.get(f"/static/{name}")
            assert answer.status_code == 200, name

    @staticmethod
    @sync_to_async
    def _fail_a_job(media_id: UUID) -> None:
        job = Job.objects.create(
            media_id=media_id,
            kind="make_miniature",
            status="failed",
            failure_code="unreadable_picture",
            finished_at="2026-01-01T00:00:00Z",
        )
        JobAttempt.objects.create(
            job=job,
            number=1,
            worker="elsewhere:7",
            ended_at="2026-01-01T00:00:00Z",
            outcome="failed",
            code="unreadable_picture",
            message="<b>no picture</b>",
        )


class TestNothingIsChanged:
    async def test_no_page_takes_a_change(self, staff: Browser, media_id: UUID) -> None:
        await seen_worker()
        before = await everything()
        fields = {"title": "x", "name": "x", "email": "x", "post": "yes"}
        for page in PAGES:
            row = (await rows_of(staff, page)).pop()
            for action in ("add", f"{row}/change", f"{row}/delete"):
                answer = await staff.post(f"{page}/{action}/", **fields)
                assert answer.status_code == 403, (page, action)
            await staff.post(
                f"{page}/", action="delete_selected", _selected_action=row, post="yes"
            )
        assert await everything() == before

    async def test_what_is_left_out_is_not_there(self, staff: Browser) -> None:
        for path in ("password_change/", "autocomplete/", f"r/1/{uuid4()}/", "x/"):
            assert (await staff.get(path)).status_code == 404, path


class TestOddRequests:
    ADDRESSES = (
        "orm/media/not-a-uuid/change/",
        "orm/media/_00/change/",
        "orm/role/_00/change/",
        "orm/workerheartbeat/a_00b/change/",
        "orm/jobattempt/99999999999999999999999/change/",
        "orm/jobattempt/99999999999999999999999/history/",
        "orm/media/?p=99999999999999999999&o=99.-5.x",
        "orm/media/?p=" + "9" * 5_000,
        "orm/media/?q=%00",
        "orm/media/?q=" + "a+" * 500,
        "orm/media/?q=%ED%A0%80%ff",
        "orm/media/?status=%00",
        "orm/user/?role=%00",
        "orm/user/?_facets=1&is_active=perhaps",
        "orm/media/?all=1&e=1",
        "login/?next=//evil.example/",
        "%00/",
        "orm/%ff/",
    )
    LOOKUPS = (
        "orm/media/?status__in=ready",
        "orm/user/?password__startswith=argon2",
        "orm/session/?refresh_digest__startswith=a",
        "orm/user/?_to_field=password&_popup=1",
    )

    async def test_no_address_breaks_anything(self, staff: Browser) -> None:
        for path in self.ADDRESSES:
            answer = await staff.get(path)
            assert answer.status_code < 500, path
            assert "evil" not in answer.headers.get("location", "")

    async def test_columns_that_are_not_shown_cannot_be_asked_for(
        self, staff: Browser
    ) -> None:
        for path in self.LOOKUPS:
            assert (await staff.get(path)).status_code == 400, path

    BODIES = (
        ("application/x-www-form-urlencoded", b"a=" + b"b" * 1_100_000, 413),
        ("application/x-www-form-urlencoded", b"a=1&" * 2_000, 400),
        ("multipart/form-data; boundary=x", b"--y\r\nnonsense", 403),
        ("multipart/form-data", b"nonsense", 400),
        ("application/json; charset=nonsense", b"{", 403),
    )

    async def test_bodies(self, browser: Browser) -> None:
        await browser.get("login/")
        for content_type, body, status in self.BODIES:
            answer = await browser.http.post(
                "/admin/login/", content=body, headers={"Content-Type": content_type}
            )
            assert answer.status_code == status, content_type

    async def test_the_path_without_its_slash(self, browser: Browser) -> None:
        answer = await browser.http.get("/admin")
        assert (answer.status_code, answer.headers["location"]) == (302, "/admin/")
        assert (await browser.http.get("/administrator/")).status_code == 404


class TestStoresAway:
    async def test_without_redis_people_get_in(
        self, accounts: Accounts, email: str
    ) -> None:
        await accounts.make(email, "admin")
        away = f"redis://127.0.0.1:{BlackHole.refusing_port()}"
        address = "198.51.100.21"
        async with Browser.at(address, redis_url=SecretStr(away)) as browser:
            assert (await browser.sign_in(email)).status_code == 302
            assert (await browser.get()).status_code == 200
