"""`python -m tests.fakes.standin_stack run|demo FOLDER`: the launcher with stand-ins of our processes."""

import os
import sys
from pathlib import Path

from backend.embedded.console import Console
from backend.embedded.demo import Demo
from backend.embedded.errors import EmbeddedError
from backend.embedded.ports import FixedPorts
from backend.embedded.run import Parent, Run, Terminal
from backend.embedded.stack import EmbeddedServers, EmbeddedStack


class StandInStack:
    """Real servers; an API that is not ours, and a worker that leaves a child behind in its own session."""

    PREPARE = """
import json, os, sys
account = {"email": "operator@example.org", "password": "operator-password"}
with open(sys.argv[1], "w") as file:
    json.dump({"admin": account, "media_operator": account, "viewer": account}, file)
"""
    WORKER = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True)
with open(os.environ["STAGING_DIR"] + "/child.pid", "w") as file:
    file.write(str(child.pid))
print("the worker works")
time.sleep(1000)
"""
    API = (
        "uvicorn",
        "tests.fakes.standin_api:application",
        "--log-level",
        "warning",
        "--port",
    )

    def __init__(self, folder: Path, console: Console) -> None:
        self._folder = folder
        self._console = console

    def build(self) -> EmbeddedStack:
        ports = FixedPorts(os.environ)
        servers = EmbeddedServers(
            self._folder, ports, durable=False, announcer=self._console
        )
        return EmbeddedStack(
            servers,
            prepare_command=[
                sys.executable,
                "-c",
                self.PREPARE,
                str(servers.data.demo_accounts),
            ],
            api_command=[sys.executable, "-m", *self.API],
            worker_command=[sys.executable, "-c", self.WORKER],
        )


class StandInCommand:
    """What `make run` and `make demo` do, on that stack."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def execute(self, command: str, folder: Path) -> int:
        Parent().follow()
        Terminal().follow()
        try:
            stack = StandInStack(folder, self._console).build()
            if command == "run":
                return Run(stack, self._console).execute()
            return Demo(stack, self._console, None).execute()
        except EmbeddedError as error:
            self._console.say(f"Error: {error}")
            return 1


if __name__ == "__main__":
    sys.exit(StandInCommand(Console()).execute(sys.argv[1], Path(sys.argv[2])))
