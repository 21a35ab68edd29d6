"""`make bench` and `make bench-quick`: us and our peers, side by side.

Two runs that are compared come right after one another, and their order changes from
pair to pair: A B, B A. Of reads the load generator has the last core and the server the
first; stores and kernel go where there is room. What processor seconds are counted is
said by each row.
"""

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from backend.embedded.run import Parent
from bench.again import SameBytesRows
from bench.comparison import AtLeastTimes
from bench.contenders import FastApiUploads, TusUploads
from bench.crowd import CrowdRow
from bench.growth import GrowthRows
from bench.jobs import JobsRow
from bench.load import Wrk
from bench.notebook import Conditions, Notebook
from bench.page import PAGE, RESULTS, MeasuredPage
from bench.peers.environment import NodeEnvironment, PeerEnvironment
from bench.readiness import ReadyRow
from bench.reads import ReadRows
from bench.report import MarkdownTable, ResultsFile
from bench.scale import FULL, QUICK, Scale
from bench.trial import FAILURES, Reason, Row
from bench.upload import UploadRow
from bench.video import MEBIBYTE, LargeVideo

PROJECT = Path(__file__).parents[1]
DATA = PROJECT / ".data"
# Two benches may run at once, though neither would measure much then.
WORK = DATA / f"bench-{os.getpid()}"
PICTURE = "growth.png"


class Rows:
    """Every row of the table of goals, in its order, under a short name."""

    def __init__(self, scale: Scale, picture: Path) -> None:
        self._scale = scale
        self._picture = picture
        # Kept between runs: to install them takes longer than some of these.
        self._python = PeerEnvironment(DATA / "bench-peers")
        self._node = NodeEnvironment(DATA / "bench-node")

    def all(self) -> Mapping[str, Row]:
        scale, size = self._scale, self._scale.upload_mebibytes * MEBIBYTE
        return {
            "reads": ReadRows(WORK / "reads", scale, self._python),
            "upload": self._upload(FastApiUploads(self._python), 2.5, fsync=True),
            "unsynced": self._upload(
                FastApiUploads(self._python), 2.0, fsync=False, times=2
            ),
            "tus": self._upload(TusUploads(self._node), 1.2, fsync=False),
            "crowd": CrowdRow(WORK / "crowd", size, scale.upload_pairs),
            "again": SameBytesRows(WORK / "again", size, scale.upload_pairs),
            "ready": ReadyRow(WORK / "ready", scale.ready_media),
            "jobs": JobsRow(WORK / "jobs", scale, self._python),
            "growth": GrowthRows(WORK / "growth", scale, self._python, self._picture),
        }

    def _upload(
        self,
        peer: FastApiUploads | TusUploads,
        ratio: float,
        *,
        fsync: bool,
        times: int = 1,
    ) -> UploadRow:
        """Of a video of so many times the usual size."""
        folder = WORK / ("fsync" if fsync else "no-fsync")
        size = times * self._scale.upload_mebibytes * MEBIBYTE
        video = LargeVideo(folder / "video.mp4", size)
        pairs, goal = self._scale.upload_pairs, AtLeastTimes(ratio)
        return UploadRow(folder, video, pairs, peer, fsync, goal)


class Clock:
    """Tells when a row begins, what comes of it, and how long it took."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def tell(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        self.tell(f"{name} …")
        yield
        now = time.monotonic()
        self.tell(f"{name}: {now - began:.0f} s, {now - self._began:.0f} s in all")


class Program:
    """The command line."""

    def __init__(self) -> None:
        self._clock = Clock()

    def main(self) -> int:
        Parent().follow()
        # What was started is stopped on the way out.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        options = self._options()
        scale = QUICK if options.quick else FULL
        try:
            Wrk.require()
            rows = self._chosen(Rows(scale, self._picture(options)).all(), options.only)
            notebook = self._notebook(scale, options)
            broken = [name for name in rows if not self._measured(rows, name, notebook)]
        except FAILURES as error:
            print(f"Error: {error}", file=sys.stderr)
            return 1
        finally:
            shutil.rmtree(WORK, ignore_errors=True)
        print(f"\n{MarkdownTable().text(notebook.results)}")
        return 1 if broken else 0

    @staticmethod
    def _picture(options: argparse.Namespace) -> Path:
        return (PAGE if options.page else RESULTS).with_name(PICTURE)

    @staticmethod
    def _notebook(scale: Scale, options: argparse.Namespace) -> Notebook:
        file = ResultsFile(RESULTS)
        page = MeasuredPage(PAGE) if options.page else None
        notebook = Notebook(file, page, Conditions.now(scale.name))
        if options.only:
            notebook.keep_others(file.read())
        return notebook

    @staticmethod
    def _chosen(rows: Mapping[str, Row], only: Sequence[str]) -> Mapping[str, Row]:
        """Raises `RuntimeError` for a name that no row has."""
        if unknown := set(only) - set(rows):
            raise RuntimeError(f"there are only {', '.join(rows)}, not {unknown}")
        return {name: rows[name] for name in only or rows}

    def _measured(self, rows: Mapping[str, Row], name: str, notebook: Notebook) -> bool:
        """Whether there are figures of all of it; the next row is measured anyhow."""
        is_whole = True
        try:
            with self._clock.timing(name):
                for result in rows[name].run():
                    notebook.add(result)
                    self._clock.tell(MarkdownTable().text([result]).splitlines()[-1])
                    is_whole &= result.ours is not None
        except FAILURES as error:
            self._clock.tell(f"{name}: {Reason.of(error)}")
            return False
        return is_whole

    @staticmethod
    def _options() -> argparse.Namespace:
        parser = argparse.ArgumentParser(description=__doc__)
        extent = parser.add_mutually_exclusive_group()
        extent.add_argument("--quick", action="store_true", help="in 4 minutes")
        extent.add_argument(
            "--page", action="store_true", help="also renew docs/performance.md"
        )
        parser.add_argument(
            "--only", nargs="*", default=[], metavar="ROW", help="some rows alone"
        )
        return parser.parse_args()


if __name__ == "__main__":
    sys.exit(Program().main())
