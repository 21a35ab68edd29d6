import argparse
import os
import sys
from pathlib import Path

from backend.embedded.console import Console
from backend.embedded.errors import EmbeddedError
from backend.embedded.ports import FixedPorts
from backend.embedded.run import Interrupted, Parent, Run, Terminal
from backend.embedded.stack import EmbeddedServers, EmbeddedStack


class CommandLine:
    """`python -m backend.embedded run` and `… demo`, which `make` calls."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def execute(self, arguments: list[str]) -> int:
        """What goes wrong is one sentence on the terminal, not a traceback."""
        chosen = self._parser().parse_args(arguments)
        if chosen.end_with_parent:
            Parent().follow()
            Terminal().follow()
        try:
            return self._command(chosen)
        except EmbeddedError as error:
            self._console.say(f"Error: {error}")
        except (Interrupted, KeyboardInterrupt):
            self._console.say("Interrupted.")
        return 1

    def _command(self, chosen: argparse.Namespace) -> int:
        ports = FixedPorts(os.environ)
        servers = EmbeddedServers(chosen.data, ports, announcer=self._console)
        stack = EmbeddedStack(servers)
        if chosen.command == "run":
            return Run(stack, self._console).execute()
        from backend.embedded.demo import Demo  # httpx and PyAV are not needed to run

        return Demo(stack, self._console, chosen.video).execute()

    def _parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(prog="python -m backend.embedded")
        parser.add_argument("command", choices=["run", "demo"])
        parser.add_argument(
            "--data", type=Path, default=EmbeddedStack.PROJECT / ".data"
        )
        parser.add_argument("--video", type=self._path, default=None)
        parser.add_argument("--end-with-parent", action="store_true")
        return parser

    def _path(self, text: str) -> Path | None:
        return Path(text).expanduser() if text else None


if __name__ == "__main__":
    sys.exit(CommandLine(Console()).execute(sys.argv[1:]))
