"""The SQL that is written out for readers says what the models say."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, combinations, permutations
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db.models import Q
from django.utils import timezone

from backend.domain.errors import MediaNotFound
from backend.domain.jobs import JobKind
from backend.domain.states import SHOWN_MEDIA, JobStatus
from backend.orm.database_lines import DatabaseLines
from backend.orm.database_threads import DatabaseThreads
from backend.orm.media_lists import MediaFilter, MediaLists, MediaOrder, Ordering
from backend.orm.media_repository import MediaRepository
from backend.orm.media_rows import MediaRow, MediaSummaryRow
from backend.orm.models import Job, Media, Url
from backend.use_cases.ports import Freshness
from tests.accounts import Accounts
from tests.shelf import Shelf

STATUSES = [JobStatus.FAILED, JobStatus.SUCCEEDED, JobStatus.QUEUED]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
LOOKUPS = {
    "status": "status",
    "owner": "owner",
    "sha256": "video__sha256",
    "created_after": "created_at__gte",
    "created_before": "created_at__lt",
    "min_duration": "duration_seconds__gte",
    "max_duration": "duration_seconds__lte",
}


class Models:
    """What the same answers are by Django's ORM, one query for each part."""

    @classmethod
    def listed(
        cls, wanted: dict[str, Any], order: MediaOrder, after: MediaSummaryRow | None
    ) -> list[MediaSummaryRow]:
        column = Ordering(order).column
        sign, beyond = ("-", "lt") if order.startswith("-") else ("", "gt")
        media = Media.objects.filter(status__in=SHOWN_MEDIA).select_related("video")
        media = media.filter(**{LOOKUPS[name]: v for name, v in wanted.items()})
        if after is not None:
            value = getattr(after, column)
            media = media.filter(
                Q(**{f"{column}__{beyond}": value})
                | Q(**{column: value, f"uuid__{beyond}": after.uuid})
            )
        rows = media.order_by(f"{sign}{column}", f"{sign}uuid")
        return [cls.summary(row) for row in rows]

    @classmethod
    def one(cls, media_id: UUID) -> MediaRow:
        media = Media.objects.select_related("video").get(pk=media_id)
        jobs = Job.objects.filter(media=media).order_by("queued_at")
        return MediaRow(
            cls.summary(media),
            media.description,
            media.blob.sha256,
            media.file_name,
            media.revision,
            media.technical,
            media.failure_code,
            cls._key(media, "video"),
            {job.kind: job.status for job in jobs},
        )

    @classmethod
    def summary(cls, media: Media) -> MediaSummaryRow:
        assert media.owner_id is not None
        return MediaSummaryRow(
            media.uuid,
            media.title,
            media.folded_title,
            media.status,
            media.owner_id,
            media.blob.size_bytes,
            media.blob.media_type,
            media.duration_seconds,
            media.created_at,
            media.updated_at,
            cls._key(media, "miniature"),
        )

    @staticmethod
    def _key(media: Media, kind: str) -> str | None:
        url = Url.objects.filter(media=media, kind=kind).first()
        return url.object_key if url else None


class Collection:
    """Media of two owners in every state, many of them alike in what orders them."""

    COUNT = 60

    def __init__(self, owners: Sequence[UUID]) -> None:
        self._owners = owners
        self._dice = random.Random(7)

    def rows(self) -> Iterator[dict[str, Any]]:
        dice = self._dice
        for _ in range(self.COUNT):
            yield {
                "title": dice.choice(["Äpfel", "apfel", "Zebra", "a-b", "ÇA", "ß"]),
                "description": dice.choice(["", "“quoted” and\nlong " * 50]),
                "owner_id": dice.choice(self._owners),
                "status": dice.choice([*SHOWN_MEDIA, "deleting"]),
                "created_at": BEGIN + timedelta(days=dice.randrange(4)),
                "duration_seconds": dice.choice([None, 0.1, 1.5, 60.0]),
                "technical": dice.choice([None, {"container": "MPEG-4", "x": [1.5]}]),
                "published_at": BEGIN,
                "described_at": BEGIN,
            }

    def adorn(self, media_ids: Sequence[UUID]) -> None:
        """Give some of them addresses and jobs."""
        for media_id in media_ids:
            for kind in ("video", "miniature"):
                if self._dice.random() < 0.5:
                    Url.objects.create(
                        media_id=media_id, kind=kind, object_key=f"{kind}s/{media_id}"
                    )
            if self._dice.random() < 0.5:
                Job.objects.create(
                    media_id=media_id, kind=JobKind.UPLOAD_TO_CDN, status="queued"
                )

    def filters(self, sha256: str) -> Iterator[dict[str, Any]]:
        """None, each, every two and all of them, with values that some media have."""
        values: dict[str, Any] = {
            "status": "ready",
            "owner": self._owners[0],
            "sha256": sha256,
            "created_after": BEGIN + timedelta(days=1),
            "created_before": BEGIN + timedelta(days=3),
            "min_duration": 0.1,
            "max_duration": 1.5,
        }
        sets = chain.from_iterable(combinations(values, n) for n in (0, 1, 2, 7))
        return ({name: values[name] for name in names} for names in sets)


@pytest.fixture
async def media(
    accounts: Accounts, database_threads: DatabaseThreads, database_lines: DatabaseLines
) -> MediaRepository:
    return MediaRepository(database_threads, database_lines)


@pytest.fixture
async def collection(accounts: Accounts, freshness: Freshness) -> Collection:
    owners = [
        (await accounts.make(email, "media_operator")).user_id
        for email in ("ann@example.org", "bob@example.org")
    ]
    collection = Collection(owners)
    put = await Shelf(owners[0], freshness).put_all(collection.rows())
    await sync_to_async(collection.adorn)(put)
    return collection


class TestRows:
    @pytest.mark.timeout(600)
    async def test_lists_are_those_of_the_models(
        self, collection: Collection, database_lines: DatabaseLines
    ) -> None:
        """Every filter with every other, in every order, on both pages."""
        lists, models = MediaLists(database_lines), sync_to_async(Models.listed)
        some = await Media.objects.select_related("video").afirst()
        assert some is not None
        for wanted in collection.filters(some.blob.sha256):
            for order in MediaOrder:
                expected = await models(wanted, order, None)
                asked = MediaFilter(**wanted)
                first = await lists.page(asked, order, 100, None)
                assert list(first.items) == expected, (wanted, order)
                assert (first.total, first.after) == (len(expected), None)
                if len(expected) < 2:
                    continue
                half = await lists.page(asked, order, len(expected) // 2, None)
                assert half.after is not None
                rest = await lists.page(asked, order, 100, half.after)
                assert [*half.items, *rest.items] == expected, (wanted, order)
                assert rest.items == await models(wanted, order, half.items[-1])
                assert half.total == rest.total == len(expected)

    async def test_a_page_that_is_empty_by_now_has_its_total(
        self, collection: Collection, database_lines: DatabaseLines
    ) -> None:
        lists = MediaLists(database_lines)
        order = MediaOrder.NEWEST_FIRST
        for wanted in (MediaFilter(), MediaFilter(status="ready")):
            whole = await lists.page(wanted, order, 100, None)
            end = Ordering(order).start(whole.items[-1])
            beyond = await lists.page(wanted, order, 100, end)
            assert (beyond.items, beyond.total) == ([], whole.total)

    async def test_details_are_those_of_the_models(
        self, collection: Collection, media: MediaRepository
    ) -> None:
        shown = Media.objects.filter(status__in=SHOWN_MEDIA)
        async for media_id in shown.values_list("uuid", flat=True):
            expected = await sync_to_async(Models.one)(media_id)
            assert await media.detail(media_id) == expected
        hidden = await Media.objects.filter(status="deleting").afirst()
        assert hidden is not None
        with pytest.raises(MediaNotFound):
            await media.detail(hidden.uuid)


@pytest.mark.parametrize("places", list(permutations(range(len(STATUSES)))))
async def test_the_newest_job_of_a_kind_is_what_is_told(
    accounts: Accounts,
    freshness: Freshness,
    media: MediaRepository,
    places: tuple[int, ...],
) -> None:
    """In whichever order their rows lie in the table."""
    await accounts.make("ann@example.org", "media_operator")
    [media_id] = await (await Shelf.of("ann@example.org", freshness)).put("A film")
    began = timezone.now()
    for place in places:
        await Job.objects.acreate(
            media_id=media_id,
            kind=JobKind.MAKE_MINIATURE,
            status=STATUSES[place],
            failure_code="" if place else "unreadable_picture",
            finished_at=None if STATUSES[place] == JobStatus.QUEUED else began,
            queued_at=began.replace(microsecond=place),
        )
    found = await media.detail(media_id)
    assert found.job_statuses[JobKind.MAKE_MINIATURE] == STATUSES[-1]
