"""Every refusal with its HTTP status: for the OpenAPI document, a page and the tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from backend.api.http import refusals
from backend.api.http.errors import status_of
from backend.domain import errors
from backend.domain.errors import MediaProjectError
from backend.domain.failures import FAILURES, Failure
from backend.domain.jobs import RetryPolicy


@dataclass(frozen=True, slots=True)
class CataloguedError:
    """What a code means to a client."""

    code: str
    status: int
    title: str
    retryable: bool
    advice: str

    @classmethod
    def of(cls, error: type[MediaProjectError]) -> Self:
        return cls(
            error.code, status_of(error), error.title, error.retryable, error.advice
        )


class ErrorCatalogue:
    """All refusals that have a code, those of HTTP among them, by status and code.

    A class without a code of its own is a kind of errors, or another case of its base.
    """

    def __init__(self) -> None:
        named = {**vars(errors), **vars(refusals)}
        entries = [CataloguedError.of(e) for e in named.values() if self._has_code(e)]
        self._entries = sorted(entries, key=lambda entry: (entry.status, entry.code))

    def __iter__(self) -> Iterator[CataloguedError]:
        return iter(self._entries)

    @property
    def codes(self) -> list[str]:
        return sorted(entry.code for entry in self)

    @staticmethod
    def _has_code(member: object) -> bool:
        return (
            isinstance(member, type)
            and issubclass(member, MediaProjectError)
            and "code" in vars(member)
        )


class ErrorPage:
    """The catalogue as a page for people, in Markdown."""

    _BEGINNING = """# Errors

Made by `python manage.py write_error_page` from [`backend/domain/errors.py`](../backend/domain/errors.py),
[`backend/api/http/refusals.py`](../backend/api/http/refusals.py), [`backend/api/http/errors.py`](../backend/api/http/errors.py) and [`backend/domain/failures.py`](../backend/domain/failures.py).

## Refused requests

Every refusal is an `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`, `code`, `instance` and `errors`, which names
each wrong field. A code never changes its meaning; `detail` is for people. Each operation of the OpenAPI document names the codes it answers.
*Again* says whether the same request may succeed later. Nothing is stored by a refused request.
"""
    _FAILURES = """
## Failed jobs

Why an attempt of a background job failed is shown in `GET /media/{uuid}/jobs/`, and in `failure` of a media that failed. *Tried again* says how
often the job is tried automatically before it has failed for good; a store that is away costs no attempt. Between attempts it waits a second,
then twice as long each time, up to 15 s and with jitter; only after the first lost lease it continues at once. Retry a job that has failed for good
with `POST /media/{uuid}/jobs/`. `delete_media` is retried until it succeeds, whatever the failure.
"""

    def __init__(self, catalogue: ErrorCatalogue) -> None:
        self._catalogue = catalogue

    def rendered(self) -> str:
        return "".join(
            [
                self._BEGINNING,
                self._table(
                    ("Status", "Code", "Title", "Again", "What to do"),
                    (self._refusal(entry) for entry in self._catalogue),
                ),
                self._FAILURES,
                self._table(
                    ("Code", "Title", "Tried again", "What to do"),
                    (self._failure(failure) for failure in FAILURES.values()),
                ),
            ]
        )

    @classmethod
    def _refusal(cls, entry: CataloguedError) -> tuple[str, ...]:
        again = cls._yes(entry.retryable)
        return str(entry.status), f"`{entry.code}`", entry.title, again, entry.advice

    @classmethod
    def _failure(cls, failure: Failure) -> tuple[str, ...]:
        again = cls._again(RetryPolicy().most_attempts(failure))
        return f"`{failure.code}`", failure.title, again, failure.advice

    @staticmethod
    def _again(most_attempts: int | None) -> str:
        if most_attempts is None:
            return "until it works"
        if most_attempts == 1:
            return "no: permanent"
        return f"up to {most_attempts} attempts"

    @staticmethod
    def _yes(is_so: bool) -> str:
        return "yes" if is_so else "no"

    @staticmethod
    def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
        lines = [head, ("---",) * len(head), *rows]
        return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)
