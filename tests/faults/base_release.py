"""The code of an earlier commit, as it runs on machines that are not upgraded yet."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from backend.embedded.stack import EmbeddedStack


class BaseRelease:
    """The commit before the newest migration, in a folder of its own, run by the same Python.

    It is the last code that knows nothing of that migration. It is looked for in the
    history, so a clone needs that.
    """

    MIGRATIONS = "backend/orm/migrations"
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
        self.tree.mkdir()
        commit = self._before_the_newest_migration()
        self._git("archive", "--output", str(archive), commit, *self.CONTENT)
        self._run("tar", "-xf", str(archive), "-C", str(self.tree), hint="tar failed")
        archive.unlink()

    def _before_the_newest_migration(self) -> str:
        if self._git("status", "--porcelain", "--", self.MIGRATIONS):
            return "HEAD"
        added = ("--diff-filter=A", "--format=%H", "-1", "--", self.MIGRATIONS)
        commit = self._git("log", *added).strip()
        return self._git("rev-parse", "--verify", f"{commit}^").strip()

    def _git(self, *words: str) -> str:
        hint = "a clone without its history? git fetch --unshallow"
        return self._run("git", "-C", str(EmbeddedStack.PROJECT), *words, hint=hint)

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
