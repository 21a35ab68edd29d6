"""Reads of media and their jobs."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from backend.domain.errors import MediaNotFound
from backend.domain.states import SHOWN_MEDIA
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Job, Media

# `http.md`: the total of a page is exact to here.
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class PageStart:
    """The last row of the page before: the next page begins after it."""

    created_at: datetime
    media_id: UUID


@dataclass(frozen=True, slots=True)
class MediaPage:
    """`after` is where the next page starts, None on the last one."""

    items: list[Media]
    after: PageStart | None
    total: int
    total_is_exact: bool


class MediaRepository:
    """What readers see of media: those that are deleting or deleted are not there.

    Every method raises `DatabaseAway`; those that name a media raise `MediaNotFound`.
    """

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads

    async def detail(self, media_id: UUID) -> Media:
        """The media with video, miniature, urls and jobs (newest first) loaded."""
        return await self._threads.run(self._detail, media_id)

    async def page(self, limit: int, start: PageStart | None) -> MediaPage:
        """Newest first, each with video and urls loaded."""
        return await self._threads.run(self._page, limit, start)

    async def jobs(self, media_id: UUID) -> list[Job]:
        """All jobs of the media, newest first, with their attempts loaded."""
        return await self._threads.run(self._jobs, media_id)

    async def blob_id(self, media_id: UUID) -> UUID:
        async with self._threads.context():
            blob_id = await (
                Media.objects.filter(uuid=media_id, status__in=SHOWN_MEDIA)
                .values_list("video", flat=True)
                .afirst()
            )
        if blob_id is None:
            raise MediaNotFound
        return blob_id

    @staticmethod
    def _detail(media_id: UUID) -> Media:
        media = (
            Media.objects.select_related("video")
            .prefetch_related("urls", "jobs")
            .filter(uuid=media_id, status__in=SHOWN_MEDIA)
            .first()
        )
        if media is None:
            raise MediaNotFound
        return media

    @classmethod
    def _page(cls, limit: int, start: PageStart | None) -> MediaPage:
        shown = Media.objects.filter(status__in=SHOWN_MEDIA)
        counted = shown.order_by()[: MOST_COUNTED + 1].count()
        rows = list(
            cls._after(
                start, shown.select_related("video").prefetch_related("urls")
            ).order_by("-created_at", "-uuid")[: limit + 1]
        )
        items = rows[:limit]
        more = len(rows) > limit
        return MediaPage(
            items=items,
            after=PageStart(items[-1].created_at, items[-1].uuid) if more else None,
            total=min(counted, MOST_COUNTED),
            total_is_exact=counted <= MOST_COUNTED,
        )

    @staticmethod
    def _after(start: PageStart | None, media: QuerySet[Media]) -> QuerySet[Media]:
        if start is None:
            return media
        earlier = Q(created_at__lt=start.created_at)
        same_moment = Q(created_at=start.created_at, uuid__lt=start.media_id)
        # The first condition lets the index begin at the right place.
        return media.filter(
            Q(created_at__lte=start.created_at) & (earlier | same_moment)
        )

    @staticmethod
    def _jobs(media_id: UUID) -> list[Job]:
        shown = Media.objects.filter(uuid=media_id, status__in=SHOWN_MEDIA)
        if not shown.exists():
            raise MediaNotFound
        jobs = Job.objects.filter(media=media_id).prefetch_related("attempts")
        return list(jobs.order_by("-queued_at", "kind"))
