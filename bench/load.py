"""Requests from wrk, and what they cost."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.comparison import Sample
from bench.processes import Processes

SCRIPT = Path(__file__).with_name("load.lua")


class LoadFailed(Exception):
    """The requests could not be made, or were not all answered."""


@dataclass(frozen=True)
class Target:
    """Where requests go, and whose processor time they cost."""

    name: str
    url: str
    headers: Mapping[str, str]
    server: Processes
    all_of_it: Processes


class Turns:
    """Paths that are asked for in turn.

    With `apart_seconds`, none may come again before so long: an answer that is kept lives
    no longer.
    """

    def __init__(
        self, paths: Sequence[str], apart_seconds: float | None = None
    ) -> None:
        self.paths = paths
        self._apart_seconds = apart_seconds
        self._runs: list[tuple[float, int]] = []

    def taken(self, began: float, ended: float, requests: int) -> None:
        """Raises `LoadFailed` if one may have come again too early."""
        if self._apart_seconds is None:
            return
        since = began - self._apart_seconds
        recent = sum(count for end, count in self._runs if end > since) + requests
        self._runs.append((ended, requests))
        if recent > len(self.paths):
            raise LoadFailed(
                f"{len(self.paths)} paths are too few: {recent} were asked for within "
                f"{ended - since:.1f} s, so that answers came from a cache"
            )


class Wrk:
    """One thread on the last core; every answer must be a 2xx."""

    CONNECTIONS = 16
    PATIENCE_SECONDS = 60

    def __init__(self, folder: Path, seconds: int) -> None:
        self._folder = folder
        self._seconds = seconds
        self._start = 0

    @staticmethod
    def require() -> None:
        """Raises `LoadFailed`."""
        if shutil.which("wrk") is None:
            raise LoadFailed("wrk is needed: apt-get install wrk")

    def run(self, target: Target, turns: Turns) -> Sample:
        """Raises `LoadFailed` and `TimeoutExpired`. Each begins where the last has ended."""
        with self._listed(turns.paths) as listed:
            before, began = target.all_of_it.seconds(), time.monotonic()
            said = self._said(target, listed)
            used, ended = target.all_of_it.seconds() - before, time.monotonic()
        requests, microseconds = said
        # With those that nobody waited for any more, and one that tries the script.
        begun = requests + self.CONNECTIONS + 1
        self._start += begun
        turns.taken(began, ended, begun)
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
            [*command, target.url],
            env=environment,
            capture_output=True,
            text=True,
            timeout=self._seconds + self.PATIENCE_SECONDS,
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
