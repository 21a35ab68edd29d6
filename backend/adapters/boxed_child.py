"""Closes itself in, then becomes a program: `boxed_child.py LIMITS PROGRAM FOLDER...`.

This is done here and not between fork and exec in the parent, where Python code may
deadlock and makes starting slow. Standard library only.
"""

import ctypes
import json
import os
import resource
import signal
import sys


class BoxedChild:
    """Runs a Python program in a box that it cannot leave again."""

    # Distinguishes these ends from a failing program: nothing else exits with them.
    MEMORY_EXIT = 77
    REFUSED_EXIT = 78
    PR_SET_PDEATHSIG = 1

    def __init__(
        self, limits: dict[str, int], program: str, folders: list[str]
    ) -> None:
        self._limits = limits
        self._program = program
        self._folders = folders

    def end_with(self, parent: int) -> None:
        """A worker that is killed can no longer end what it has started."""
        ctypes.CDLL(None).prctl(self.PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(self.REFUSED_EXIT)

    def run(self) -> None:
        for name, most in self._limits.items():
            self._limit(getattr(resource, f"RLIMIT_{name}"), most)
        # After the standard library in the path, so that nothing can shadow it.
        sys.path.extend(self._folders)
        # Ours is found only now.
        from backend.adapters.seccomp_filter import BoxRefused
        from backend.adapters.system_call_box import SystemCallBox

        try:
            SystemCallBox().enter()
            self._become()
        except MemoryError:
            self._end(self.MEMORY_EXIT, "Out of memory")
        except BoxRefused as error:
            self._end(self.REFUSED_EXIT, str(error))

    @staticmethod
    def _end(status: int, message: str) -> None:
        os.write(2, f"{message}\n".encode())
        os._exit(status)

    def _become(self) -> None:
        # pathlib would take longer to import than the rest takes to run.
        with open(self._program, "rb") as file:  # noqa: PTH123
            code = compile(file.read(), self._program, "exec")
        exec(code, {"__name__": "__main__", "__file__": self._program})  # noqa: S102

    @staticmethod
    def _limit(kind: int, most: int) -> None:
        _, hard = resource.getrlimit(kind)
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # One second more of CPU until SIGKILL, so that SIGXCPU can say what it was.
        spare = 1 if kind == resource.RLIMIT_CPU else 0
        above = wanted + spare
        if hard != resource.RLIM_INFINITY:
            above = min(above, hard)
        resource.setrlimit(kind, (wanted, above))


if __name__ == "__main__":
    # Ignores a stop signal meant for the worker: its end would look like a crash.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    boxed = BoxedChild(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3:])
    boxed.end_with(os.getppid())
    boxed.run()
