"""The configuration: each wrong variable is named, and nothing starts with one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.config.environment import ConfigurationError, Environment
from tests.uncovered import Uncovered

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for line in (PROJECT / "tests" / "static.env").read_text().splitlines():
        if line and not line.startswith("#"):
            monkeypatch.setenv(*line.split("=", 1))
    return monkeypatch


class TestEnvironment:
    def test_defaults(self, environment: pytest.MonkeyPatch) -> None:
        for name in ("ALLOWED_HOSTS", "CDN_BASE_URL", "S3_PUBLIC_URL", "S3_BUCKET"):
            environment.delenv(name, raising=False)
        loaded = Environment.load()
        assert loaded.access_token_seconds == 900
        assert loaded.tombstone_days == 30
        assert loaded.max_video_bytes == 50 * 1024**3
        assert loaded.max_miniature_bytes == 10 * 1024**2
        assert loaded.cdn_url == "http://127.0.0.1:1/media"
        assert "localhost" in loaded.allowed_hosts

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("JWT_SIGNING_KEY", "short"),
            ("SECRET_KEY", "short"),
            ("TOMBSTONE_DAYS", "-1"),
            ("DATABASE_URL", ""),
            ("DATABASE_URL", "http://user:secret-pass@host/x"),
            ("DATABASE_URL", "postgresql://user:secret-pass@host:99999/x"),
            ("MONGO_URL", "http://user:secret-pass@host/x"),
            ("REDIS_URL", "localhost"),
            ("REDIS_URL", "redis://:secret-pass@host:99999"),
            ("S3_ENDPOINT_URL", "foo"),
            ("S3_ENDPOINT_URL", "http://"),
            ("S3_SECRET_ACCESS_KEY", ""),
            ("S3_REGION", ""),
            ("CDN_BASE_URL", "javascript:x"),
            ("CDN_PURGE_URL", "purge.example.org"),
            ("CDN_PURGE_TOKEN", "secret-pass twice"),
            ("STAGING_DIR", ""),
            ("STAGING_DIR", "relative/folder"),
            ("CDN_ACCESS", "secret"),
            ("STAGING_FSYNC", "maybe"),
            ("STAGING_BACKEND", "tape"),
            ("MAX_VIDEO_BYTES", "0"),
            ("MAX_MINIATURE_BYTES", "0"),
            ("ACCESS_TOKEN_SECONDS", "soon"),
            ("S3_BUCKET", "x"),
        ],
    )
    def test_a_wrong_variable_is_named_and_its_value_is_not_shown(
        self, environment: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        environment.setenv(name, value)
        with pytest.raises(ConfigurationError, match=name) as caught:
            Environment.load()
        assert "secret-pass" not in str(caught.value)

    def test_all_wrong_variables_are_named_at_once(
        self, environment: pytest.MonkeyPatch
    ) -> None:
        environment.delenv("SECRET_KEY")
        environment.setenv("SIGNUP", "perhaps")
        with pytest.raises(ConfigurationError) as caught:
            Environment.load()
        assert "SECRET_KEY" in str(caught.value)
        assert "SIGNUP" in str(caught.value)

    def test_a_cdn_that_is_told_to_forget_has_addresses(
        self, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("CDN_PURGE_URL", "https://purge.example.org")
        environment.delenv("CDN_BASE_URL", raising=False)
        with pytest.raises(ConfigurationError, match="CDN_PURGE_URL"):
            Environment.load()
        environment.setenv("CDN_BASE_URL", "https://cdn.example.org")
        assert Environment.load().cdn_purge_url == "https://purge.example.org"

    def test_each_wrong_proxy_is_named(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("TRUSTED_PROXIES", "10.0.0.0/8, ::1, 10.1.2.3/8, me, ::/0")
        with pytest.raises(ConfigurationError) as caught:
            Environment.load()
        assert "TRUSTED_PROXIES" in str(caught.value)
        assert "10.1.2.3/8, me, ::/0:" in str(caught.value)

    def test_proxies_are_networks(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.1,fd00::/8 ")
        networks = [str(network) for network in Environment.load().trusted_proxies]
        assert networks == ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"]

    def test_a_folder_is_needed_only_where_bytes_are_staged_in_one(
        self, environment: pytest.MonkeyPatch
    ) -> None:
        environment.delenv("STAGING_DIR")
        with pytest.raises(ConfigurationError, match="STAGING_DIR"):
            Environment.load()
        environment.setenv("STAGING_BACKEND", "s3")
        assert Environment.load().staging_dir.is_dir()

    def test_secrets_do_not_show_in_its_text(
        self, environment: pytest.MonkeyPatch
    ) -> None:
        assert "only-for-static" not in repr(Environment.load())


class TestStart:
    @pytest.mark.parametrize(
        "command",
        [
            ["manage.py", "check"],
            ["-c", "import backend.config.asgi"],
            ["-c", "import backend.config.worker"],
        ],
    )
    def test_nothing_starts_with_a_short_key(self, command: list[str]) -> None:
        process = subprocess.run(
            [sys.executable, *command],
            cwd=PROJECT,
            env=Uncovered.environment(JWT_SIGNING_KEY="short"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == os.EX_CONFIG
        assert "JWT_SIGNING_KEY" in process.stderr
