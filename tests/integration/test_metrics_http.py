"""What Prometheus reads at /metrics, and that the dashboard and the alerts ask for it."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from backend.adapters.tallies import Tallies
from backend.config.api_container import ApiContainer
from backend.config.worker_container import WorkerContainer
from backend.domain.jobs import JobKind
from backend.orm.database_line import Statement
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import ConsistencyReport, JobPause, Reconciliation
from backend.orm.worker_tallies import WorkerTallies
from backend.use_cases.hand_over_tallies import HandOverTallies
from tests.account_api import AccountApi
from tests.black_hole import BlackHole
from tests.calm import Calm
from tests.clips import ClipMaker
from tests.database import TestDatabase
from tests.e2e.faults import until
from tests.media_http import Service
from tests.reconcile_world import ReconcileWorld

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
    Calm.make(container)
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
    finished = "now()" if state in ("failed", "succeeded") else "NULL"
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        # Thousands take longer than a request may, on a machine that is busy.
        cursor.execute("SET statement_timeout = 0")
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
        cursor.execute("RESET statement_timeout")
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

    @pytest.mark.parametrize(
        "path", [f"{PATH}/", f"{PATH}/more", f"/{PATH}", "/Metrics"]
    )
    async def test_it_is_at_one_path_only(self, measured: Measured, path: str) -> None:
        """A proxy that stops this one stops them all."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = httpx.URL("http://localhost").copy_with(raw_path=path.encode())
        answer = await measured.http.get(url, headers=headers)
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"

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

    async def test_a_job_that_a_deletion_closes_has_not_failed(
        self, service: Service, measured: Measured, clips: ClipMaker
    ) -> None:
        owner = await service.signed_in(
            "owner@example.org", "media_operator", measured.http
        )
        media_id = await owner.uploaded(clips.mp4(0.2))
        assert (await owner.delete(media_id)).is_success
        counted = {
            dict(labels)["kind"]
            for name, labels in await measured.samples()
            if name == "mediaproject_jobs"
        }
        assert counted == {"delete_media"}

    async def test_however_many_have_failed_their_index_tells_it(
        self, measured: Measured
    ) -> None:
        kind = "upload_to_cdn"
        await add_jobs(kind, "succeeded", "", 18_000)
        await add_jobs(kind, "failed", "object_damaged", 2_000)
        await self._vacuumed()
        plans: list[str] = []

        def explain(execute: Any, sql: str, *rest: Any) -> Any:
            if "FROM job " in sql:
                execute(f"EXPLAIN {sql}", *rest)
                plans.append(str(rest[-1]["cursor"].fetchall()))
            return execute(sql, *rest)

        threads = measured.container.metrics_threads
        await threads.run(lambda: connection.execute_wrappers.append(explain))
        labels = {"kind": kind, "state": "failed", "code": "object_damaged"}
        assert await measured.value("mediaproject_jobs", **labels) == 2_000
        (plan,) = plans
        assert "Index Only Scan using job_failed" in plan

    @staticmethod
    @sync_to_async
    def _vacuumed() -> None:
        with connection.cursor() as cursor:
            # Rows whose commit may not be on disk yet are not seen to be there for all.
            cursor.execute("SET synchronous_commit = on")
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("ANALYZE job")
            cursor.execute("VACUUM job")
            cursor.execute("RESET statement_timeout")
            cursor.execute("RESET synchronous_commit")

    async def test_what_is_paused_does_not_wait_for_a_worker(
        self, measured: Measured
    ) -> None:
        await add_jobs("extract_metadata", "queued", "", 2, waited=600)
        await JobPause.objects.acreate(kind="extract_metadata", paused_by="ann")
        name, kind = "mediaproject_job_kind_paused", "extract_metadata"
        assert await measured.value(name, kind=kind) == 1
        assert await measured.value(name, kind="delete_media") == 0
        jobs = "mediaproject_jobs"
        assert await measured.value(jobs, kind=kind, state="paused", code="") == 2
        waits = "mediaproject_job_oldest_wait_seconds"
        assert await measured.value(waits, kind=kind) is None

    @staticmethod
    def _labels(kind: str, state: str, code: str) -> tuple[tuple[str, str], ...]:
        return ("code", code), ("kind", kind), ("state", state)


class TestWorkers:
    """What they count is told by whichever API is asked."""

    async def test_attempts_waits_and_stores(
        self, service: Service, measured: Measured, clips: ClipMaker
    ) -> None:
        owner = await service.signed_in("owner@example.org", "media_operator")
        media_id = await owner.uploaded(clips.mp4(0.2))
        await service.work(media_id)
        await service.worker.hand_over_tallies.execute()

        for kind in ("upload_to_cdn", "extract_metadata", "make_miniature"):
            took = "mediaproject_attempt_seconds"
            labels = {"kind": kind, "outcome": "succeeded"}
            assert await measured.value(f"{took}_count", **labels) == 1
            whole = await measured.value(f"{took}_sum", **labels)
            assert whole is not None
            assert 0 < whole < 60
            ends = {"le": "+Inf", **labels}
            assert await measured.value(f"{took}_bucket", **ends) == 1
            waits = "mediaproject_queue_wait_seconds"
            assert await measured.value(f"{waits}_count", kind=kind) == 1
            waited = await measured.value(f"{waits}_sum", kind=kind)
            assert waited is not None
            assert 0 < waited < 60
        stores = "mediaproject_worker_store_seconds_count"
        for store, operation in (("s3", "PutObject"), ("mongo", "update")):
            told = {"store": store, "operation": operation, "outcome": "answered"}
            assert (await measured.value(stores, **told) or 0) >= 1, operation

    async def test_a_store_that_is_away(
        self, service: Service, measured: Measured, clips: ClipMaker
    ) -> None:
        owner = await service.signed_in("owner@example.org", "media_operator")
        media_id = await owner.uploaded(clips.mp4(0.2))
        closed = f"http://127.0.0.1:{BlackHole.refusing_port()}"
        worker = WorkerContainer(
            settings.ENVIRONMENT.model_copy(update={"s3_endpoint_url": closed})
        )
        (upload,) = (one for one in worker.actors if one.kind == "upload_to_cdn")
        await upload.perform(media_id)
        await worker.hand_over_tallies.execute()
        await worker.close()
        failed = await measured.value(
            "mediaproject_attempt_seconds_count", kind="upload_to_cdn", outcome="failed"
        )
        assert failed == 1
        found = {
            dict(labels)["outcome"]
            for name, labels in await measured.samples()
            if name == "mediaproject_worker_store_seconds_count"
        }
        assert found == {"failed"}

    async def test_what_is_staged_in_the_object_store(
        self, measured: Measured, service: Service
    ) -> None:
        worker = WorkerContainer(
            settings.ENVIRONMENT.model_copy(
                update={"staging_backend": "s3", "s3_bucket": f"staged-{uuid4()}"}
            )
        )
        await worker.object_storage.prepare()
        staged = [await worker.staging.receive() for _ in range(2)]
        for incoming in staged:
            await incoming.write(bytes(70))
            await incoming.seal()
            await self._compare(worker)
        assert await measured.value("mediaproject_staged_bytes") == 140
        assert await measured.value("mediaproject_staged_files") == 2
        for incoming in staged:
            await incoming.discard()
        await self._compare(worker)
        assert await measured.value("mediaproject_staged_bytes") == 0
        await worker.close()

    @staticmethod
    async def _compare(worker: WorkerContainer) -> None:
        """It lists what is staged, and says so."""
        await Reconciliation.objects.all().adelete()
        await ConsistencyReport.objects.all().adelete()
        reconciler = worker.reconciler
        reconciler.start()
        has_compared = ReconcileWorld.has_report
        await asyncio.to_thread(until, has_compared, 30, "it has compared")
        await asyncio.to_thread(reconciler.stop)
        await worker.hand_over_tallies.execute()

    async def test_all_of_them_count_together(
        self, measured: Measured, database_threads: DatabaseThreads
    ) -> None:
        """Also at once, and over a worker that ends and is started again."""
        ledger = WorkerTallies(database_threads)
        for _ in range(3):
            workers = [Tallies() for _ in range(8)]
            for worker in workers:
                worker.begun(JobKind.DELETE_MEDIA, 0.3)
                worker.begun(JobKind.DELETE_MEDIA, 7_200.0)
                worker.begun(JobKind.MAKE_MINIATURE, 0.3)
                worker.taken_back(2)
            await asyncio.gather(
                *(HandOverTallies(worker, ledger).execute() for worker in workers)
            )
        waits = "mediaproject_queue_wait_seconds"
        kind = {"kind": "delete_media"}
        assert await measured.value(f"{waits}_count", **kind) == 48
        assert await measured.value(f"{waits}_bucket", le="0.25", **kind) == 0
        assert await measured.value(f"{waits}_bucket", le="0.5", **kind) == 24
        assert await measured.value(f"{waits}_sum", **kind) == pytest.approx(172_807.2)
        assert await measured.value("mediaproject_sweeper_leases_lost_total") == 48


class TestProcess:
    async def test_answers_from_the_cache(
        self, service: Service, measured: Measured, clips: ClipMaker
    ) -> None:
        owner = await service.signed_in(
            "owner@example.org", "media_operator", measured.http
        )
        media_id = await owner.uploaded(clips.mp4(0.2))
        name = "mediaproject_cached_answers_total"
        for _ in range(10):
            assert (await owner.get(media_id)).status_code == 200
        assert (await measured.value(name, found="yes") or 0) >= 1
        missed = await measured.value(name, found="no")
        await owner.patch(media_id, {"title": "another"})
        assert (await owner.get(media_id)).status_code == 200
        assert (await measured.value(name, found="no") or 0) > (missed or 0)

    async def test_pool_and_staging(
        self, service: Service, measured: Measured, clips: ClipMaker
    ) -> None:
        owner = await service.signed_in("owner@example.org", "media_operator")
        name = "mediaproject_database_pool"
        assert await measured.value(f"{name}_size", pool="requests") == 8
        assert await measured.value(f"{name}_busy", pool="requests") == 0
        assert await measured.value(f"{name}_waiting", pool="requests") == 0
        release = threading.Event()
        threads = measured.container.database_threads
        busy = asyncio.create_task(threads.run(release.wait))
        await asyncio.sleep(0)
        seen = await measured.value(f"{name}_busy", pool="requests")
        release.set()
        await busy
        assert seen == 1
        nap = Statement("SELECT pg_sleep(2)")
        lines = measured.container.database_lines
        napping = asyncio.create_task(lines.rows(nap, make=tuple[Any, ...]))
        await asyncio.sleep(0)
        assert await measured.value(f"{name}_busy", pool="reads") == 1
        await napping
        assert await measured.value(f"{name}_busy", pool="reads") == 0
        staged = "mediaproject_staging"
        before = await measured.value(f"{staged}_bytes")
        video = clips.mp4(0.2)
        await owner.uploaded(video)
        size = video.stat().st_size
        assert await measured.value(f"{staged}_bytes") == (before or 0) + size
        assert (await measured.value(f"{staged}_files") or 0) >= 1
        assert (await measured.value(f"{staged}_free_bytes") or 0) > 0


class TestDeployed:
    async def test_what_is_asked_for_is_there(self, measured: Measured) -> None:
        await measured.http.get("/health/live/")
        text = (await measured.scrape()).text
        exposed = self._declared(text)
        exposed |= {name for name, _ in await measured.samples()}
        for path in ("grafana/mediaproject.json", "prometheus/mediaproject.yml"):
            asked = set(NAME.findall((DEPLOY / path).read_text()))
            assert asked
            assert asked <= exposed, path

    async def test_what_the_page_of_operations_names_is_there(
        self, measured: Measured
    ) -> None:
        page = (DEPLOY.parent / "docs" / "operations.md").read_text()
        table = page.partition("| What | Names")[2].partition("\n\n")[0]
        named = {f"mediaproject_{name}" for name in re.findall(r"`([a-z_]+)`", table)}
        assert len(named) > 15
        text = (await measured.scrape()).text
        exposed = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
        assert named <= exposed
        rules = (DEPLOY / "prometheus" / "mediaproject.yml").read_text()
        alerts = set(re.findall(r"alert: (\w+)", rules))
        assert set(re.findall(r"MediaProject[A-Z]\w+", page)) <= alerts

    @staticmethod
    def _declared(text: str) -> set[str]:
        """Also the names of what nothing was counted of yet."""
        types = re.findall(r"^# TYPE (\S+) (\S+)", text, re.MULTILINE)
        parts = {"histogram": ("_bucket", "_sum", "_count")}
        return {name + part for name, kind in types for part in parts.get(kind, ("",))}

    def test_the_dashboard_is_json_with_panels(self) -> None:
        board = json.loads((DEPLOY / "grafana" / "mediaproject.json").read_text())
        assert all(panel["targets"] for panel in board["panels"])
