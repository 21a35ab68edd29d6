import shutil
import sysconfig
from pathlib import Path

from backend.embedded.errors import ProgramMissing


class Programs:
    """Finds the program of a server: in its wheel, else on PATH."""

    def __init__(self, wheels: Path | None = None, scripts: Path | None = None) -> None:
        self._wheels = wheels or Path(sysconfig.get_path("platlib"))
        self._scripts = scripts or Path(sysconfig.get_path("scripts"))

    def find(self, name: str, place: str | None, variable: str) -> Path:
        """`place` is its path inside site-packages; without one it is a script of the environment."""
        bundled = self._wheels / place if place else self._scripts / name
        if bundled.is_file():
            return bundled
        if found := shutil.which(name):
            return Path(found)
        raise ProgramMissing(
            f"{name} is missing: no wheel of it fits this platform and none is on PATH; "
            f"install it, or set {variable} to a server that runs elsewhere."
        )
