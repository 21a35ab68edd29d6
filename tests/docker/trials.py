"""What is tried on the running containers; each answers a sentence about what it has seen."""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

from backend.embedded.clip import Clip
from backend.embedded.console import Console
from backend.embedded.demo import DemoClient, Demonstration, Watch
from backend.embedded.stack import Liveness
from tests.docker.engine import PROJECT, Compose, DockerFailed, Engine
from tests.docker.system import ContainerSystem
from tests.e2e.videos import MEBIBYTE, Videos


class Claim:
    @staticmethod
    def that(is_so: bool, what: str) -> None:
        """Raises `DockerFailed`."""
        if not is_so:
            raise DockerFailed(f"Not so: {what}")


class Program:
    """A program of the project, run against the containers."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments

    def run(self, environment: dict[str, str]) -> None:
        """Raises `DockerFailed`."""
        done = subprocess.run(
            [sys.executable, "-m", *self._arguments],
            cwd=PROJECT,
            env={**os.environ, **environment},
            check=False,
        )
        Claim.that(done.returncode == 0, f"{' '.join(self._arguments)} succeeds")


class SecretsTrial:
    """Nothing starts with the secrets of the example."""

    NAMES = (
        "SECRET_KEY",
        "JWT_SIGNING_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "S3_ACCESS_KEY_ID",
        "S3_SECRET_ACCESS_KEY",
    )

    def __init__(self, compose: Compose) -> None:
        self._compose = compose

    def execute(self) -> str:
        example = PROJECT / ".env.example"
        command = ("run", "--rm", "--no-deps", "prepare")
        said = self._compose.refused(*command, env_file=example)
        for name in self.NAMES:
            Claim.that(f"{name}: " in said, f"{name} of .env.example is refused")
        return "the secrets of .env.example are refused by name."


class ContainersTrial:
    """API and worker are nobody in particular, and can change nothing of the image."""

    def __init__(self, compose: Compose) -> None:
        self._compose = compose

    def execute(self) -> str:
        for service in ("api", "worker"):
            user = self._compose("exec", "-T", service, "id", "-u").strip()
            Claim.that(user == "10001", f"{service} is not root but {user}")
            write = "touch /app/x || touch /opt/mediaproject/x || touch /var/lib/x"
            tried = f"({write}) 2>/dev/null && echo written || echo refused"
            said = self._compose("exec", "-T", service, "sh", "-c", tried)
            Claim.that(said.strip() == "refused", f"{service} can write nowhere")
            tools = "command -v gcc cc make || echo none"
            said = self._compose("exec", "-T", service, "sh", "-c", tools)
            Claim.that(said.strip() == "none", f"{service} has no build tools")
        return "user 10001, root file system read-only, no build tools."


class DemoTrial:
    """The demonstration: a video in, and out again from its `cdn_url` on this machine."""

    def __init__(self, system: ContainerSystem, console: Console) -> None:
        self._system = system
        self._console = console

    def execute(self) -> str:
        video = Clip(seconds=10.0).make(self._system.folder / "clip.mp4")
        address = self._system.addresses.url("API")
        with DemoClient(address) as client:
            flow = Demonstration(client, self._console, f"{address}/docs")
            result = flow.execute(self._system.operator, video)
        Claim.that(result.verified, "what the CDN gives out is what was sent")
        Claim.that(result.duration_seconds is not None, "the parsers ran in their box")
        Claim.that(result.miniature_url is not None, "a picture was made in its box")
        return result.line()


class PostmanTrial:
    def __init__(self, system: ContainerSystem) -> None:
        self._system = system

    def execute(self) -> str:
        Program("tests.postman").run(
            {
                "BASE_URL": self._system.addresses.url("API"),
                "ACCOUNTS": str(self._system.accounts_file),
            }
        )
        return "the collection passes, twice."


class KilledWorkerTrial:
    """The only worker container is killed in the middle of an upload to the CDN; three go on."""

    SCALE = 3
    SIZES = tuple(MEBIBYTE * size for size in (256, 512, 1024))
    WELL_SECONDS = 600.0

    def __init__(
        self, system: ContainerSystem, engine: Engine, compose: Compose
    ) -> None:
        self._system = system
        self._engine = engine
        self._compose = compose
        self._videos = Videos(system.folder)

    def execute(self) -> str:
        with self._system.client() as client:
            uuid, video = self._killed_in_the_middle(client)
            self._scale(self.SCALE)
            media = Watch(client, Console()).until_done(uuid)
            Claim.that(media["status"] == "ready", f"{uuid} is ready in spite of it")
            with video.open("rb") as file:
                sent = hashlib.file_digest(file, "sha256").hexdigest()
            got = client.sha256_of(media["urls"]["video"])
            Claim.that(got == sent, "what the CDN gives out is what was sent")
            others = [client.upload(self._videos.new())["uuid"] for _ in range(6)]
            for other in others:
                media = Watch(client, Console()).until_done(other)
                Claim.that(media["status"] == "ready", f"{other} is ready")
        self._scale(1)
        return (
            f"killed while it sent {video.stat().st_size:,} bytes; {self.SCALE} workers"
            f" went on, and {1 + len(others)} videos are ready."
        )

    def _killed_in_the_middle(self, client: DemoClient) -> tuple[str, Path]:
        for size in self.SIZES:
            video = self._videos.noise(size)
            uuid = client.upload(video)["uuid"]
            self._until_it_is_sent(client, uuid)
            for worker in self._compose.of("worker"):
                self._engine.kill(worker)
            if client.media(uuid)["status"] == "processing":
                return uuid, video
            self._scale(1)
        raise DockerFailed("The worker was always quicker than its killer.")

    def _until_it_is_sent(self, client: DemoClient, uuid: str) -> None:
        deadline = time.monotonic() + Watch.STALLED_SECONDS
        while time.monotonic() < deadline:
            jobs = {job["kind"]: job["status"] for job in client.jobs(uuid)}
            if jobs["upload_to_cdn"] != "queued":
                return
            time.sleep(0.02)
        raise DockerFailed(f"Nobody sends {uuid} to the CDN.")

    def _scale(self, number: int) -> None:
        self._compose("up", "-d", "--no-build", "--scale", f"worker={number}")
        self._compose.until_well(self.WELL_SECONDS)
        Claim.that(len(self._compose.of("worker")) == number, f"{number} workers run")


class BothApisTrial:
    """Two APIs and their proxy: the freshness tests, and each API missing in turn."""

    WELL_SECONDS = 600.0
    APIS = ("api", "api-2")

    def __init__(self, system: ContainerSystem, compose: Compose) -> None:
        self._system = system
        self._compose = compose

    def execute(self) -> str:
        self._compose("--profile", "two-apis", "up", "-d", "--no-build")
        self._compose.until_well(self.WELL_SECONDS)
        Program(
            *("pytest", "-q", "--noconftest", "-p", "no:django"),
            *("-p", "no:cacheprovider", "tests/docker/two_apis.py"),
        ).run(self._environment())
        for service in self.APIS:
            self._without(service)
        return (
            "the freshness tests pass across both, and the proxy does without either."
        )

    def _environment(self) -> dict[str, str]:
        addresses = {
            name: self._system.addresses.url(name) for name in ("API", "API_2", "PROXY")
        }
        return {**addresses, "ACCOUNTS": str(self._system.accounts_file)}

    def _without(self, service: str) -> None:
        profile = ("--profile", "two-apis")
        self._compose(*profile, "stop", service)
        proxy = Liveness(self._system.addresses.url("PROXY"))
        answers = [proxy.is_live() for _ in range(10)]
        self._compose(*profile, "start", service)
        self._compose.until_well(self.WELL_SECONDS)
        Claim.that(all(answers), f"the proxy answers without {service}")
