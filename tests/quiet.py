"""Tests that need the machine for themselves, in a run that several processes share."""

import fcntl
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Quiet:
    """While a test marked `alone` runs, no other process of the run tests anything."""

    def __init__(self, folder: Path) -> None:
        self._door = self._lock(folder / "door")
        self._room = self._lock(folder / "room")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, bool, bool]:
        with self.kept(alone=item.get_closest_marker("alone") is not None):
            return (yield)

    @contextmanager
    def kept(self, *, alone: bool) -> Iterator[None]:
        """Who waits for an empty room keeps the door shut, else others slip in before."""
        fcntl.flock(self._door, fcntl.LOCK_EX)
        fcntl.flock(self._room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(self._door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._room, fcntl.LOCK_UN)

    @staticmethod
    def _lock(file: Path) -> int:
        return os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
