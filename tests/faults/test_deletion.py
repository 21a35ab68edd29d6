"""What is deleted goes everywhere, whenever it is deleted and whoever dies meanwhile."""

import dataclasses
import time
from random import Random

import pytest

from tests.faults.harness import FaultStack
from tests.faults.oracle import Taken
from tests.faults.uploads import Uploads

pytestmark = pytest.mark.faults


class TestDeletion:
    POINTS = ("delete.let_go", "delete.object_removed")

    @pytest.mark.parametrize("seed", [1, 2])
    def test_at_random_moments(
        self, stack: FaultStack, uploads: Uploads, seed: int
    ) -> None:
        dice = Random(seed)
        left = []
        for _ in range(15):
            taken = uploads.one()
            # The moment is the point: anywhere in the work on it.
            time.sleep(dice.uniform(0, 0.8))
            left.append(self._deleted(uploads, taken) if dice.random() < 0.8 else taken)
        stack.oracle.until_content(left)

    @pytest.mark.parametrize("point", POINTS)
    def test_the_worker_dies_at(
        self, stack: FaultStack, uploads: Uploads, point: str
    ) -> None:
        taken = uploads.one()
        stack.oracle.until_content([taken])
        stack.die_at(point)
        gone = self._deleted(uploads, taken)
        stack.until_died_at(point)
        stack.oracle.until_content([gone])

    def test_every_store_is_away_in_turn(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        first, second = uploads.several(2)
        stack.oracle.until_content(uploads.taken)
        gone = []
        for name, taken in (("s3", first), ("mongo", second)):
            stack.proxy(name).refuse()
            gone.append(self._deleted(uploads, taken))
            # Not shown to readers any more; only the table tells of its attempts.
            stack.until_row(
                "SELECT 1 FROM job_attempt JOIN job ON job.uuid = job_id "
                "WHERE media_id = %s AND kind = 'delete_media' AND outcome = 'failed'",
                taken.uuid,
            )
            stack.heal()
        stack.oracle.until_content(gone)

    @staticmethod
    def _deleted(uploads: Uploads, taken: Taken) -> Taken:
        answer = uploads.client.http.delete(f"/media/{taken.uuid}/")
        assert answer.status_code == 204, answer.text
        return dataclasses.replace(taken, is_deleted=True)
