"""Everything is killed again and again while users upload: nothing is lost or doubled."""

import os
import time
from pathlib import Path
from random import Random

import pytest

from backend.fleet.backoff import Backoff
from tests.e2e.videos import Videos
from tests.faults.harness import FaultStack
from tests.faults.rampage import Crowd, Killer

# Another one to look for what this one does not meet; a failure names its own.
SEED = int(os.environ.get("FAULTS_SEED", "20261123"))


@pytest.mark.faults
class TestTwoHundredUploads:
    UPLOADS, DOUBLES = 200, 30
    # There are six processes; after each kill the clients get as many to send.
    KILLS_EACH, GIVEN_EACH = 4, 9
    # Two of them own what they send twice; the same bytes of both are one object.
    ROLES = ("media_operator", "admin") * 3
    CONTENT_SECONDS = 60.0

    @pytest.mark.timeout(900)
    def test_every_process_is_killed_at_random_moments(
        self, tmp_path: Path, videos: Videos
    ) -> None:
        clips = self._clips(videos)
        # As `make run` has them.
        usual = {"RECONCILE_GRACE_SECONDS": "20"}
        with FaultStack(tmp_path, backoff=Backoff, **usual) as stack:
            crowd, killer = Crowd(stack), Killer(stack, SEED, self.KILLS_EACH)
            with crowd.at_work(self.ROLES):
                for _ in killer.rage():
                    crowd.give([clips.pop() for _ in clips[: self.GIVEN_EACH]])
                killer.until_all_back()
                restarted = time.monotonic()
            answered = time.monotonic()
            left = restarted + self.CONTENT_SECONDS - answered
            try:
                stack.oracle.until_content(crowd.taken, max(left, 0.0))
            finally:
                self._tell(crowd, killer, restarted, answered)
        assert killer.spared() == set()
        assert crowd.errors == []
        assert len(crowd.taken) == self.UPLOADS

    def _clips(self, videos: Videos) -> list[Path]:
        dice = Random(SEED)
        clips = [videos.new() for _ in range(self.UPLOADS - self.DOUBLES)]
        clips += dice.sample(clips, self.DOUBLES)
        dice.shuffle(clips)
        return clips

    @staticmethod
    def _tell(crowd: Crowd, killer: Killer, restarted: float, answered: float) -> None:
        now = time.monotonic()
        print(  # noqa: T201 - shown with -s and on failure
            f"seed {SEED}: {len(crowd.taken)} answered, refused {dict(crowd.refused)}, "
            f"kills {dict(killer.kills)}, all answered {answered - restarted:.1f} s and "
            f"the oracle done {now - restarted:.1f} s after the last restart"
        )
