"""The opaque cursor of a page: where the next one starts."""

import base64
import binascii
from datetime import datetime, timedelta
from uuid import UUID

from backend.domain.errors import Invalid
from backend.orm.media_repository import PageStart


class PageCursor:
    """Turns the start of a page into text for a URL and back."""

    @staticmethod
    def encode(start: PageStart) -> str:
        text = f"{start.created_at.isoformat()} {start.media_id}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @staticmethod
    def decode(cursor: str) -> PageStart:
        """Raises `Invalid` for anything that `encode` has not made."""
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
            moment, _, media_id = text.partition(" ")
            start = PageStart(datetime.fromisoformat(moment), UUID(media_id))
        except (ValueError, binascii.Error):
            start = None
        # Only its own spelling of the same place, in UTC, is a cursor.
        if (
            start is None
            or start.created_at.utcoffset() != timedelta()
            or PageCursor.encode(start) != cursor
        ):
            raise Invalid(problems={"cursor": "This is not a cursor of a page."})
        return start
