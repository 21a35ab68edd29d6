"""What administrators see of reconciliation: GET /system/consistency/."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from backend.orm.models import ConsistencyReport
from tests.account_api import AccountApi, refusal

PATH = "/system/consistency/"
STARTED_AT = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
FINISHED_AT = datetime(2026, 7, 1, 9, 30, 2, 500_000, tzinfo=UTC)


class TestConsistency:
    async def test_before_the_first_report_nothing_is_known(
        self, api: AccountApi
    ) -> None:
        admin = await api.admin()
        assert refusal(await admin.get(PATH)) == (404, "consistency_not_known")

    async def test_the_report_is_shown_as_it_is(self, api: AccountApi) -> None:
        findings = [
            self._finding(media=str(uuid4())),
            self._finding(kind="a kind of tomorrow", applied=True),
        ]
        await self._report(FINISHED_AT, findings)
        answer = await (await api.admin()).get(PATH)
        assert answer.status_code == 200
        assert answer.json() == {
            "started_at": "2026-07-01T09:30:00Z",
            "finished_at": "2026-07-01T09:30:02.500000Z",
            "findings": findings,
        }

    async def test_the_newest_report_counts(self, api: AccountApi) -> None:
        for finished_at in (FINISHED_AT, FINISHED_AT.replace(month=8), FINISHED_AT):
            await self._report(finished_at, [])
        answer = await (await api.admin()).get(PATH)
        assert answer.json()["finished_at"] == "2026-08-01T09:30:02.500000Z"

    async def test_only_who_may_look_inside_sees_it(self, api: AccountApi) -> None:
        await self._report(FINISHED_AT, [])
        for role in ("viewer", "media_operator"):
            person = await api.person(f"{role}@example.org", role)
            assert refusal(await person.get(PATH)) == (403, "right_missing")
        inspector = await api.manager("system.inspect")
        assert (await inspector.get(PATH)).status_code == 200
        assert refusal(await api.http.get(PATH)) == (401, "not_authenticated")

    @staticmethod
    def _finding(**changes: Any) -> dict[str, Any]:
        return {
            "kind": "object_missing",
            "store": "object_store",
            "key": "videos/7c9e6679-7425-40de-944b-e07fc1f90ae7.mp4",
            "media": None,
            "action": "store it again from its staged file",
            "applied": False,
            **changes,
        }

    @staticmethod
    async def _report(finished_at: datetime, findings: list[dict[str, Any]]) -> None:
        await ConsistencyReport.objects.acreate(
            started_at=STARTED_AT, finished_at=finished_at, findings=findings
        )
