"""The engine and one compose project of it, over their command lines."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.embedded.errors import EmbeddedError

PROJECT = Path(__file__).resolve().parents[2]


class DockerFailed(EmbeddedError):
    """A command failed; the message is it with the end of what it said."""


class Commands:
    """Runs commands in the project's folder."""

    SHOWN = 2_000

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def output(self, *command: str, seconds: float = 900.0) -> str:
        """Raises `DockerFailed`."""
        done = self.run(*command, seconds=seconds)
        if done.returncode:
            said = (done.stdout + done.stderr)[-self.SHOWN :]
            raise DockerFailed(f"{' '.join(command[:4])} … failed: {said}")
        return done.stdout

    def run(
        self, *command: str, seconds: float = 900.0
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=PROJECT,
            env={**os.environ, **self._environment},
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )


@dataclass(frozen=True, slots=True)
class Container:
    id: str
    service: str
    status: str
    health: str | None
    exit_code: int
    pid: int

    @property
    def is_well(self) -> bool:
        """Healthy; one without a health check has done its work and ended."""
        if self.health is None:
            return self.status == "exited" and self.exit_code == 0
        return self.health == "healthy"

    @classmethod
    def of(cls, seen: dict[str, Any]) -> "Container":
        state = seen["State"]
        return cls(
            seen["Id"],
            seen["Config"]["Labels"]["com.docker.compose.service"],
            state["Status"],
            (state.get("Health") or {}).get("Status"),
            state["ExitCode"],
            state["Pid"],
        )


class Engine:
    """The Docker engine that DOCKER_HOST names."""

    PULL_SECONDS = 600.0

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def check(self) -> str:
        """Its version. Raises `DockerFailed` if there is none."""
        return self._commands.output(
            "docker", "version", "--format", "{{.Server.Version}}"
        ).strip()

    def has(self, image: str) -> bool:
        done = self._commands.run("docker", "image", "inspect", image)
        return done.returncode == 0

    def pull(self, image: str) -> bool:
        done = self._commands.run("docker", "pull", image, seconds=self.PULL_SECONDS)
        return done.returncode == 0

    def is_local(self, image: str) -> bool:
        """Whether it was made on this machine: only a registry gives images a digest."""
        form = "{{len .RepoDigests}}"
        seen = self._commands.output("docker", "image", "inspect", "-f", form, image)
        return seen.strip() == "0"

    def make_local_images(self) -> str:
        return self._commands.output("deploy/local-images/make")

    def size_bytes(self, image: str) -> int:
        seen = self._commands.output(
            "docker", "image", "inspect", "--format", "{{.Size}}", image
        )
        return int(seen)

    def layers(self, image: str) -> list[str]:
        form = "{{.Size}} {{.CreatedBy}}"
        seen = self._commands.output("docker", "history", "--format", form, image)
        return [line[:100] for line in seen.splitlines() if not line.startswith("0B")]

    def kill(self, container: Container) -> None:
        self._commands.output("docker", "kill", "--signal", "KILL", container.id)

    def containers(self, project: str) -> list[Container]:
        label = f"label=com.docker.compose.project={project}"
        ids = self._commands.output("docker", "ps", "-aq", "--filter", label).split()
        if not ids:
            return []
        seen = json.loads(self._commands.output("docker", "inspect", *ids))
        return [Container.of(one) for one in seen]


class Compose:
    """`docker compose`, or docker-compose where there is no plugin, for one project."""

    LOOK_SECONDS = 0.2

    def __init__(self, engine: Engine, commands: Commands, env_file: Path) -> None:
        self.project = "mediaproject-test"
        self._engine = engine
        self._commands = commands
        self._env_file = env_file
        self._program = self._found()

    def __call__(self, *arguments: str, env_file: Path | None = None) -> str:
        """Raises `DockerFailed`."""
        return self._commands.output(*self._command(env_file, arguments))

    def refused(self, *arguments: str, env_file: Path) -> str:
        """What it says when it fails. Raises `DockerFailed` if it does not."""
        done = self._commands.run(*self._command(env_file, arguments))
        if done.returncode == 0:
            raise DockerFailed(f"{' '.join(arguments)} should have been refused.")
        return done.stdout + done.stderr

    def of(self, service: str) -> list[Container]:
        everything = self._engine.containers(self.project)
        return [one for one in everything if one.service == service]

    def until_well(self, seconds: float) -> float:
        """Wait for every container; answers how long it took. Raises `DockerFailed`."""
        began = time.monotonic()
        while ill := self._ill():
            if time.monotonic() - began > seconds:
                raise DockerFailed(f"Not healthy after {seconds:.0f} s: {ill}")
            time.sleep(self.LOOK_SECONDS)
        return time.monotonic() - began

    def _ill(self) -> list[Container]:
        containers = self._engine.containers(self.project)
        return [one for one in containers if not one.is_well]

    def _command(self, env_file: Path | None, arguments: Sequence[str]) -> list[str]:
        file = str(env_file or self._env_file)
        return [*self._program, "-p", self.project, "--env-file", file, *arguments]

    def _found(self) -> list[str]:
        if self._commands.run("docker", "compose", "version").returncode == 0:
            return ["docker", "compose"]
        if shutil.which("docker-compose") is None:
            raise DockerFailed("There is neither `docker compose` nor docker-compose.")
        return ["docker-compose"]
