"""The workers that are compared: each one process, on the same stores and rows."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from uuid import UUID

from backend.adapters.dramatiq_doorbell import DramatiqDoorbell
from backend.adapters.redis_broker import BrokerFactory
from backend.domain.jobs import DECIDING_JOBS
from bench.ours import OurSystem
from bench.peers.environment import PeerEnvironment
from bench.server import Ending

PEERS = Path(__file__).parent / "peers"
PROJECT = Path(__file__).parents[1]
THREADS = 8


class Worker(Protocol):
    """Takes the jobs of media that it is told of."""

    pid: int

    def tell(self, media: Sequence[UUID]) -> None: ...


class OurWorker:
    """The fleet with one process, as `make run` starts it with two."""

    _SECONDS = 5.0

    def __init__(self, system: OurSystem) -> None:
        self._redis = system.environment["REDIS_URL"]
        self.pid = system.pid("worker")

    @staticmethod
    def command(processes: int = 1, threads: int = THREADS) -> list[str]:
        return [
            *(sys.executable, "-m", "backend.fleet"),
            *("--processes", str(processes), "--threads", str(threads)),
        ]

    @classmethod
    @contextmanager
    def running(cls, system: OurSystem) -> Iterator["OurWorker"]:
        """The system begins without it."""
        system.stack.start_process("worker")
        try:
            yield cls(system)
        finally:
            system.stack.stop_process("worker")

    def tell(self, media: Sequence[UUID]) -> None:
        asyncio.run(self._ring(media))

    async def _ring(self, media: Sequence[UUID]) -> None:
        broker = BrokerFactory(self._redis).build([], self._SECONDS)
        doorbell = DramatiqDoorbell(broker)
        for identity in media:
            await doorbell.ring(identity, DECIDING_JOBS, "bench")
        doorbell.close()


class CeleryWorker:
    """A pool of as many threads in one process: what waits here waits for the network."""

    name = "Celery 5 doing the same calls"
    # A logical database of Redis that nobody else has.
    _DATABASE = 7

    def __init__(self, python: str, environment: dict[str, str], pid: int) -> None:
        self._python = python
        self._environment = environment
        self.pid = pid

    @classmethod
    @contextmanager
    def running(
        cls, system: OurSystem, peers: PeerEnvironment
    ) -> Iterator["CeleryWorker"]:
        """Raises `subprocess.CalledProcessError`."""
        peers.prepare()
        python = str(peers.python)
        environment = cls._variables(system)
        process = subprocess.Popen(cls._command(python), env=environment, cwd=PEERS)
        try:
            yield cls(python, environment, process.pid)
        finally:
            Ending.of(process)

    def tell(self, media: Sequence[UUID]) -> None:
        """Raises `subprocess.CalledProcessError`."""
        subprocess.run(
            [self._python, "celery_media.py"],
            input="".join(f"{identity}\n" for identity in media),
            text=True,
            env=self._environment,
            cwd=PEERS,
            check=True,
        )

    @classmethod
    def _variables(cls, system: OurSystem) -> dict[str, str]:
        # To Celery, Django's variable would mean that it is to load our settings.
        stores = {
            name: value
            for name, value in system.environment.items()
            if name != "DJANGO_SETTINGS_MODULE"
        }
        return {
            **stores,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PROJECT),
            "BROKER_URL": f"{system.environment['REDIS_URL']}/{cls._DATABASE}",
            "THREADS": str(THREADS),
        }

    @staticmethod
    def _command(python: str) -> list[str]:
        return [
            *(python, "-W", "ignore", "-m", "celery", "--quiet"),
            *("--app", "celery_media", "worker"),
            *("--pool", "threads", "--concurrency", str(THREADS)),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            *("-O", "fair", "--loglevel", "warning"),
        ]
