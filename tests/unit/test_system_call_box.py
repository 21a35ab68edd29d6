import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from backend.adapters.child_process import ChildEnd, ChildProcess, ChildResult
from backend.adapters.forked_child import ForkedChild
from tests import box_probe


class TestSystemCallBox:
    """Real children; what they tried and what came of it."""

    HARMLESS = {
        "size of the source": 23,
        "bytes of the source": "the bytes",
        "memory": 50_000_000,
        "limits": 0,
        "signal to itself": None,
    }
    # glibc and the kernel have an older call for each of these.
    NEWER = {"io_uring": "ENOSYS", "clone3": "ENOSYS", "pidfd": "ENOSYS"} | {
        "openat2": "ENOSYS"
    }

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return tmp_path_factory.mktemp("box")

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, folder: Path) -> Iterator[BinaryIO]:
        """Open for writing, like a file that was just brought in."""
        path = folder / "source"
        path.write_bytes(b"the bytes of the source")
        with path.open("r+b") as file:
            yield file

    @pytest.fixture(scope="class", params=[ChildProcess, ForkedChild])
    @classmethod
    def said(
        cls, folder: Path, source: BinaryIO, request: pytest.FixtureRequest
    ) -> dict[str, dict[str, Any]]:
        """A copy tries: it would remove itself if it could."""
        program = folder / "probe.py"
        shutil.copy(box_probe.__file__, program)
        child: ChildProcess = request.param(program)
        result = asyncio.run(child.run(source))
        if isinstance(child, ForkedChild):
            child.close()
        assert result.end is ChildEnd.FINISHED, result.message
        answers: dict[str, dict[str, Any]] = json.loads(result.output)
        return answers

    @pytest.mark.parametrize("stage", ["boxed", "sealed"])
    def test_nothing_goes_out_and_nothing_is_changed(
        self, said: dict[str, dict[str, Any]], stage: str
    ) -> None:
        outcomes = said[stage]
        assert outcomes | self.HARMLESS == outcomes
        got_through = {
            name: outcome
            for name, outcome in outcomes.items()
            if name not in self.HARMLESS
            and outcome != self.NEWER.get(name, "EACCES")
            and outcome != "can't start new thread"
        }
        assert got_through == {}
        assert len(outcomes) > 40

    def test_without_the_box_the_same_attempts_succeed(self, tmp_path: Path) -> None:
        """The control: it is the box that refuses, not this machine."""
        program = (
            "import os, socket; socket.socket().close(); socket.socketpair();"
            "pid = os.fork()\n"
            "if not pid: os._exit(0)\n"
            "os.waitpid(pid, 0); os.stat('/'); os.listdir('/');"
            "os.close(os.open('made', os.O_CREAT | os.O_WRONLY)); os.unlink('made')"
        )
        subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)

    @staticmethod
    async def ended(tmp_path: Path, source: BinaryIO, program: str) -> ChildResult:
        path = tmp_path / "child.py"
        path.write_text(program)
        return await ChildProcess(path).run(source)

    @pytest.mark.parametrize("seal", ["", "SystemCallBox().seal()"])
    async def test_the_numbers_of_another_machine_kill(
        self, tmp_path: Path, source: BinaryIO, seal: str
    ) -> None:
        program = (
            "import ctypes\n"
            "from backend.adapters.system_call_box import SystemCallBox\n"
            f"{seal}\n"
            "x32_getpid = 0x40000000 + 39\n"
            "ctypes.CDLL(None).syscall(x32_getpid)\n"
        )
        result = await self.ended(tmp_path, source, program)
        assert result.end is ChildEnd.KILLED
        assert "SIGSYS" in result.message

    @pytest.mark.parametrize("end", ["os.abort()", "signal.raise_signal(11)"])
    async def test_a_sealed_child_can_still_crash(
        self, tmp_path: Path, source: BinaryIO, end: str
    ) -> None:
        program = (
            "import os, signal\n"
            "from backend.adapters.system_call_box import SystemCallBox\n"
            f"SystemCallBox().seal(); {end}\n"
        )
        result = await self.ended(tmp_path, source, program)
        assert result.end is ChildEnd.KILLED

    async def test_a_child_that_multiplies_stays_alone(
        self, tmp_path: Path, source: BinaryIO
    ) -> None:
        program = (
            "import os\n"
            "for _ in range(3):\n"
            "    try: os.fork()\n"
            "    except OSError: pass\n"
            "print(os.getpid())\n"
        )
        result = await self.ended(tmp_path, source, program)
        assert len(result.output.split()) == 1

    def test_a_kernel_that_refuses_gets_no_file_read(self, tmp_path: Path) -> None:
        """Fails closed, with a code that does not blame the file."""
        video = tmp_path / "video"
        video.write_bytes(bytes(1000))
        program = (
            "import asyncio, sys\n"
            "from backend.adapters.media_info_extractor import MediaInfoExtractor\n"
            "from backend.adapters.seccomp_filter import SeccompFilter\n"
            "from backend.domain.failures import JobFailed\n"
            # prctl, as in a container that knows no seccomp.
            "SeccompFilter({'prctl': (157, 167)}, {}).install()\n"
            "try: asyncio.run(MediaInfoExtractor().extract(open(sys.argv[1], 'rb')))\n"
            "except JobFailed as failed: print(failed.code, failed)\n"
        )
        said = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, str(video)],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert said.stdout.startswith("internal_error The child could not be closed in")
        assert "prctl" in said.stdout
        assert "Permission denied" in said.stdout
