from typing import ClassVar

from django.db import DataError
from django.http import HttpResponse
from django.template.loader import render_to_string

from backend.domain.errors import (
    DatabaseAway,
    Malformed,
    MediaProjectError,
    TooManyRequests,
    Unavailable,
)
from backend.orm.away import Away


class Refusals:
    """Shows on a page what the API would answer as a problem."""

    _STATUS: ClassVar = {Malformed: 400, TooManyRequests: 429, Unavailable: 503}
    _RETRY_SECONDS: ClassVar = 5

    def page(self, raised: Exception) -> HttpResponse | None:
        """None for errors that Django has to answer."""
        error = self._translated(raised)
        kind = next((one for one in self._STATUS if isinstance(error, one)), None)
        if error is None or kind is None:
            return None
        text = render_to_string("admin_site/refused.html", {"error": error})
        page = HttpResponse(text, status=self._STATUS[kind])
        if error.retryable:
            seconds = getattr(error, "retry_after_seconds", self._RETRY_SECONDS)
            page["Retry-After"] = str(seconds)
        return page

    @staticmethod
    def _translated(raised: Exception) -> MediaProjectError | None:
        match raised:
            case MediaProjectError():
                return raised
            case DataError():  # A parameter that no column could hold.
                return Malformed()
        return DatabaseAway() if Away.is_meant_by(raised) else None
