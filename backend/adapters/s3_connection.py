"""The S3 client and what its errors mean."""

import functools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import structlog

from backend.domain.errors import ObjectStoreAway, StagingAway
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.health import StoreName
from backend.use_cases.ports.metrics import UNOBSERVED, StoreObserver

_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class S3Settings:
    """The address, credentials and timeouts of the object store."""

    endpoint_url: str
    bucket: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    connect_timeout_seconds: float = 3
    read_timeout_seconds: float = 30
    attempts: int = 3
    connections: int = 8


class S3Connection:
    """Makes its one client on first need.

    boto3 is imported there and not before: the API process does without it, and the
    import takes a quarter of a second, so `client` belongs on a thread.
    """

    # boto3's sessions are not safe to make clients from on two threads.
    _MAKING: ClassVar = threading.Lock()

    def __init__(
        self, settings: S3Settings, observer: StoreObserver = UNOBSERVED
    ) -> None:
        self._settings = settings
        self._observer = observer
        self._lock = threading.Lock()
        self._made: Any = None

    @property
    def bucket(self) -> str:
        return self._settings.bucket

    @property
    def region(self) -> str:
        return self._settings.region

    @property
    def client(self) -> Any:
        with self._lock:
            if self._made is None:
                with self._MAKING:
                    self._made = self._make()
            return self._made

    def close(self) -> None:
        with self._lock:
            if self._made is not None:
                self._made.close()
                self._made = None

    def _make(self) -> Any:
        from botocore.config import Config

        settings = self._settings
        config = Config(
            connect_timeout=settings.connect_timeout_seconds,
            read_timeout=settings.read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": settings.attempts},
            max_pool_connections=settings.connections,
            # The body is covered by a checksum header that is signed; to sign the body
            # too would hash it a third time.
            s3={"addressing_style": "path", "payload_signing_enabled": False},
            # The trailers that are sent otherwise are refused by many stores.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        client = self._session().client(
            "s3",
            endpoint_url=settings.endpoint_url,
            region_name=settings.region,
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=settings.secret_access_key,
            config=config,
        )
        S3Clock(self._observer).listen_to(client)
        return client

    @staticmethod
    @functools.cache
    def _session() -> Any:
        """One for all clients of the process: it reads what S3 can do, 170 ms, once."""
        import boto3

        return boto3.session.Session()


class S3Clock:
    """Times each operation of a client, with all its retries; a body is read later."""

    _BEGAN: ClassVar = "mediaproject_began"

    def __init__(self, observer: StoreObserver) -> None:
        self._observer = observer

    def listen_to(self, client: Any) -> None:
        client.meta.events.register("before-call.s3", self._begin)
        client.meta.events.register("after-call.s3", self._end)
        client.meta.events.register("after-call-error.s3", self._fail)

    def _begin(self, context: dict[str, Any], **_: object) -> None:
        context[self._BEGAN] = time.monotonic()

    def _end(self, context: dict[str, Any], **event: Any) -> None:
        """A refusal counts as an answer, except a 5xx."""
        status = getattr(event["http_response"], "status_code", 500)
        self._tell(context, event["model"].name, answered=status < 500)

    def _fail(self, context: dict[str, Any], event_name: str, **_: object) -> None:
        self._tell(context, event_name.rpartition(".")[2], answered=False)

    def _tell(self, context: dict[str, Any], operation: str, *, answered: bool) -> None:
        began = context.get(self._BEGAN)
        if began is not None:
            seconds = time.monotonic() - began
            self._observer.asked(StoreName.S3, operation, seconds, answered=answered)


class S3Errors:
    """Turns what botocore raises into what the domain knows."""

    _DAMAGED: ClassVar = frozenset(
        {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "IncompleteBody"}
    )
    # These mean "not now" although they are not 5xx. An upload that is gone was
    # aborted by a newer attempt on the same key; room can be made.
    _AWAY: ClassVar = frozenset(
        {
            *("RequestTimeout", "SlowDown", "Throttling", "OperationAborted"),
            *("NoSuchUpload", "QuotaExceeded"),
        }
    )
    _NOT_IMPLEMENTED: ClassVar = 501

    @classmethod
    @contextmanager
    def translated(cls, doing: str) -> Iterator[None]:
        """Raises `ObjectStoreAway` or `JobFailed`; `doing` completes "while …".

        `StagingAway` of a body that is read inside the block stays what it is.
        """
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ParamValidationError,
        )

        try:
            yield
        except ClientError as error:
            raise cls._refusal(error.response, doing) from error
        except ParamValidationError:
            raise
        except BotoCoreError as error:
            raise cls._silence(error, doing) from error

    @staticmethod
    def _silence(error: Any, doing: str) -> Exception:
        """What a body raised when botocore read it is no silence of the store."""
        if isinstance(cause := error.kwargs.get("error"), StagingAway):
            return cause
        # botocore's text has the address of the store, which is for operators only.
        _LOG.warning("s3.away", doing=doing, reason=str(error))
        return ObjectStoreAway(f"The object store did not answer while {doing}")

    @classmethod
    def _refusal(cls, response: Any, doing: str) -> Exception:
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        code = str(response.get("Error", {}).get("Code", status))
        reason = str(response.get("Error", {}).get("Message", ""))[:300]
        said = f"{status} {code} while {doing}: {reason}"
        return cls._failure(status, code, f"The object store answered {said}")

    @staticmethod
    def no_bucket(name: str) -> JobFailed:
        """To be asked for when an object is absent: a HEAD cannot distinguish a lost
        object from a wrong bucket, and healing would treat every media as lost."""
        return JobFailed(FailureCode.OBJECT_STORE_DENIED, f"There is no bucket {name}")

    @classmethod
    def of_status(cls, status: int, doing: str) -> Exception:
        """What a refusal without a body means; `doing` completes "while …"."""
        return cls._failure(
            status, str(status), f"The object store answered {status} while {doing}"
        )

    @classmethod
    def _failure(cls, status: int, code: str, text: str) -> Exception:
        if code in cls._DAMAGED:
            return JobFailed(FailureCode.OBJECT_DAMAGED, text)
        if cls._may_pass(status, code):
            return ObjectStoreAway(text)
        return JobFailed(FailureCode.OBJECT_STORE_DENIED, text)

    @classmethod
    def _may_pass(cls, status: int, code: str) -> bool:
        if status == cls._NOT_IMPLEMENTED:
            return False
        return status >= 500 or status in {408, 429} or code in cls._AWAY

    @classmethod
    def is_absence(cls, error: Exception) -> bool:
        """Whether a ClientError says that there is no such object (or bucket: HEAD)."""
        return cls._code_of(error) in {"404", "NoSuchKey"}

    @classmethod
    def is_missing_upload(cls, error: Exception) -> bool:
        """Whether it says that the upload in parts has been ended, or never begun."""
        return cls._code_of(error) == "NoSuchUpload"

    @staticmethod
    def _code_of(error: Exception) -> str:
        response: Any = getattr(error, "response", {})
        return str(response.get("Error", {}).get("Code"))
