"""newman, Postman's command line, on our collection."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import ClassVar

from backend.embedded.clip import Clip
from backend.embedded.console import Console
from tests.client_system import BUILD, System
from tests.pictures import BLUE, Pictures
from tests.postman.collection import Collection
from tests.postman.journey import files


class UploadFiles:
    """What the collection uploads, in Postman's working directory."""

    # A clip of its own, so that nobody's real media of the same bytes is in the way.
    SEED = 20
    HEADER_BYTES = 32

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> None:
        clip = Clip(seconds=2.0, seed=self.SEED, width=320, height=180).make(
            self.folder / files.CLIP
        )
        header = clip.read_bytes()[: self.HEADER_BYTES]
        self._write(files.BROKEN, header + bytes(4_096))
        self._write(files.PICTURE, Pictures.plain("JPEG", (320, 180)))
        self._write(files.OTHER_PICTURE, Pictures.plain("JPEG", (320, 180), BLUE))
        self._write(files.TEXT, b"This is a text.\n" * 16)

    def _write(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)


class Newman:
    """Runs the collection as many times as it takes to see that it can be sent again."""

    PROGRAM = Path(__file__).parent / "node_modules" / "newman" / "bin" / "newman.js"
    RUNS = 2
    VARIABLES: ClassVar = {"": "media_operator", "viewer_": "viewer", "admin_": "admin"}

    def __init__(self, console: Console, system: System) -> None:
        self._console = console
        self._system = system
        self._files = UploadFiles(BUILD / "postman" / "files")

    def execute(self) -> int:
        """The status of the first run that failed, else 0."""
        self._files.make()
        for number in range(1, self.RUNS + 1):
            self._console.say(f"newman, run {number} of {self.RUNS}:")
            if status := self._run():
                return status
        return 0

    def _run(self) -> int:
        """The passwords go by a file that only its owner may read, and that does not stay."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as environment:
            json.dump(self._environment(), environment)
            environment.flush()
            return subprocess.run(
                self._command(environment.name), check=False
            ).returncode

    def _command(self, environment: str) -> list[str]:
        node = Path(sys.executable).with_name("node")
        return [
            *(str(node), "--no-deprecation", str(self.PROGRAM)),
            *("run", str(Collection.PATH)),
            *("--environment", environment, "--working-dir", str(self._files.folder)),
            *("--timeout-request", "30000", "--reporter-cli-no-banner"),
        ]

    def _environment(self) -> dict[str, object]:
        values = {"base_url": self._system.base_url}
        for start, role in self.VARIABLES.items():
            account = self._system.accounts[role]
            values[f"{start}email"] = account.email
            values[f"{start}password"] = account.password
        listed = [{"key": key, "value": value} for key, value in values.items()]
        return {"name": "MediaProject", "values": listed}
