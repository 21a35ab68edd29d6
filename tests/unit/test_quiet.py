"""A test that needs the machine for itself gets it, however busy the others are."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tests.quiet import Quiet


class TestQuiet:
    def test_others_run_beside_each_other(self, tmp_path: Path) -> None:
        with Quiet(tmp_path).kept(alone=False), Quiet(tmp_path).kept(alone=False):
            pass

    def test_nobody_runs_beside_one_that_is_alone(self, tmp_path: Path) -> None:
        ran: list[str] = []

        def run(name: str, alone: bool) -> None:
            with Quiet(tmp_path).kept(alone=alone):
                ran.append(name)

        with ThreadPoolExecutor(2) as pool:
            with Quiet(tmp_path).kept(alone=False):
                alone = pool.submit(run, "alone", True)
                self._until_it_waits(tmp_path / "door", alone)
                late = pool.submit(run, "late", False)
                ran.append("first")
            alone.result(10)
            late.result(10)
        assert ran == ["first", "alone", "late"]

    @staticmethod
    def _until_it_waits(door: Path, alone: "Future[None]") -> None:
        """Linux tells who holds a lock on which file."""
        inode = f":{door.stat().st_ino} "
        while inode not in Path("/proc/locks").read_text():
            assert not alone.done()
            os.sched_yield()
