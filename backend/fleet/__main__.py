"""`python -m backend.fleet`: the worker service in the foreground."""

import argparse
import sys

from backend.fleet.backoff import Backoff
from backend.fleet.fleet import Fleet
from backend.fleet.member import Member


class CommandLine:
    """Reads how large the fleet is to be.

    Dramatiq has a master for any number of processes, and ends all of them when one
    dies: so each has a master of its own here.
    """

    def __init__(self) -> None:
        self._parser = argparse.ArgumentParser("python -m backend.fleet")
        self._parser.add_argument("--processes", type=self._count, default=2)
        self._parser.add_argument(
            "--threads",
            type=self._count,
            default=8,
            help="of each process, shared out among the four kinds of jobs",
        )

    def fleet(self) -> Fleet:
        options = self._parser.parse_args()
        command = self._dramatiq(options.threads)
        return Fleet([Member(command, Backoff()) for _ in range(options.processes)])

    @staticmethod
    def _dramatiq(threads: int) -> list[str]:
        return [
            *(sys.executable, "-m", "backend.config.master"),
            "backend.config.worker",
            *("--processes", "1", "--threads", str(threads)),
            *("--worker-shutdown-timeout", "8000"),
        ]

    @staticmethod
    def _count(text: str) -> int:
        """Raises `ValueError`, which becomes a line on the command line."""
        number = int(text)
        if number < 1:
            raise ValueError
        return number


if __name__ == "__main__":
    sys.exit(CommandLine().fleet().run())
