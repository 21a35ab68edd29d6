"""The visible state of media, each as one row of one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from django.db.models import QuerySet

from backend.domain.media import UrlKind
from backend.domain.states import SHOWN_MEDIA
from backend.orm.models import Media
from backend.orm.pages import Page, Start


class MediaSummaryRow(NamedTuple):
    """A media as lists show it; titles are ordered by `folded_title`."""

    uuid: UUID
    title: str
    folded_title: str
    status: str
    owner_id: UUID
    size_bytes: int
    media_type: str
    duration_seconds: float | None
    created_at: datetime
    updated_at: datetime
    miniature_key: str | None


class MediaRow(NamedTuple):
    """The whole of a media. `job_statuses` has the newest job of each kind."""

    summary: MediaSummaryRow
    description: str
    sha256: str
    file_name: str
    revision: int
    technical: Mapping[str, Any] | None
    failure_code: str
    video_key: str | None
    job_statuses: Mapping[str, str]


MediaPage: TypeAlias = Page[MediaSummaryRow, Start]


class MediaRows:
    """The SQL of rows, which sees one state of everything.

    It is written out because it is most of the cost of a read that misses the cache.
    `tests/integration/test_media_rows.py` compares it with the models.
    """

    # Constants, so that a prepared statement can use the indexes of visible media.
    IS_SHOWN = "media.status IN ({})".format(
        ", ".join(f"'{status}'" for status in SHOWN_MEDIA)
    )
    FROM = "FROM media JOIN blob ON blob.uuid = media.video_id"
    _KEY = (
        "(SELECT url.object_key FROM url"
        " WHERE url.media_id = media.uuid AND url.kind = '{}')"
    )
    # In the order of `MediaSummaryRow`.
    SUMMARY = f"""
        media.uuid, media.title, media.folded_title, media.status, media.owner_id,
        blob.size_bytes, blob.media_type, media.duration_seconds, media.created_at,
        media.updated_at, {_KEY.format(UrlKind.MINIATURE)}
    """
    # If a key has several values the last one wins.
    WHOLE = f"""
        {SUMMARY}, media.description, blob.sha256, media.file_name, media.revision,
        media.technical, media.failure_code, {_KEY.format(UrlKind.VIDEO)},
        coalesce((SELECT jsonb_object_agg(job.kind, job.status ORDER BY job.queued_at)
                    FROM job WHERE job.media_id = media.uuid), '{{}}')
    """  # noqa: S608 - made of constants

    @staticmethod
    def shown() -> QuerySet[Media]:
        return Media.objects.filter(status__in=SHOWN_MEDIA)

    @staticmethod
    def whole(values: Sequence[Any]) -> MediaRow:
        """Of the columns of `WHOLE`."""
        width = len(MediaSummaryRow._fields)
        return MediaRow(MediaSummaryRow._make(values[:width]), *values[width:])
