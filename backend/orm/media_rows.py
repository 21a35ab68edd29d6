"""What readers see of media, each as one row of one query."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from django.contrib.postgres.aggregates.mixins import OrderableAggMixin
from django.db.models import Aggregate, JSONField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from backend.domain.states import SHOWN_MEDIA
from backend.orm.models import Job, Media, Url
from backend.orm.pages import Page, Start


@dataclass(frozen=True, slots=True)
class MediaSummaryRow:
    """`object_keys` are those of its urls by kind."""

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
    object_keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MediaRow(MediaSummaryRow):
    """`job_statuses` has the newest job of each kind."""

    description: str
    sha256: str
    file_name: str
    revision: int
    technical: Mapping[str, Any] | None
    failure_code: str
    job_statuses: Mapping[str, str]


MediaPage: TypeAlias = Page[MediaSummaryRow, Start]


class _ObjectAgg(OrderableAggMixin, Aggregate):
    """Of several values under one key the last stays."""

    function = "jsonb_object_agg"
    # Without its place in here Django would leave the order out.
    template = "%(function)s(%(expressions)s %(order_by)s)"
    output_field = JSONField()


class MediaRows:
    """Reads shown media with one statement, which sees one state of everything."""

    _SUMMARY = (
        "uuid",
        "title",
        "folded_title",
        "status",
        "owner_id",
        "video__size_bytes",
        "video__media_type",
        "duration_seconds",
        "created_at",
        "updated_at",
        "object_keys",
    )
    _WHOLE = (
        *_SUMMARY,
        "description",
        "video__sha256",
        "file_name",
        "revision",
        "technical",
        "failure_code",
        "job_statuses",
    )

    @staticmethod
    def shown() -> QuerySet[Media]:
        return Media.objects.filter(status__in=SHOWN_MEDIA)

    @classmethod
    def summaries(cls, media: QuerySet[Media]) -> list[MediaSummaryRow]:
        """In the order of the query."""
        annotated = media.annotate(object_keys=cls._object_keys())
        rows = annotated.values_list(*cls._SUMMARY)
        return [MediaSummaryRow(*row) for row in rows]

    @classmethod
    def one(cls, media_id: UUID) -> MediaRow | None:
        annotated = cls.shown().annotate(
            object_keys=cls._object_keys(), job_statuses=cls._job_statuses()
        )
        rows = annotated.filter(uuid=media_id).values_list(*cls._WHOLE)
        row = rows.first()
        return MediaRow(*row) if row else None

    @classmethod
    def _object_keys(cls) -> Coalesce:
        return cls._collected(Url.objects, _ObjectAgg("kind", "object_key"))

    @classmethod
    def _job_statuses(cls) -> Coalesce:
        newest_last = _ObjectAgg("kind", "status", order_by="queued_at")
        return cls._collected(Job.objects, newest_last)

    @staticmethod
    def _collected(parts: Any, aggregate: Aggregate) -> Coalesce:
        of_media = parts.filter(media=OuterRef("uuid")).order_by().values("media")
        collected = of_media.annotate(collected=aggregate).values("collected")
        return Coalesce(Subquery(collected), Value({}, JSONField()))
