"""Limits itself, then becomes a program: `boxed_child.py LIMITS PROGRAM FOLDER...`.

Limits are set here and not between fork and exec in the parent, where Python code may
deadlock and makes starting slow. Standard library only.
"""

import json
import os
import resource
import sys


class BoxedChild:
    """Runs a Python program under limits that it cannot raise again."""

    # Told apart from a program that fails: nothing else ends with it.
    MEMORY_EXIT = 77

    def __init__(
        self, limits: dict[str, int], program: str, folders: list[str]
    ) -> None:
        self._limits = limits
        self._program = program
        self._folders = folders

    def run(self) -> None:
        for name, most in self._limits.items():
            self._limit(getattr(resource, f"RLIMIT_{name}"), most)
        # Behind the standard library, so that nothing can stand in for it.
        sys.path.extend(self._folders)
        try:
            self._become()
        except MemoryError:
            os.write(2, b"Out of memory\n")
            os._exit(self.MEMORY_EXIT)

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
    BoxedChild(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3:]).run()
