"""The configuration, read from the environment once, and validated."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MEBIBYTE = 1024**2
GIBIBYTE = 1024 * MEBIBYTE
# RFC 7518, section 3.2: an HS256 key has at least the 256 bits of the hash.
LEAST_KEY_BYTES = 32

Switch = Literal["on", "off"]
Words = Annotated[tuple[str, ...], NoDecode]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode]


class ConfigurationError(Exception):
    """The environment is wrong; the text names every variable and what it lacks."""


class Address:
    """Checks an address and never quotes it: there may be a password in it."""

    def __init__(self, *schemes: str) -> None:
        self._schemes = schemes

    def check(self, text: str) -> None:
        """Raises `ValueError`."""
        if self._parts(text).scheme not in self._schemes:
            raise ValueError(f"must begin with {' or '.join(self._schemes)}://")

    def check_host(self, text: str) -> None:
        """Raises `ValueError`."""
        self.check(text)
        if not self._parts(text).hostname:
            raise ValueError("must name a host")

    @staticmethod
    def _parts(text: str) -> SplitResult:
        parts = urlsplit(text)
        if "," not in parts.netloc:  # MongoDB and PostgreSQL take a list of hosts
            _ = parts.port
        return parts


class Environment(BaseSettings):
    """Every variable the application reads, with its default.

    Server addresses have none: `make run`, `make demo` and `make test` set them to the
    embedded servers, anywhere else they must be given.
    """

    model_config = SettingsConfigDict(case_sensitive=True, extra="ignore", frozen=True)

    secret_key: SecretStr = Field(alias="SECRET_KEY")
    jwt_signing_key: SecretStr = Field(alias="JWT_SIGNING_KEY")
    debug: bool = Field(False, alias="DEBUG")
    allowed_hosts: Words = Field(
        ("localhost", "127.0.0.1", "[::1]"), alias="ALLOWED_HOSTS"
    )
    trusted_proxies: Networks = Field((), alias="TRUSTED_PROXIES")
    stock_handler: bool = Field(False, alias="STOCK_HANDLER")
    database_url: SecretStr = Field(alias="DATABASE_URL")
    mongo_url: SecretStr = Field(alias="MONGO_URL")
    redis_url: SecretStr = Field(alias="REDIS_URL")
    s3_endpoint_url: str = Field(alias="S3_ENDPOINT_URL", min_length=1)
    s3_bucket: str = Field("media", alias="S3_BUCKET", min_length=3)
    s3_region: str = Field("us-east-1", alias="S3_REGION", min_length=1)
    s3_access_key_id: str = Field(alias="S3_ACCESS_KEY_ID", min_length=1)
    s3_secret_access_key: SecretStr = Field(alias="S3_SECRET_ACCESS_KEY")
    s3_public_url: str = Field("", alias="S3_PUBLIC_URL")
    cdn_base_url: str = Field("", alias="CDN_BASE_URL")
    cdn_access: Literal["public", "signed"] = Field("public", alias="CDN_ACCESS")
    staging_dir: Path = Field(alias="STAGING_DIR")
    staging_fsync: Switch = Field("on", alias="STAGING_FSYNC")
    staging_floor_bytes: int = Field(GIBIBYTE, alias="STAGING_FLOOR_BYTES", ge=0)
    max_video_bytes: int = Field(50 * GIBIBYTE, alias="MAX_VIDEO_BYTES", gt=0)
    max_miniature_bytes: int = Field(10 * MEBIBYTE, alias="MAX_MINIATURE_BYTES", gt=0)
    signup: Literal["open", "closed"] = Field("open", alias="SIGNUP")
    docs: Switch = Field("on", alias="DOCS")
    access_token_seconds: int = Field(900, alias="ACCESS_TOKEN_SECONDS", gt=0)
    refresh_token_seconds: int = Field(30 * 86_400, alias="REFRESH_TOKEN_SECONDS", gt=0)
    tombstone_days: int = Field(30, alias="TOMBSTONE_DAYS", ge=0, le=36_500)
    reconcile_grace_seconds: int = Field(
        20, alias="RECONCILE_GRACE_SECONDS", ge=1, le=86_400
    )
    # The worker of a job that was silent for so long is taken for dead.
    job_lease_seconds: int = Field(15, alias="JOB_LEASE_SECONDS", ge=1, le=3_600)
    # For fault tests only: see backend/use_cases/failpoints.py.
    failpoints_dir: Path | None = Field(None, alias="FAILPOINTS_DIR")
    log_format: Literal["console", "json"] = Field("console", alias="LOG_FORMAT")

    @classmethod
    def load(cls) -> Self:
        """Read the process environment. Raises `ConfigurationError`."""
        try:
            return cls()
        except ValidationError as error:
            raise ConfigurationError(cls._explain(error)) from None

    @staticmethod
    def _explain(error: ValidationError) -> str:
        lines = [
            f"  {'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        ]
        return "The environment is not right:\n" + "\n".join(lines)

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        return cls._words(value) if isinstance(value, str) else value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        words = cls._words(value)
        if wrong := [word for word in words if not cls._is_proxy(word)]:
            raise ValueError(
                f"{', '.join(wrong)}: not an address, nor a network as 10.0.0.0/8"
            )
        return words

    @staticmethod
    def _words(text: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in text.split(",") if word.strip())

    @staticmethod
    def _is_proxy(word: str) -> bool:
        """A network of everybody is a mistake: then clients choose their addresses."""
        try:
            return ip_network(word).prefixlen > 0
        except ValueError:
            return False

    @field_validator("secret_key", "jwt_signing_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value().encode()) < LEAST_KEY_BYTES:
            raise ValueError(f"must have at least {LEAST_KEY_BYTES} bytes")
        return value

    @field_validator("s3_secret_access_key")
    @classmethod
    def _given(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value():
            raise ValueError("must be given")
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: SecretStr) -> SecretStr:
        Address("postgresql", "postgres").check(value.get_secret_value())
        try:
            conninfo_to_dict(value.get_secret_value())
        except ProgrammingError:
            raise ValueError("is not an address of a PostgreSQL database") from None
        return value

    @field_validator("mongo_url")
    @classmethod
    def _mongo(cls, value: SecretStr) -> SecretStr:
        Address("mongodb", "mongodb+srv").check(value.get_secret_value())
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr) -> SecretStr:
        Address("redis", "rediss", "unix").check(value.get_secret_value())
        return value

    @field_validator("s3_endpoint_url", "s3_public_url", "cdn_base_url")
    @classmethod
    def _web(cls, value: str) -> str:
        if value:
            Address("http", "https").check_host(value)
        return value

    @field_validator("staging_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        if not value.is_absolute():
            raise ValueError("must be an absolute path")
        return value

    @property
    def public_s3_url(self) -> str:
        """The S3 endpoint as clients reach it."""
        return self.s3_public_url or self.s3_endpoint_url

    @property
    def cdn_url(self) -> str:
        """What an object key is appended to; the bucket itself by default."""
        base = self.cdn_base_url or f"{self.public_s3_url.rstrip('/')}/{self.s3_bucket}"
        return base.rstrip("/")
