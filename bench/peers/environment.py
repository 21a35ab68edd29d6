"""An interpreter with the pinned peers, apart from ours."""

import hashlib
import subprocess
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"


class PeerEnvironment:
    """Made on first need, and again when the pins have changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def python(self) -> Path:
        return self._folder / "bin" / "python"

    def prepare(self) -> None:
        """Raises `subprocess.CalledProcessError` when a package cannot be had."""
        pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
        marker = self._folder / "pins"
        if marker.exists() and marker.read_text() == pins:
            return
        venv.create(self._folder, clear=True, with_pip=True)
        self._install()
        marker.write_text(pins)

    def _install(self) -> None:
        subprocess.run(
            [
                *(self.python, "-m", "pip", "install", "--quiet"),
                *("--disable-pip-version-check", "--require-hashes"),
                *("-r", REQUIREMENTS),
            ],
            check=True,
        )
