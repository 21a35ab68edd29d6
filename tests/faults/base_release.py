"""The code of an earlier commit, as it runs on machines that are not upgraded yet."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from backend.embedded.stack import EmbeddedStack


class BaseRelease:
    """What `base_commit` names, in a folder of its own, run by the same Python.

    The commit is moved on when a release is made. It has to be an ancestor of whatever
    is tested, so a clone needs its history.
    """

    COMMIT = Path(__file__).with_name("base_commit")
    CONTENT = ("backend", "manage.py")
    # As that release documents it, whatever later ones do.
    API = (
        *("uvicorn", "backend.config.asgi:application", "--host", "127.0.0.1"),
        *("--http", "backend.api.http.protocol:BoundedHttpProtocol"),
        *("--loop", "uvloop", "--no-access-log", "--no-proxy-headers"),
        *("--lifespan", "on", "--timeout-graceful-shutdown", "8", "--port"),
    )
    WORKER = ("backend.fleet", "--processes", "2", "--threads", "8")

    def __init__(self, folder: Path) -> None:
        self.tree = folder / "base"
        self.api_command: Sequence[str] = [sys.executable, "-m", *self.API]
        self.worker_command: Sequence[str] = [sys.executable, "-m", *self.WORKER]
        self._extract(folder / "base.tar")
        self._see_that_it_is_used()

    def _extract(self, archive: Path) -> None:
        commit = self.COMMIT.read_text().strip()
        self.tree.mkdir()
        self._run(
            *("git", "-C", str(EmbeddedStack.PROJECT), "archive"),
            *("--output", str(archive), commit, *self.CONTENT),
            hint=f"{commit} is missing: a shallow clone? git fetch --unshallow",
        )
        self._run("tar", "-xf", str(archive), "-C", str(self.tree), hint="tar failed")
        archive.unlink()

    def _see_that_it_is_used(self) -> None:
        """And not the code that is installed: processes are started in the folder."""
        script = "import backend; print(backend.__file__)"
        used = self._run(sys.executable, "-c", script, hint="it cannot be imported")
        assert Path(used.strip()).is_relative_to(self.tree), used

    def _run(self, *command: str, hint: str) -> str:
        done = subprocess.run(
            command, cwd=self.tree, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{hint}: {done.stderr}"
        return done.stdout
