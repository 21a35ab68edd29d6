"""What load balancers see of the stores: GET /health/ready/."""

from datetime import UTC, datetime, timedelta

from backend.orm.models import WorkerHeartbeat
from tests.account_api import AccountApi

PATH = "/health/ready/"
SEEN_AT = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)


class TestReady:
    async def test_everything_answers(self, api: AccountApi) -> None:
        await api.container.object_storage.prepare()
        for worker, seen_at in (("a", SEEN_AT), ("b", SEEN_AT - timedelta(hours=1))):
            await WorkerHeartbeat.objects.acreate(worker=worker, seen_at=seen_at)
        answer = await api.http.get(PATH)
        assert (answer.status_code, answer.json()) == (
            200,
            {
                "status": "ok",
                "checks": dict.fromkeys(
                    ("postgres", "mongo", "redis", "s3", "staging"), "ok"
                ),
                "oldest_queued_seconds": None,
                "last_worker_heartbeat": "2026-07-01T09:30:00Z",
            },
        )
