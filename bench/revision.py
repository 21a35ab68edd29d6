"""What of the project is measured."""

import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[1]


class Revision:
    """The commit that a bench is of."""

    # What a bench runs; the page that it writes is not.
    RUN = ("backend", "bench", "requirements", "pyproject.toml", "manage.py")

    def __init__(self, project: Path = PROJECT) -> None:
        self._project = project

    @property
    def name(self) -> str:
        """With a plus where files differ from the commit; nothing outside of git."""
        commit = self._git("rev-parse", "--short=10", "HEAD")
        is_changed = commit and self._git("status", "--porcelain", "--", *self.RUN)
        return f"{commit}+" if is_changed else commit

    def _git(self, *words: str) -> str:
        try:
            done = subprocess.run(
                ["git", *words],  # noqa: S607 - wherever it is installed
                cwd=self._project,
                capture_output=True,
                text=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            return ""
        return done.stdout.strip()
