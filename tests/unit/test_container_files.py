"""Dockerfile, compose.yml and .env.example: what they promise, without an engine."""

import importlib.util
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend.config.environment import ConfigurationError, Environment

PROJECT = Path(__file__).resolve().parents[2]
OURS = {"api", "api-2", "worker", "prepare", "replica-set"}
ONE_SHOT = {"prepare", "replica-set"}
SECRETS = {
    "SECRET_KEY",
    "JWT_SIGNING_KEY",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "S3_ACCESS_KEY_ID",
    "S3_SECRET_ACCESS_KEY",
}


class EnvFile:
    """As compose reads one."""

    @staticmethod
    def values(path: Path) -> dict[str, str]:
        lines = path.read_text().splitlines()
        pairs = (line.partition("=") for line in lines if line and line[0] != "#")
        return {name: value for name, _, value in pairs}


class ComposeFile:
    VARIABLE = re.compile(r"\$\{(\w+)(?::[-?]([^}]*))?\}")

    def __init__(self, path: Path) -> None:
        self.text = path.read_text()
        read: dict[str, Any] = yaml.safe_load(self.text)
        self.top = read
        self.services: dict[str, dict[str, Any]] = read["services"]

    def environment(self, service: str, values: dict[str, str]) -> dict[str, str]:
        """What its processes get, with these values in `.env`."""
        given = self.services[service]["environment"].items()
        return {
            name: self.VARIABLE.sub(
                lambda found: values.get(found[1], found[2] or ""), text
            )
            for name, text in given
            if text is not None
        }


@pytest.fixture(scope="module")
def compose() -> ComposeFile:
    return ComposeFile(PROJECT / "compose.yml")


class TestCompose:
    def test_docker_compose_1_29_can_read_it(self, compose: ComposeFile) -> None:
        assert "name" not in compose.top
        assert set(compose.services) > OURS

    def test_ports_are_on_the_loopback_only(self, compose: ComposeFile) -> None:
        ports = [
            port for one in compose.services.values() for port in one.get("ports", [])
        ]
        assert len(ports) == 7
        assert all(port.startswith("127.0.0.1:${") for port in ports)

    @pytest.mark.parametrize(
        ("service", "port"),
        [
            ("api", 8000),
            ("postgres", 5432),
            ("mongo", 27017),
            ("redis", 6379),
            ("seaweedfs", 8333),
        ],
    )
    def test_stores_and_api_have_their_usual_ports(
        self, compose: ComposeFile, service: str, port: int
    ) -> None:
        (published,) = compose.services[service]["ports"]
        assert published.endswith(f"_PORT:-{port}}}:{port}")

    def test_every_foreign_image_has_a_whole_version(
        self, compose: ComposeFile
    ) -> None:
        for name, service in compose.services.items():
            if name not in OURS:
                assert re.search(r":\d+\.\d+(\.\d+)?(-\w+)?$", service["image"]), name

    def test_whatever_stays_has_a_health_check_and_time_to_end(
        self, compose: ComposeFile
    ) -> None:
        for name in compose.services.keys() - ONE_SHOT:
            service = compose.services[name]
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped", name
            assert int(service["stop_grace_period"].removesuffix("s")) >= 10, name

    def test_ours_are_prepared_first_and_may_be_scaled(
        self, compose: ComposeFile
    ) -> None:
        for name in OURS - ONE_SHOT:
            needs = compose.services[name]["depends_on"]
            assert needs["prepare"]["condition"] == "service_completed_successfully"
        worker = compose.services["worker"]
        assert not worker.keys() & {"ports", "container_name", "hostname"}

    def test_ours_can_change_nothing_but_their_volumes(
        self, compose: ComposeFile
    ) -> None:
        for name in OURS:
            service = compose.services[name]
            assert service["read_only"] is True
            assert service["init"] is True
            assert service["cap_drop"] == ["ALL"]
            assert service["volumes"] == ["staging:/var/lib/mediaproject/staging"]

    def test_messages_of_the_queues_are_never_dropped(
        self, compose: ComposeFile
    ) -> None:
        command = compose.services["redis"]["command"]
        policy = command.index("--maxmemory-policy")
        assert command[policy + 1] == "volatile-lru"
        assert command[command.index("--save") + 1] == ""

    def test_no_secret_has_a_default(self, compose: ComposeFile) -> None:
        for found in re.finditer(r"\$\{(\w+)(:.)?", compose.text):
            if found[1] in SECRETS:
                assert found[2] == ":?", found[0]
        assert "DEBUG" not in compose.services["api"]["environment"]

    def test_only_the_proxy_is_believed(self, compose: ComposeFile) -> None:
        believed = compose.environment("api", {})["TRUSTED_PROXIES"]
        address = compose.services["proxy"]["networks"]["default"]["ipv4_address"]
        assert address == f"${{PROXY_ADDRESS:-{believed}}}"


class TestSecrets:
    @pytest.fixture
    def example(
        self, compose: ComposeFile, monkeypatch: pytest.MonkeyPatch
    ) -> pytest.MonkeyPatch:
        values = EnvFile.values(PROJECT / ".env.example")
        for name, value in compose.environment("api", values).items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("DEBUG", raising=False)
        return monkeypatch

    def test_the_example_has_every_secret(self) -> None:
        assert set(EnvFile.values(PROJECT / ".env.example")) == SECRETS

    @pytest.mark.usefixtures("example")
    def test_those_of_the_example_are_refused_by_name(self) -> None:
        with pytest.raises(ConfigurationError) as caught:
            Environment.load()
        for name in (
            *("SECRET_KEY", "JWT_SIGNING_KEY", "DATABASE_URL", "REDIS_URL"),
            *("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"),
        ):
            assert f"{name}: " in str(caught.value)
        assert "change-me" not in str(caught.value)

    def test_in_debugging_they_will_do(self, example: pytest.MonkeyPatch) -> None:
        example.setenv("DEBUG", "on")
        assert Environment.load().debug

    def test_new_ones_are_accepted_and_never_the_same(
        self, compose: ComposeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = []
        for name in ("one", "other"):
            path = tmp_path / name
            subprocess.run([PROJECT / "deploy" / "new-env", path], check=True)
            assert path.stat().st_mode & 0o777 == 0o600
            made.append(EnvFile.values(path))
        one, other = made
        assert set(one) == SECRETS
        assert not set(one.values()) & set(other.values())
        for name, value in compose.environment("api", one).items():
            monkeypatch.setenv(name, value)
        Environment.load()

    def test_those_that_are_there_are_kept(self, tmp_path: Path) -> None:
        kept = tmp_path / "env"
        kept.write_text("SECRET_KEY=mine\n")
        done = subprocess.run([PROJECT / "deploy" / "new-env", kept], check=False)
        assert done.returncode == 1
        assert kept.read_text() == "SECRET_KEY=mine\n"


class TestHealthCheck:
    """That of the image, which knows nothing of what is started from it."""

    FLEET = "python -m backend.fleet --processes 2"
    MEMBER = "python -m backend.config.master backend.config.worker --threads 8"
    API = "python -m uvicorn backend.config.asgi:application"

    @staticmethod
    def of(folder: Path, *commands: str) -> Any:
        for number, command in enumerate(commands, start=1):
            process = folder / str(number)
            process.mkdir()
            (process / "cmdline").write_text("\0".join(command.split()))
        path = PROJECT / "deploy" / "container" / "is_healthy.py"
        spec = importlib.util.spec_from_file_location("is_healthy", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.Check(module.Processes(folder)).of("")

    def test_a_fleet_is_asked_for_its_members(self, tmp_path: Path) -> None:
        assert self.of(tmp_path, self.FLEET, self.MEMBER).is_healthy()

    def test_a_fleet_without_any_is_not_well(self, tmp_path: Path) -> None:
        assert not self.of(tmp_path, self.FLEET).is_healthy()

    def test_anything_else_is_asked_for_the_api(self, tmp_path: Path) -> None:
        assert type(self.of(tmp_path, self.API)).__name__ == "Api"


class TestDockerfile:
    TEXT = (PROJECT / "Dockerfile").read_text()

    @pytest.mark.parametrize(
        "construct", [r"RUN\s+--", "<<", r"COPY\s+--chmod", r"COPY\s+--link", "syntax="]
    )
    def test_the_legacy_builder_can_read_it(self, construct: str) -> None:
        assert not re.search(construct, self.TEXT)

    def test_its_base_is_an_argument_with_a_whole_version(self) -> None:
        assert re.search(
            r"^ARG BASE=python:3\.11\.\d+-slim-\w+$", self.TEXT, re.MULTILINE
        )
        assert re.findall(r"^FROM (\S+)", self.TEXT, re.MULTILINE) == ["${BASE}"] * 2

    def test_the_final_image_is_nobodys_and_installs_nothing(self) -> None:
        final = self.TEXT.rpartition("\nFROM ")[2]
        assert "\nUSER 10001:10001\n" in final
        assert "\nHEALTHCHECK " in final
        assert "pip" not in final
        assert "apt-get" not in final

    def test_everything_is_installed_by_its_hash(self) -> None:
        for line in self.TEXT.splitlines():
            if "pip install" in line and "--requirement" in line:
                assert "--require-hashes" in line

    @pytest.mark.parametrize("extras", ["", "tracing"])
    def test_each_choice_of_extras_has_its_pinned_packages(self, extras: str) -> None:
        name = f"requirements/{extras or 'runtime'}.txt"
        assert "--requirement requirements/${EXTRAS:-runtime}.txt" in self.TEXT
        assert name in re.findall(r"^COPY (.*)$", self.TEXT, re.MULTILINE)[0]
        assert f"!{name}" in (PROJECT / ".dockerignore").read_text().splitlines()
        pinned = (PROJECT / name).read_text()
        assert ("opentelemetry-exporter-otlp-proto-http==" in pinned) == bool(extras)
        runtime = (PROJECT / "requirements/runtime.txt").read_text()
        assert self._pins(runtime) <= self._pins(pinned)

    @staticmethod
    def _pins(text: str) -> set[str]:
        return set(re.findall(r"^\S+==\S+", text, re.MULTILINE))

    def test_only_what_it_copies_is_sent_to_the_engine(self) -> None:
        lines = (PROJECT / ".dockerignore").read_text().splitlines()
        assert next(line for line in lines if line and line[0] != "#") == "*"
        assert "!.env" not in lines
