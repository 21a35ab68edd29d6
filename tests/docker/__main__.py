"""`make docker-test`: builds, starts, tries everything, and takes it all down again."""

import sys
import tempfile
import time
from pathlib import Path

from backend.embedded.console import Console
from backend.embedded.errors import EmbeddedError
from tests.docker.engine import Commands, Compose, DockerFailed, Engine
from tests.docker.images import ImageSupply, WantedImages
from tests.docker.system import Addresses, ContainerSystem
from tests.docker.trials import (
    BothApisTrial,
    ContainersTrial,
    DemoTrial,
    KilledWorkerTrial,
    PostmanTrial,
    SecretsTrial,
)


class DockerTest:
    """The whole run, each trial announced with the seconds that it took."""

    # From `up` on, once the images are there. Whoever is later is waited for, to say how late.
    HEALTHY_SECONDS = 60.0
    PATIENCE_SECONDS = 600.0

    def __init__(self, console: Console, folder: Path) -> None:
        addresses = Addresses.free()
        self._console = console
        self._commands = Commands(addresses.environment())
        self._engine = Engine(self._commands)
        self._compose = Compose(self._engine, self._commands, folder / "env")
        self._system = ContainerSystem(self._compose, addresses, folder)
        self._folder = folder

    def execute(self) -> None:
        """Raises `EmbeddedError`."""
        self._console.say(f"Docker {self._engine.check()}.")
        ImageSupply(self._engine, WantedImages(), self._console).obtain()
        self._commands.output("deploy/new-env", str(self._folder / "env"))
        self._compose("--profile", "two-apis", "down", "--volumes", "--remove-orphans")
        try:
            self._build()
            self._start()
            self._try_all()
        except BaseException:
            self._console.say(self._compose("logs", "--no-color", "--tail", "20"))
            raise
        finally:
            self._compose("--profile", "two-apis", "down", "--volumes")
            self._console.say("All containers and volumes are gone.")

    def _build(self) -> None:
        began = time.monotonic()
        self._compose("build", "api")
        size = self._engine.size_bytes(self._system.IMAGE) / 1e6
        self._console.say(
            f"Built in {time.monotonic() - began:.0f} s: {size:.0f} MB, layers"
        )
        for layer in self._engine.layers(self._system.IMAGE):
            self._console.say(f"  {layer}")

    def _start(self) -> None:
        began = time.monotonic()
        self._compose("up", "-d")
        self._compose.until_well(self.PATIENCE_SECONDS)
        took = time.monotonic() - began
        self._console.say(f"Everything is healthy after {took:.1f} s.")
        if took > self.HEALTHY_SECONDS:
            raise DockerFailed(f"That is more than {self.HEALTHY_SECONDS:.0f} s.")

    def _try_all(self) -> None:
        self._system.make_accounts()
        for trial in (
            SecretsTrial(self._compose),
            ContainersTrial(self._compose),
            DemoTrial(self._system, self._console),
            PostmanTrial(self._system),
            KilledWorkerTrial(self._system, self._engine, self._compose),
            BothApisTrial(self._system, self._compose),
        ):
            began = time.monotonic()
            said = trial.execute()
            took = time.monotonic() - began
            self._console.say(f"{type(trial).__name__} ({took:.1f} s): {said}")


if __name__ == "__main__":
    console = Console()
    try:
        with tempfile.TemporaryDirectory(prefix="mediaproject-docker-") as folder:
            DockerTest(console, Path(folder)).execute()
    except EmbeddedError as error:
        console.say(f"Error: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        console.say("Interrupted.")
        sys.exit(1)
