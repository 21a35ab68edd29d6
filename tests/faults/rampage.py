"""Users who do not give up, and somebody who kills whatever they need."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from random import Random
from threading import Thread

import httpx
import psutil

from tests.e2e.client import Client
from tests.e2e.faults import SERVERS
from tests.faults.harness import BACK_SECONDS, FaultStack
from tests.faults.oracle import Taken

# A file that was answered for may end with these, and with no others: none of them is
# the fault of the file, but each tells a person what to do.
MAY_FAIL = ("crash_loop", "lease_lost")


class Crowd:
    """Clients that share out what they are given, and send each until it is answered 2xx."""

    PAUSE_SECONDS = 0.3

    def __init__(self, stack: FaultStack) -> None:
        self._stack = stack
        self._videos: SimpleQueue[Path | None] = SimpleQueue()
        self.taken: list[Taken] = []
        self.refused: Counter[str] = Counter()
        self.errors: list[BaseException] = []

    @contextmanager
    def at_work(self, roles: Sequence[str]) -> Iterator[None]:
        """One client for each of the roles; all is answered when the block has ended."""
        threads = [Thread(target=self._work, args=[role]) for role in roles]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for _ in threads:
                self._videos.put(None)
            for thread in threads:
                thread.join()

    def give(self, videos: Sequence[Path]) -> None:
        for video in videos:
            self._videos.put(video)

    def _work(self, role: str) -> None:
        try:
            with self._stack.client(role) as client:
                while video := self._videos.get():
                    self._insist(client, video)
        except BaseException as error:
            self.errors.append(error)
            raise

    def _insist(self, client: Client, video: Path) -> None:
        while not (answer := self._sent(client, video)):
            time.sleep(self.PAUSE_SECONDS)
        self.taken.append(Taken.of(answer, video, MAY_FAIL))

    def _sent(self, client: Client, video: Path) -> httpx.Response | None:
        """None for what a client repeats: a closed connection, a 503."""
        try:
            answer = client.upload(video)
        except httpx.TransportError as error:
            self.refused[type(error).__name__] += 1
            return None
        if answer.is_success:
            return answer
        self.refused[str(answer.status_code)] += 1
        assert answer.status_code == 503, answer.text
        assert "Retry-After" in answer.headers
        return None


class Killer:
    """kill -9 to one process after the other, at random moments, each as often."""

    PROCESSES = ("api", "worker", *SERVERS)
    # What is being started is left alone for long enough to be killed at work again.
    LEAST_PAUSE, MOST_PAUSE = 0.3, 2.5

    def __init__(self, stack: FaultStack, seed: int, times_each: int) -> None:
        self._stack = stack
        self._dice = Random(seed)
        self._names = list(self.PROCESSES) * times_each
        self._dice.shuffle(self._names)
        self.kills: Counter[str] = Counter()

    def rage(self) -> Iterator[str]:
        """The name of each process just after it was killed."""
        for name in self._names:
            self._until_running(name)
            time.sleep(self._dice.uniform(self.LEAST_PAUSE, self.MOST_PAUSE))
            if self._kill(name):
                self.kills[name] += 1
            yield name

    def spared(self) -> set[str]:
        """Who was never killed: each time it was down already with something else."""
        return {name for name in self.PROCESSES if not self.kills[name]}

    def until_all_back(self) -> None:
        for name in self.PROCESSES:
            self._until_running(name)

    def _kill(self, name: str) -> bool:
        try:
            self._stack.kill(name)
        except (AssertionError, psutil.NoSuchProcess):
            return False  # It went down with something else.
        return True

    def _until_running(self, name: str) -> None:
        self._stack.until_healthy(name, 3 * BACK_SECONDS)
