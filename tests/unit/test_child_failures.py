import asyncio
import functools
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import psutil
import pytest

from backend.adapters.child_process import (
    ChildLimits,
    ChildProcess,
    ResourceLimits,
)
from backend.adapters.forked_child import ForkedChild
from backend.adapters.media_info_extractor import MediaInfoExtractor
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.metadata import MetadataReport

MEBIBYTE = 1024 * 1024

Extractors = Callable[..., MediaInfoExtractor]


class Children:
    """Processes that this one has started since it was made, and theirs.

    Not those of the servers that were there before: PostgreSQL starts some by itself.
    """

    def __init__(self) -> None:
        self._before = set(psutil.Process().children())

    def new(self) -> set[psutil.Process]:
        own = set(psutil.Process().children()) - self._before
        return own.union(*(child.children(recursive=True) for child in own))


class TestChildFailures:
    """Real children that go wrong, each in its own way."""

    @pytest.fixture
    def source(self, tmp_path: Path) -> Iterator[BinaryIO]:
        path = tmp_path / "source"
        path.write_bytes(b"the bytes of the source")
        with path.open("rb") as file:
            yield file

    @pytest.fixture(autouse=True)
    def _nothing_is_left(self) -> Iterator[None]:
        children = Children()
        yield
        assert children.new() == set()

    @pytest.fixture(params=[ChildProcess, ForkedChild])
    def extractors(
        self, _nothing_is_left: None, request: pytest.FixtureRequest
    ) -> Iterator[Extractors]:
        """Makes them of one kind; what forks their children has none left."""
        made: list[ChildProcess] = []
        children = Children()

        class Kind(request.param):  # type: ignore[misc]
            def __init__(self, *arguments: object) -> None:
                super().__init__(*arguments)
                made.append(self)

        yield functools.partial(MediaInfoExtractor, kind=Kind)
        assert {process.ppid() for process in children.new()} <= {os.getpid()}
        for child in made:
            if isinstance(child, ForkedChild):
                child.close()

    @staticmethod
    async def failure(extractor: MediaInfoExtractor, source: BinaryIO) -> JobFailed:
        with pytest.raises(JobFailed) as caught:
            await extractor.extract(source)
        return caught.value

    @pytest.mark.parametrize(
        ("program", "code", "words"),
        [
            (
                "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
                FailureCode.EXTRACTOR_CRASHED,
                "SIGSEGV",
            ),
            (
                "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
                FailureCode.EXTRACTOR_CRASHED,
                "SIGKILL",
            ),
            ("import os; os.abort()", FailureCode.EXTRACTOR_CRASHED, "SIGABRT"),
            (
                "import os; os.kill(os.getpid(), 40)",
                FailureCode.EXTRACTOR_CRASHED,
                "(signal 40)",
            ),
            (
                "raise ValueError('no such thing')",
                FailureCode.EXTRACTOR_CRASHED,
                "ValueError: no such thing",
            ),
            ("print('no report')", FailureCode.EXTRACTOR_CRASHED, "a report"),
            ("print('[' * 100000)", FailureCode.EXTRACTOR_CRASHED, "a report"),
            ("print('{\"tracks\": 1}')", FailureCode.EXTRACTOR_CRASHED, "a report"),
            (
                "while True: print('x' * 65536)",
                FailureCode.EXTRACTOR_CRASHED,
                "wrote too much",
            ),
            (
                "import sys\nwhile True: sys.stderr.write('x' * 65536)",
                FailureCode.EXTRACTOR_TIMED_OUT,
                "2 s",
            ),
            (
                "import time; time.sleep(99)",
                FailureCode.EXTRACTOR_TIMED_OUT,
                "did not end within 2 s",
            ),
            ("while True: pass", FailureCode.EXTRACTOR_TIMED_OUT, "SIGXCPU"),
            (
                "hoard = []\nwhile True: hoard.append(bytearray(10_000_000))",
                FailureCode.EXTRACTOR_OUT_OF_MEMORY,
                "Out of memory",
            ),
            (
                'import os; os.write(2, b"what():  std::bad_alloc\\n"); os.abort()',
                FailureCode.EXTRACTOR_OUT_OF_MEMORY,
                "bad_alloc",
            ),
            (
                "import os; os.write(os.memfd_create('file'), b'x')",
                FailureCode.EXTRACTOR_CRASHED,
                "File too large",
            ),
            (
                "import os\nwhile True: os.dup(0)",
                FailureCode.EXTRACTOR_CRASHED,
                "Too many open files",
            ),
        ],
    )
    async def test_each_failure_has_its_code_and_says_what_was_seen(
        self,
        extractors: Extractors,
        tmp_path: Path,
        source: BinaryIO,
        program: str,
        code: FailureCode,
        words: str,
    ) -> None:
        # One of the two is reached long before the other, however busy the machine is.
        processor, wall = (30, 2) if "2 s" in words else (1, 30)
        limits = ChildLimits(
            resources=ResourceLimits(AS=256 * MEBIBYTE, CPU=processor),
            wall_seconds=wall,
            output_bytes=MEBIBYTE,
        )
        path = tmp_path / "child.py"
        path.write_text(program)
        failed = await self.failure(extractors(limits, path), source)
        assert failed.code is code
        assert words in str(failed)

    async def test_the_child_gets_the_file_and_nothing_of_ours(
        self, extractors: Extractors, tmp_path: Path, source: BinaryIO
    ) -> None:
        path = tmp_path / "child.py"
        path.write_text(
            "import json, os, resource, sys\n"
            "said = [os.getcwd(), os.listdir(), sorted(os.environ), os.getpgid(0) =="
            " os.getpid(), os.getsid(0) == os.getpid(), os.pread(0, 99, 0).decode(),"
            " sorted(os.listdir('/proc/self/fd'))[:-1], resource.getrlimit("
            "resource.RLIMIT_AS)[1], 'site' in sys.modules]\n"
            "print(json.dumps({'extractor': 'x', 'version': '1', 'truncated': False,"
            " 'tracks': [{'type': 'Video', 'Format': 'x', 'Width': '1',"
            " 'said': json.dumps(said)}]}))\n"
        )
        report = await extractors(program=path).extract(source)
        cwd, files, names, leads, own_session, text, fds, memory, site = json.loads(
            report.tracks[0]["said"]
        )
        assert "child-" in cwd
        assert files == []
        assert set(names) <= {"LC_ALL", "LC_CTYPE", "PWD", "SHLVL", "_"}
        assert leads
        assert own_session
        assert text == "the bytes of the source"
        assert fds == ["0", "1", "2"]
        assert memory == 1024 * MEBIBYTE
        assert not site

    async def test_a_cancelled_extraction_leaves_no_process(
        self, extractors: Extractors, tmp_path: Path, source: BinaryIO
    ) -> None:
        task, leader = await self.begun(extractors, tmp_path, source)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not psutil.pid_exists(leader)

    async def test_a_child_that_is_killed_from_outside_is_a_crash(
        self, extractors: Extractors, tmp_path: Path, source: BinaryIO
    ) -> None:
        task, leader = await self.begun(extractors, tmp_path, source)
        os.killpg(leader, signal.SIGKILL)
        with pytest.raises(JobFailed) as caught:
            await task
        assert caught.value.code is FailureCode.EXTRACTOR_CRASHED

    async def test_told_to_stop_with_their_worker_they_go_on(
        self, extractors: Extractors, tmp_path: Path, source: BinaryIO
    ) -> None:
        """A service manager may tell every process of a service."""
        path, begun, go = (tmp_path / name for name in ("child.py", "begun", "go"))
        os.mkfifo(begun)
        path.write_text(
            "import json, os, time\n"
            f"open({str(begun)!r})\n"
            f"while not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
            "print(json.dumps({'extractor': 'x', 'version': '1', 'truncated': False,"
            " 'tracks': [{'type': 'Video', 'Format': 'x', 'Width': '1'}]}))\n"
        )
        children = Children()
        task = asyncio.create_task(extractors(program=path).extract(source))
        # Goes on when the child opens the other end.
        await asyncio.to_thread(begun.write_bytes, b"")
        for process in children.new():
            process.terminate()
        go.touch()
        assert (await task).extractor == "x"

    @staticmethod
    async def begun(
        extractors: Extractors, tmp_path: Path, source: BinaryIO
    ) -> tuple[asyncio.Task[MetadataReport], int]:
        """A child that has begun and does not end, and its process id."""
        path, started = tmp_path / "child.py", tmp_path / "started"
        os.mkfifo(started)
        path.write_text(f"import time; open({str(started)!r}); time.sleep(99)")
        children = Children()
        task = asyncio.create_task(extractors(None, path).extract(source))
        # Goes on when the child opens the other end.
        await asyncio.to_thread(started.write_bytes, b"")
        [leader] = [child for child in children.new() if not child.children()]
        return task, leader.pid

    async def test_the_loop_goes_on_while_a_child_works(
        self, extractors: Extractors, tmp_path: Path, source: BinaryIO
    ) -> None:
        path = tmp_path / "child.py"
        path.write_text("import time; time.sleep(2); print('{}')")
        task = asyncio.create_task(extractors(None, path).extract(source))
        loop = asyncio.get_running_loop()
        longest, last = 0.0, loop.time()
        while not task.done():
            await asyncio.sleep(0.005)
            longest, last = max(longest, loop.time() - last), loop.time()
        assert task.exception() is not None
        # Starting a process takes a few milliseconds, on a busy machine more.
        assert longest < 1.0
