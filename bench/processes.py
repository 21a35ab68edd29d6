"""What processes use."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]


class Processes:
    """Processor seconds of several processes with all of their children."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids

    def seconds(self) -> float:
        """With what children used that have ended: their parent has it."""
        return sum(self._of(pid) for pid in self._pids)

    def pin(self, core: int) -> None:
        """Only where there is more than one core."""
        for pid in self._pids:
            for process in self._family(pid):
                for thread in process.threads():
                    os.sched_setaffinity(thread.id, {core})

    def _of(self, pid: int) -> float:
        return sum(self._used(process) for process in self._family(pid))

    @staticmethod
    def _used(process: psutil.Process) -> float:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            return 0.0
        return float(sum(times[:4]))  # Its own, and that of children that have ended.

    @staticmethod
    def _family(pid: int) -> list[psutil.Process]:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]


class LivingThreads:
    """Processor seconds of processes that live on, exact enough for a single answer."""

    def __init__(self, pids: Sequence[int]) -> None:
        """With the children that are there now."""
        families = (psutil.Process(pid).children(recursive=True) for pid in pids)
        children = [child.pid for family in families for child in family]
        self._folders = [Path(f"/proc/{pid}/task") for pid in (*pids, *children)]

    def seconds(self) -> float:
        return sum(self._nanoseconds(folder) for folder in self._folders) / 1e9

    @staticmethod
    def _nanoseconds(folder: Path) -> int:
        """Of a process that has ended, nothing."""
        try:
            times = [(task / "schedstat").read_text() for task in folder.iterdir()]
        except OSError:
            return 0
        return sum(int(time.split()[0]) for time in times)


class Memory:
    """What one process has in memory, as Linux counts it."""

    _RESET_PEAK = "5"

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def forget_peak(self) -> None:
        (self._folder / "clear_refs").write_text(self._RESET_PEAK)

    def now_mebibytes(self) -> float:
        return self._mebibytes("VmRSS")

    def peak_mebibytes(self) -> float:
        """The most since it was forgotten."""
        return self._mebibytes("VmHWM")

    def _mebibytes(self, name: str) -> float:
        status = (self._folder / "status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0


class Traffic:
    """Bytes that one process has read and written, on sockets and in files."""

    def __init__(self, pid: int) -> None:
        self._io = Path(f"/proc/{pid}/io")

    def bytes(self) -> int:
        found = re.findall(r"(?:rchar|wchar): (\d+)", self._io.read_text())
        return sum(map(int, found))
