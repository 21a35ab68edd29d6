"""Ports that no other process chooses, of this run of the tests or of another one."""

import fcntl
import os
import tempfile
from functools import cache
from pathlib import Path

from backend.embedded.ports import FreePorts, Listener


class PortClaims:
    """Which ports this process has chosen: one locked byte each in a file that all runs share.

    Locks of bytes end with their process, however that ends, and cost one descriptor in all.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        self._ours: set[int] = set()

    @classmethod
    @cache
    def of_this_process(cls) -> "PortClaims":
        """One only: closing a second descriptor of the file would end the locks."""
        name = f"mediaproject-ports-{os.getuid()}.lock"
        return cls(Path(tempfile.gettempdir()) / name)

    def claim(self, port: int) -> bool:
        """False if anybody has it, this process included."""
        if port in self._ours:
            return False
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False
        self._ours.add(port)
        return True


class TestPorts(FreePorts):
    """Free ports that stay with this process, also while nobody listens there.

    `make run` derives ports from that of S3, which lie below all of these.
    """

    RANGE = range(20_000, 29_990)

    __test__ = False

    def _is_free(self, port: int) -> bool:
        return Listener(port).is_free() and PortClaims.of_this_process().claim(port)
