"""What is looked at while something runs."""

import http.client
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]


class Pings:
    """Asks `/ping/` every 5 ms on a connection of its own, in milliseconds each."""

    PAUSE_SECONDS = 0.005

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port
        )
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.milliseconds: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join()
        self._connection.close()
        self.milliseconds.sort()

    def percentile(self, percent: float) -> float:
        last = len(self.milliseconds) - 1
        return self.milliseconds[min(last, int(last * percent / 100))]

    def _ask(self) -> None:
        while not self._stopped.wait(self.PAUSE_SECONDS):
            began = time.perf_counter()
            self._connection.request("GET", "/ping/")
            self._connection.getresponse().read()
            self.milliseconds.append((time.perf_counter() - began) * 1000)


class Machine:
    """The computer that everything runs on."""

    IDLE_PERCENT = 15.0
    LOOK_SECONDS = 0.5

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds

    def until_idle(self) -> bool:
        """Twice in a row; False if it does not come to rest in time."""
        deadline = time.monotonic() + self._patience_seconds
        calm = 0
        while calm < 2 and time.monotonic() < deadline:
            busy = psutil.cpu_percent(self.LOOK_SECONDS)
            calm = calm + 1 if busy < self.IDLE_PERCENT else 0
        return calm >= 2


@dataclass(frozen=True)
class Cost:
    """Processor seconds of a process, and of everything else on the machine."""

    own_seconds: float
    other_seconds: float


class Meter:
    """What one process has used of the processors since `begin`."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._began = (0.0, 0.0)

    def begin(self) -> None:
        self._began = self._used()

    def read(self) -> Cost:
        own, all_of_it = (
            now - then for now, then in zip(self._used(), self._began, strict=True)
        )
        return Cost(own, all_of_it - own)

    def peak_mebibytes(self) -> float:
        """The most memory it ever had."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0

    def _used(self) -> tuple[float, float]:
        own = self._process.cpu_times()
        machine = psutil.cpu_times()
        busy = machine.user + machine.nice + machine.system + machine.softirq
        return own.user + own.system, busy
