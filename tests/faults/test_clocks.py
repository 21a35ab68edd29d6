"""A worker does not know what time it is: leases go by the clock of the database."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.faults.harness import FaultStack
from tests.faults.uploads import Uploads

pytestmark = pytest.mark.faults

PUT = "upload_to_cdn"
WRONG_CLOCK = Path(__file__).parent / "wrong_clock"


class TestWrongClock:
    # Several turns of a sweeper, which looks for leases that are over.
    SWEEPS_SECONDS = 8.0
    ABOUT_SECONDS = 60.0

    @pytest.mark.parametrize("shift_seconds", [600, -600], ids=["ahead", "behind"])
    def test_f48_no_lease_is_taken_early_and_work_is_done(
        self, stack: FaultStack, uploads: Uploads, shift_seconds: int
    ) -> None:
        stack.proxy("s3").black_hole()
        held = uploads.several(3)
        for taken in held:
            uploads.until_running(taken, PUT)
        with self._confused_worker(stack, shift_seconds):
            time.sleep(self.SWEEPS_SECONDS)
            stack.proxy("s3").heal()
            stack.oracle.until_content(held)
            with stack.stopped("worker"):
                alone = uploads.one()
                ready = uploads.client.until_done(alone.uuid)
                assert ready["status"] == "ready"
        for taken in held:
            outcomes = [outcome for outcome, _ in uploads.attempts(taken, PUT)]
            assert "lost" not in outcomes
            assert outcomes[-1] == "succeeded"
        assert uploads.attempts(alone, PUT) == [("succeeded", None)]
        ahead_seconds = self._extracted_ahead(uploads, alone.uuid)
        assert ahead_seconds == pytest.approx(shift_seconds, abs=self.ABOUT_SECONDS)
        stack.oracle.until_content(uploads.taken)

    @staticmethod
    @contextmanager
    def _confused_worker(stack: FaultStack, shift_seconds: int) -> Iterator[None]:
        """One more worker, and what it was told about the time."""
        before = stack.stores.rows("SELECT worker FROM worker_heartbeat")
        settings = {
            "PYTHONPATH": str(WRONG_CLOCK),
            "CLOCK_SHIFT_SECONDS": str(shift_seconds),
        }
        with stack.second_worker(**settings):
            stack.until_row(
                "SELECT 1 FROM worker_heartbeat WHERE worker <> ALL(%s)",
                [row["worker"] for row in before],
            )
            yield

    @staticmethod
    def _extracted_ahead(uploads: Uploads, uuid: str) -> float:
        """How much later than now the document says it was made, by the worker's clock."""
        answer = uploads.client.http.get(f"/media/{uuid}/metadata/")
        made = datetime.fromisoformat(answer.json()["extracted_at"])
        return (made - datetime.now(UTC)).total_seconds()
