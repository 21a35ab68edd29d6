"""Media as answers show them."""

from typing import Any

from backend.api.schemas.media import FailureOut
from backend.orm.media_rows import MediaPage, MediaRow, MediaSummaryRow
from backend.use_cases.ports import CdnAddresses

Shape = dict[str, Any]


class MediaShapes:
    """Makes JSON-ready values directly from rows.

    The schemas of the same names document them, but are not built for each answer, as
    that costs more than all the rest. `tests/integration/test_answers_documented.py`
    compares the two. Addresses are made when they are shown.
    """

    def __init__(self, addresses: CdnAddresses) -> None:
        self._addresses = addresses

    def summary(self, media: MediaSummaryRow) -> Shape:
        """A `MediaSummaryOut`."""
        return {
            "uuid": media.uuid,
            "title": media.title,
            "status": media.status,
            "owner": media.owner_id,
            "size": media.size_bytes,
            "media_type": media.media_type,
            "duration": media.duration_seconds,
            "miniature_url": self._address(media.miniature_key),
            "created_at": media.created_at,
            "updated_at": media.updated_at,
        }

    def whole(self, media: MediaRow) -> Shape:
        """A `MediaOut`."""
        summary = self.summary(media.summary)
        urls = {
            "video": self._address(media.video_key),
            "miniature": summary["miniature_url"],
        }
        return {
            **summary,
            "description": media.description,
            "sha256": media.sha256,
            "file_name": media.file_name,
            "revision": media.revision,
            "urls": urls,
            "technical": media.technical,
            "jobs": media.job_statuses,
            "failure": FailureOut.of(media.failure_code),
        }

    def page(self, page: MediaPage[Any], following: str | None) -> Shape:
        """A `MediaPageOut`; `following` is the cursor of the next page."""
        return {
            "items": [self.summary(media) for media in page.items],
            "next": following,
            "total": page.total,
            "total_is_exact": page.total_is_exact,
        }

    def _address(self, key: str | None) -> str | None:
        return self._addresses.address(key) if key else None
