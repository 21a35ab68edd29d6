import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import psutil
import pytest

from backend.adapters.child_process import ChildEnd
from backend.adapters.forked_child import ForkedChild


class OneEach(ForkedChild):
    """What forks its children is replaced after every one."""

    _MOST_CHILDREN = 1


class TestForkedChild:
    """Real children; how each of them fails is in `test_child_failures.py`."""

    @pytest.fixture
    def source(self, tmp_path: Path) -> Iterator[BinaryIO]:
        path = tmp_path / "source"
        path.write_bytes(b"the bytes of the source")
        with path.open("rb") as file:
            yield file

    @pytest.fixture
    def program(self, tmp_path: Path) -> Path:
        return tmp_path / "child.py"

    @pytest.fixture
    def child(self, program: Path) -> Iterator[ForkedChild]:
        child = ForkedChild(program)
        yield child
        child.close()

    @staticmethod
    def write(path: Path, text: str) -> None:
        path.write_text(text)

    @staticmethod
    async def said(child: ForkedChild, source: BinaryIO) -> list[int]:
        result = await child.run(source)
        assert result.end is ChildEnd.FINISHED, result.message
        return [int(word) for word in result.output.split()]

    async def test_each_file_has_a_process_of_its_own(
        self, child: ForkedChild, program: Path, source: BinaryIO
    ) -> None:
        """Also when several are read at once, and whatever another one did to itself."""
        self.write(
            program,
            "import builtins, os\n"
            "print(os.getpid(), os.getppid(), hasattr(builtins, 'left') + 0)\n"
            "builtins.left = True\n",
        )
        one_by_one = [await self.said(child, source) for _ in range(3)]
        at_once = await asyncio.gather(*(self.said(child, source) for _ in range(8)))
        pids, starters, left = zip(*one_by_one, *at_once, strict=True)
        assert len(set(pids)) == 11
        assert len(set(starters)) == 1
        assert set(left) == {0}

    async def test_what_forks_them_is_replaced_and_ends(
        self, program: Path, source: BinaryIO
    ) -> None:
        self.write(program, "import os; print(os.getppid())")
        child = OneEach(program)
        try:
            starters = [(await self.said(child, source))[0] for _ in range(3)]
            assert len(set(starters)) == 3
            await self.ended(*starters[:2])
            assert self.runs(starters[2])
        finally:
            child.close()
        assert not any(map(psutil.pid_exists, starters))

    async def test_a_file_is_read_though_what_forked_its_child_is_lost(
        self, child: ForkedChild, program: Path, source: BinaryIO, tmp_path: Path
    ) -> None:
        begun, go = tmp_path / "begun", tmp_path / "go"
        os.mkfifo(begun)
        self.write(
            program,
            "import os, time\n"
            f"with open({str(begun)!r}, 'rb') as begun: begun.read()\n"
            f"while not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
            "print(os.getppid())\n",
        )
        others = self.starters()
        reading = asyncio.create_task(self.said(child, source))
        await asyncio.to_thread(begun.write_bytes, b"")
        [starter] = set(self.starters()) - set(others)
        [first] = starter.children()
        starter.kill()
        # Goes on when another child opens the other end.
        await asyncio.to_thread(begun.write_bytes, b"")
        self.write(go, "")
        assert await reading == [os.getpid()]
        await self.ended(first.pid)

    async def test_what_ends_between_two_files_is_replaced(
        self, child: ForkedChild, program: Path, source: BinaryIO
    ) -> None:
        self.write(program, "import os; print(os.getppid())")
        [first] = await self.said(child, source)
        psutil.Process(first).kill()
        await self.said(child, source)
        [third] = await self.said(child, source)
        assert third not in (first, os.getpid())

    def test_its_worker_takes_all_of_them_along(
        self, program: Path, source: BinaryIO, tmp_path: Path
    ) -> None:
        """One that is killed cannot end anything any more."""
        begun = tmp_path / "begun"
        os.mkfifo(begun)
        self.write(program, f"open({str(begun)!r}).read(); import time; time.sleep(99)")
        worker = os.fork()
        if worker == 0:
            asyncio.run(ForkedChild(program).run(source))
            os._exit(1)
        begun.write_bytes(b"")
        processes = psutil.Process(worker).children(recursive=True)
        assert len(processes) == 2
        psutil.Process(worker).kill()
        os.waitpid(worker, 0)
        asyncio.run(self.ended(*(process.pid for process in processes)))

    @staticmethod
    def starters() -> list[psutil.Process]:
        return [
            process
            for process in psutil.Process().children()
            if any(word.endswith("child_starter.py") for word in process.cmdline())
        ]

    @classmethod
    async def ended(cls, *pids: int) -> None:
        async with asyncio.timeout(60):
            while any(map(cls.runs, pids)):  # noqa: ASYNC110 - nobody tells it
                await asyncio.sleep(0.01)

    @staticmethod
    def runs(pid: int) -> bool:
        """A zombie does not."""
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
