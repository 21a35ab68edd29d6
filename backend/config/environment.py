"""The configuration, read from the environment once, and validated."""

import tempfile
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MEBIBYTE = 1024**2
GIBIBYTE = 1024 * MEBIBYTE
# RFC 7518, section 3.2: an HS256 key has at least the 256 bits of the hash.
LEAST_KEY_BYTES = 32
LEAST_TOKEN_CHARACTERS = 16
# Part of every secret in an example: everybody who has read the example knows it.
EXAMPLE = "change-me"

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

    Server addresses have no default: `make run`, `make demo` and `make test` set them
    to the embedded servers; anywhere else they must be given.
    """

    model_config = SettingsConfigDict(
        case_sensitive=True,
        extra="ignore",
        frozen=True,
        # What stands below a field is its description in docs/configuration.md.
        use_attribute_docstrings=True,
    )

    # First, because the validation of the others depends on it.
    debug: bool = Field(False, alias="DEBUG")
    """Accepts secrets copied from examples, and has the admin answer an unexpected
    error with Django's error page and its traceback. For development only."""
    secret_key: SecretStr = Field(alias="SECRET_KEY")
    """Signs the cookies and forms of the admin. At least 32 bytes, the same for all
    processes."""
    jwt_signing_key: SecretStr = Field(alias="JWT_SIGNING_KEY")
    """Signs access and refresh tokens (HS256). At least 32 bytes, the same for all
    processes. Anybody who has it can act as any user; changing it ends every
    session."""
    allowed_hosts: Words = Field(
        ("localhost", "127.0.0.1", "[::1]"), alias="ALLOWED_HOSTS"
    )
    """The host names that the API answers to; requests with another `Host` are refused,
    except health checks. `.example.org` includes all its subdomains."""
    trusted_proxies: Networks = Field((), alias="TRUSTED_PROXIES")
    """Reverse proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    Behind a proxy that is not listed, all clients appear to have its address."""
    stock_handler: bool = Field(False, alias="STOCK_HANDLER")
    """Uses Django's own ASGI handler instead of ours: slower, for comparison."""
    database_url: SecretStr = Field(alias="DATABASE_URL")
    """PostgreSQL 17 or newer, as `postgresql://user:password@host/database`, with
    all options of libpq."""
    mongo_url: SecretStr = Field(alias="MONGO_URL")
    """MongoDB, a replica set, as `mongodb://…` or `mongodb+srv://…`; its path names the
    database, `mediaproject` without one."""
    redis_url: SecretStr = Field(alias="REDIS_URL")
    """Redis, as `redis://`, `rediss://` or `unix://`, without a database: 0 is
    taken for messages, 1 for the cache."""
    s3_endpoint_url: str = Field(alias="S3_ENDPOINT_URL", min_length=1)
    """The S3 API of the object store, as API and workers reach it."""
    s3_bucket: str = Field("media", alias="S3_BUCKET", min_length=3)
    """The bucket. `manage.py prepare` creates it if it does not exist."""
    s3_region: str = Field("us-east-1", alias="S3_REGION", min_length=1)
    """The region used to sign requests."""
    s3_access_key_id: str = Field(alias="S3_ACCESS_KEY_ID", min_length=1)
    """The access key of the object store."""
    s3_secret_access_key: SecretStr = Field(alias="S3_SECRET_ACCESS_KEY")
    """The secret key that belongs to `S3_ACCESS_KEY_ID`."""
    s3_public_url: str = Field("", alias="S3_PUBLIC_URL")
    """The S3 API as clients reach it, used in signed URLs; `S3_ENDPOINT_URL` if
    empty."""
    cdn_base_url: str = Field("", alias="CDN_BASE_URL")
    """The base of public URLs, to which object keys are appended: a CDN, or the bucket
    itself. If empty, the bucket under `S3_PUBLIC_URL`."""
    cdn_access: Literal["public", "signed"] = Field("public", alias="CDN_ACCESS")
    """`public`: permanent URLs, and a bucket that everybody may read. `signed`: URLs
    that expire, and a private bucket."""
    cdn_purge_url: str = Field("", alias="CDN_PURGE_URL")
    """Where the CDN of `CDN_BASE_URL` is told to forget what is removed from the store:
    a POST of `{"files": ["<address>"]}`, as Cloudflare takes it. A deletion ends when
    the CDN has answered with 2xx. If unset, nobody is told."""
    cdn_purge_token: SecretStr = Field(SecretStr(""), alias="CDN_PURGE_TOKEN")
    """Sent to `CDN_PURGE_URL` as `Authorization: Bearer`."""
    staging_backend: Literal["folder", "s3"] = Field("folder", alias="STAGING_BACKEND")
    """Where uploads wait until they are published: in `STAGING_DIR`, or in the object
    store, so that API and workers need no shared disk."""
    staging_dir: Path = Field(Path(), alias="STAGING_DIR", validate_default=True)
    """An absolute path. With the backend `folder` it is required, and must be the same
    folder for API and workers. With `s3` each process keeps short-lived files there;
    unset, it is the system's temporary folder."""
    staging_fsync: Switch = Field("on", alias="STAGING_FSYNC")
    """Whether an upload is flushed to disk before it is answered. With `off` a power
    cut may lose an upload that was answered: for tests only."""
    staging_floor_bytes: int = Field(GIBIBYTE, alias="STAGING_FLOOR_BYTES", ge=0)
    """While less than this is free in `STAGING_DIR`, uploads are refused with 507 and
    jobs fetch no stored video. Ignored with the backend `s3`."""
    max_video_bytes: int = Field(50 * GIBIBYTE, alias="MAX_VIDEO_BYTES", gt=0)
    """The largest video that is accepted."""
    max_miniature_bytes: int = Field(10 * MEBIBYTE, alias="MAX_MINIATURE_BYTES", gt=0)
    """The largest miniature that is accepted."""
    signup: Literal["open", "closed"] = Field("open", alias="SIGNUP")
    """Whether anybody may create an account, with the role viewer, for themselves."""
    docs: Switch = Field("on", alias="DOCS")
    """Whether `/docs` and `/openapi.json` are served."""
    access_token_seconds: int = Field(900, alias="ACCESS_TOKEN_SECONDS", gt=0)
    """How long an access token is valid."""
    refresh_token_seconds: int = Field(30 * 86_400, alias="REFRESH_TOKEN_SECONDS", gt=0)
    """How long an unused session lasts."""
    tombstone_days: int = Field(30, alias="TOMBSTONE_DAYS", ge=0, le=36_500)
    """How long deleted media are kept as tombstones with their job histories."""
    reconcile_grace_seconds: int = Field(
        20, alias="RECONCILE_GRACE_SECONDS", ge=1, le=86_400
    )
    """How long an object, document or staged file may be without an owner before it
    counts as abandoned."""
    job_lease_seconds: int = Field(15, alias="JOB_LEASE_SECONDS", ge=1, le=3_600)
    """A worker that has not reported on a job for this long counts as dead, and another
    worker continues the job."""
    failpoints_dir: Path | None = Field(None, alias="FAILPOINTS_DIR")
    """For fault tests only: files in this folder kill our processes."""
    metrics_token: SecretStr = Field(SecretStr(""), alias="METRICS_TOKEN")
    """Requests that carry this token may read `/metrics`; if it is unset, that path
    does not exist. At least 16 characters."""
    metrics_port: str = Field("", alias="METRICS_PORT")
    """Opens no port: a process that finds it set only logs a warning at its start.
    Metrics are at `/metrics` of the API (`METRICS_TOKEN`)."""
    log_format: Literal["console", "json"] = Field("console", alias="LOG_FORMAT")
    """`console` for people, `json` for log collectors: one object per line."""

    otel_endpoint: str = Field("", alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    """Where traces are sent, as OTLP over HTTP, if the packages of the extra `tracing`
    are installed. If unset, nothing is traced."""

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
                f"{', '.join(wrong)}: neither an address nor a network such as 10.0.0.0/8"
            )
        return words

    @staticmethod
    def _words(text: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in text.split(",") if word.strip())

    @staticmethod
    def _is_proxy(word: str) -> bool:
        """A network of all addresses is a mistake: clients could then choose their
        address."""
        try:
            return ip_network(word).prefixlen > 0
        except ValueError:
            return False

    @field_validator(
        "secret_key",
        "jwt_signing_key",
        "database_url",
        "mongo_url",
        "redis_url",
        "s3_access_key_id",
        "s3_secret_access_key",
    )
    @classmethod
    def _no_example(
        cls, value: str | SecretStr, info: ValidationInfo
    ) -> str | SecretStr:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if EXAMPLE in text and not info.data.get("debug"):
            raise ValueError("is that of an example, which is public")
        return value

    @field_validator("secret_key", "jwt_signing_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value().encode()) < LEAST_KEY_BYTES:
            raise ValueError(f"must have at least {LEAST_KEY_BYTES} bytes")
        return value

    @field_validator("metrics_token")
    @classmethod
    def _fit_for_a_header(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if text and (len(text) < LEAST_TOKEN_CHARACTERS or not cls._is_word(text)):
            raise ValueError(
                f"must have at least {LEAST_TOKEN_CHARACTERS} characters, all of them "
                "printable ASCII and none a space"
            )
        return value

    @field_validator("cdn_purge_url")
    @classmethod
    def _of_a_cdn(cls, value: str, info: ValidationInfo) -> str:
        if value and not info.data.get("cdn_base_url"):
            raise ValueError("needs CDN_BASE_URL: addresses under it are purged")
        return value

    @field_validator("cdn_purge_token")
    @classmethod
    def _one_word(cls, value: SecretStr) -> SecretStr:
        if not cls._is_word(value.get_secret_value() or "-"):
            raise ValueError("must be printable ASCII without a space")
        return value

    @staticmethod
    def _is_word(text: str) -> bool:
        return text.isascii() and text.isprintable() and " " not in text

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

    @field_validator(
        "s3_endpoint_url", "s3_public_url", "cdn_base_url", "cdn_purge_url"
    )
    @classmethod
    def _web(cls, value: str) -> str:
        if value:
            Address("http", "https").check_host(value)
        return value

    @field_validator("staging_dir")
    @classmethod
    def _absolute(cls, value: Path, info: ValidationInfo) -> Path:
        if value == Path() and info.data.get("staging_backend") == "s3":
            return Path(tempfile.gettempdir())
        if not value.is_absolute():
            raise ValueError("STAGING_DIR must be an absolute path")
        return value

    @property
    def public_s3_url(self) -> str:
        """The S3 endpoint as clients reach it."""
        return self.s3_public_url or self.s3_endpoint_url

    @property
    def cdn_url(self) -> str:
        """The base to which object keys are appended; the bucket itself by default."""
        base = self.cdn_base_url or f"{self.public_s3_url.rstrip('/')}/{self.s3_bucket}"
        return base.rstrip("/")
