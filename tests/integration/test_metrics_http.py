"""What Prometheus reads at /metrics, and that the dashboard and the alerts ask for it."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from backend.config.api_container import ApiContainer
from tests.account_api import AccountApi
from tests.clips import ClipMaker
from tests.database import TestDatabase
from tests.media_http import Service

PATH = "/metrics"
TOKEN = "a-token-of-the-scraper"
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NAME = re.compile(r"\b(?:mediaproject|process)_[a-z_]+\b")
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Measured:
    """The API with a token for scrapers, and what one reads."""

    def __init__(self, http: httpx.AsyncClient, container: ApiContainer) -> None:
        self.http = http
        self.container = container

    async def scrape(self, token: str = TOKEN) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await self.http.get(PATH, headers=headers)

    async def samples(self) -> Samples:
        answer = await self.scrape()
        assert answer.status_code == 200
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    async def value(self, name: str, **labels: str) -> float | None:
        return (await self.samples()).get((name, frozenset(labels.items())))


@pytest.fixture
async def measured(clean_database: TestDatabase) -> AsyncIterator[Measured]:
    environment = settings.ENVIRONMENT.model_copy(
        update={"metrics_token": SecretStr(TOKEN)}
    )
    container = ApiContainer(environment)
    # No operation of the API, so the document says nothing of its refusals.
    transport = httpx.ASGITransport(app=container.application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost"
    ) as http:
        yield Measured(http, container)
    await container.close()


@sync_to_async
def add_jobs(kind: str, state: str, code: str, count: int, waited: float = 0) -> None:
    """Each of a media that nobody has: only the jobs are looked at."""
    finished = "now()" if state == "failed" else "NULL"
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            f"""
            INSERT INTO job (uuid, media_id, kind, status, attempt, failed_attempts,
                             fence, progress, failure_code, request_id, run_after,
                             finished_at)
            SELECT gen_random_uuid(), gen_random_uuid(), %s, %s, 0, 0, 0, 0, %s, '',
                   now() - make_interval(secs => %s), {finished}
              FROM generate_series(1, %s)
            """,  # noqa: S608 - ours
            [kind, state, code, waited, count],
        )
        cursor.execute("SET session_replication_role = DEFAULT")


class TestWhoMayRead:
    async def test_without_a_token_there_is_no_such_path(self, api: AccountApi) -> None:
        answer = await api.http.get(PATH, headers={"Authorization": "Bearer x"})
        assert answer.status_code == 404

    @pytest.mark.parametrize("token", ["another-token-of-nobody", TOKEN[:-1], "x"])
    async def test_another_token(self, measured: Measured, token: str) -> None:
        assert (await measured.scrape(token)).status_code == 401

    async def test_no_token(self, measured: Measured) -> None:
        answer = await measured.http.get(PATH)
        assert answer.status_code == 401
        assert "mediaproject" not in answer.text

    async def test_a_scraper_may_call_the_host_by_any_name(
        self, measured: Measured
    ) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}", "Host": "api:8000"}
        answer = await measured.http.get(PATH, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store, private"

    async def test_it_is_only_read(self, measured: Measured) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = await measured.http.post(PATH, headers=headers)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


class TestRequests:
    async def test_by_route_and_never_by_path(self, measured: Measured) -> None:
        for _ in range(2):
            await measured.http.get(f"/media/{uuid4()}/")
        assert (
            await measured.value(
                "mediaproject_http_requests_total",
                method="GET",
                route="/media/{media_id}/",
                status="401",
            )
            == 2
        )
        assert (
            await measured.value(
                "mediaproject_http_request_seconds_count",
                method="GET",
                route="/media/{media_id}/",
            )
            == 2
        )

    async def test_unknown_paths_and_methods_make_one_series(
        self, measured: Measured
    ) -> None:
        for name in ("a", "b"):
            await measured.http.request(f"PRY{name}", f"/{name}/")
        found = await measured.value(
            "mediaproject_http_requests_total",
            method="other",
            route="other",
            status="404",
        )
        assert found == 2


class TestUploads:
    async def test_bytes_by_whether_they_were_there(
        self, service: Service, measured: Measured, clips: ClipMaker
    ) -> None:
        video, other = clips.mp4(0.2), clips.mp4(0.4)
        size = video.stat().st_size
        owner = await service.signed_in(
            "owner@example.org", "media_operator", measured.http
        )
        for file in (video, other, video):
            assert (await owner.upload(file)).is_success
        name = "mediaproject_upload_bytes_total"
        new = await measured.value(name, deduplicated="no")
        assert new == size + other.stat().st_size
        assert await measured.value(name, deduplicated="yes") == size
        name = "mediaproject_uploads_total"
        assert await measured.value(name, deduplicated="no") == 2
        assert await measured.value(name, deduplicated="yes") == 1


class TestInstallation:
    async def test_jobs_by_kind_state_and_code(self, measured: Measured) -> None:
        await add_jobs("upload_to_cdn", "failed", "object_damaged", 3)
        await add_jobs("extract_metadata", "queued", "", 2, waited=600)
        await add_jobs("extract_metadata", "queued", "database_away", 1, waited=-600)
        found = {
            tuple(sorted(labels)): value
            for (name, labels), value in (await measured.samples()).items()
            if name == "mediaproject_jobs"
        }
        assert found == {
            self._labels("upload_to_cdn", "failed", "object_damaged"): 3,
            self._labels("extract_metadata", "queued", ""): 2,
            self._labels("extract_metadata", "delayed", "database_away"): 1,
        }
        waited = await measured.value(
            "mediaproject_job_oldest_wait_seconds", kind="extract_metadata"
        )
        assert waited is not None
        assert waited >= 600

    @staticmethod
    def _labels(kind: str, state: str, code: str) -> tuple[tuple[str, str], ...]:
        return ("code", code), ("kind", kind), ("state", state)


class TestDeployed:
    async def test_what_is_asked_for_is_there(self, measured: Measured) -> None:
        await measured.http.get("/health/live/")
        text = (await measured.scrape()).text
        exposed = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
        exposed |= {name for name, _ in await measured.samples()}
        for path in ("grafana/mediaproject.json", "prometheus/mediaproject.yml"):
            asked = set(NAME.findall((DEPLOY / path).read_text()))
            assert asked
            assert asked <= exposed, path

    def test_the_dashboard_is_json_with_panels(self) -> None:
        board = json.loads((DEPLOY / "grafana" / "mediaproject.json").read_text())
        assert all(panel["targets"] for panel in board["panels"])
