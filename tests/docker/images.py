"""The images that Dockerfile and compose.yml ask for."""

from pathlib import Path
from typing import Any

import yaml

from backend.embedded.console import Console
from tests.docker.engine import PROJECT, DockerFailed, Engine


class WantedImages:
    """Their names, as the two files have them."""

    def __init__(self, project: Path = PROJECT) -> None:
        self._project = project

    @property
    def compose(self) -> dict[str, Any]:
        text = (self._project / "compose.yml").read_text()
        read: dict[str, Any] = yaml.safe_load(text)
        return read

    @property
    def base(self) -> str:
        lines = (self._project / "Dockerfile").read_text().splitlines()
        return next(
            line.removeprefix("ARG BASE=")
            for line in lines
            if line.startswith("ARG BASE=")
        )

    @property
    def pulled(self) -> list[str]:
        """All but our own."""
        images = {one["image"] for one in self.compose["services"].values()}
        return [self.base, *sorted(name for name in images if "${" not in name)]


class ImageSupply:
    """Gets them from the registry; without one, stand-ins are made here."""

    def __init__(self, engine: Engine, wanted: WantedImages, console: Console) -> None:
        self._engine = engine
        self._wanted = wanted
        self._console = console

    def obtain(self) -> None:
        """Raises `DockerFailed`."""
        missing = [one for one in self._wanted.pulled if not self._engine.has(one)]
        if not all(map(self._engine.pull, missing)):
            self._console.say("No registry is reachable: base images are made here.")
            self._console.say(self._engine.make_local_images().strip())
        if lost := [one for one in missing if not self._engine.has(one)]:
            raise DockerFailed(f"There is no image {', '.join(lost)}.")
        for image in self._wanted.pulled:
            kind = "a stand-in" if self._engine.is_local(image) else "from a registry"
            self._console.say(f"{image} is {kind}.")
