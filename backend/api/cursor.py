"""The opaque cursor of a page: where the next one starts."""

import base64
import binascii
import hmac
from functools import cache
from typing import Any, Generic, TypeVar

from django.utils.crypto import salted_hmac
from pydantic import TypeAdapter

from backend.domain.errors import Invalid

Start = TypeVar("Start", bound=tuple[Any, ...])

# Enough for the longest folded title; a longer cursor is not one of ours.
CURSOR_MOST_CHARACTERS = 3_000
_SEAL_BYTES = 12


class PageCursor(Generic[Start]):
    """Turns the start of a page into text for a URL and back.

    `kind` is the `NamedTuple` of the start, `query` says what is listed in which order.
    A seal binds both together: only cursors made here for this query are accepted, so
    their values can be passed to the database unchanged.
    """

    def __init__(self, kind: type[Start], query: str = "") -> None:
        self._kind = kind
        self._query = query

    def encode(self, start: Start) -> str:
        place: bytes = self._adapter(self._kind).dump_json(start)
        return self._text(self._seal(place) + place)

    def decode(self, cursor: str) -> Start:
        """Raises `Invalid` for anything that `encode` did not make for this query."""
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            sealed = base64.b64decode(padded, altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            sealed = b""
        seal, place = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
        is_ours = hmac.compare_digest(seal, self._seal(place))
        # Base64 has several spellings of the same bytes.
        if not is_ours or self._text(sealed) != cursor:
            raise Invalid(problems={"cursor": "This is not a cursor of this list."})
        start: Start = self._adapter(self._kind).validate_json(place)
        return start

    def _seal(self, place: bytes) -> bytes:
        value = f"{self._kind.__name__}\n{self._query}\n".encode() + place
        sealed = salted_hmac("page-cursor", value, algorithm="sha256")
        return bytes(sealed.digest()[:_SEAL_BYTES])

    @staticmethod
    def _text(sealed: bytes) -> str:
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    @staticmethod
    @cache
    def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
        return TypeAdapter(kind)
