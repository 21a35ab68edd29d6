"""Requests from wrk, and what they cost."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from bench.comparison import Sample

SCRIPT = Path(__file__).with_name("load.lua")


class LoadFailed(Exception):
    """The requests could not be made, or were not all answered."""


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


@dataclass(frozen=True)
class Target:
    """Where requests go, and whose processor time they cost."""

    name: str
    url: str
    headers: Mapping[str, str]
    server: Processes
    all_of_it: Processes


class Wrk:
    """One thread on the last core; every answer must be a 2xx."""

    CONNECTIONS = 16

    def __init__(self, folder: Path, seconds: int) -> None:
        self._folder = folder
        self._seconds = seconds
        self._start = 0

    @staticmethod
    def require() -> None:
        """Raises `LoadFailed`."""
        if shutil.which("wrk") is None:
            raise LoadFailed("wrk is needed: apt-get install wrk")

    def run(self, target: Target, paths: Sequence[str]) -> Sample:
        """Raises `LoadFailed`. No two runs begin at the same path."""
        with self._listed(paths) as listed:
            began = target.all_of_it.seconds()
            said = self._said(target, listed)
            used = target.all_of_it.seconds() - began
        requests, microseconds = said
        self._start += requests
        return Sample(requests / (microseconds / 1e6), used / requests)

    def _said(self, target: Target, listed: Path) -> tuple[int, int]:
        command = [
            *("wrk", "-t", "1", "-c", str(self.CONNECTIONS)),
            *("-d", str(self._seconds), "--timeout", "30s", "-s", str(SCRIPT)),
        ]
        for name, value in target.headers.items():
            command += ["-H", f"{name}: {value}"]
        if (cores := os.cpu_count() or 1) > 1:
            command = ["taskset", "-c", str(cores - 1), *command]
        environment = {**os.environ, "PATHS": str(listed), "START": str(self._start)}
        done = subprocess.run(
            [*command, target.url], env=environment, capture_output=True, text=True
        )
        for line in done.stdout.splitlines():
            if line.startswith("RESULT "):
                return self._checked(target, [int(n) for n in line.split()[1:]])
        raise LoadFailed(f"wrk said: {done.stdout}{done.stderr}")

    @staticmethod
    def _checked(target: Target, numbers: list[int]) -> tuple[int, int]:
        requests, microseconds, refused, broken = numbers
        if refused or broken or not requests:
            raise LoadFailed(
                f"{target.name}: of {requests} requests {refused} were refused "
                f"and {broken} broke"
            )
        return requests, microseconds

    @contextmanager
    def _listed(self, paths: Sequence[str]) -> Iterator[Path]:
        listed = self._folder / "paths.txt"
        listed.write_text("\n".join(paths) + "\n")
        try:
            yield listed
        finally:
            listed.unlink()
