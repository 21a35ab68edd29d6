"""`GET /media/` on the real stores, as a client sees it."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from backend.domain.freshness import Scopes
from backend.orm.models import Blob, Media
from tests.answers import titles
from tests.media_http import Caller, Service
from tests.shelf import Shelf

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ORDERINGS = ("-created_at", "created_at", "title", "-title")


@pytest.fixture
async def reader(service: Service) -> Caller:
    return await service.signed_in("reader@example.org", "media_operator")


@pytest.fixture
async def shelf(service: Service, reader: Caller) -> Shelf:
    return await service.shelf("reader@example.org")


def moment(day: int) -> datetime:
    return BEGIN + timedelta(days=day)


async def walked(
    reader: Caller, parameters: dict[str, Any], between: Any = None
) -> list[str]:
    """The uuids of all pages."""
    seen, cursor = [], {}
    while True:
        answer = await reader.list(**parameters, **cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        seen += [item["uuid"] for item in page["items"]]
        if page["next"] is None:
            return seen
        cursor = {"cursor": page["next"]}
        if between is not None:
            await between()


class TestFilters:
    async def test_each_and_all_together(
        self, service: Service, reader: Caller, shelf: Shelf
    ) -> None:
        await service.signed_in("other@example.org", "media_operator")
        other = await service.shelf("other@example.org")
        await shelf.put_all(
            [
                {"title": "a", "created_at": moment(1), "duration_seconds": 1.5},
                {"title": "b", "created_at": moment(2), "status": "failed"},
                {"title": "c", "created_at": moment(3), "duration_seconds": 60.0},
            ]
        )
        await other.put_all(
            [{"title": "d", "created_at": moment(4), "duration_seconds": 1.5}]
        )
        sha256 = (await Blob.objects.aget(media__title="c")).sha256
        for parameters, expected in [
            ({}, "dcba"),
            ({"status": "failed"}, "b"),
            ({"status": "ready"}, ""),
            ({"owner": "me"}, "cba"),
            ({"owner": str(other.owner_id)}, "d"),
            ({"owner": str(uuid4())}, ""),
            ({"sha256": sha256}, "c"),
            ({"sha256": sha256.upper()}, "c"),
            ({"sha256": "0" * 64}, ""),
            # From the first moment on, to before the last.
            ({"created_after": moment(2).isoformat()}, "dcb"),
            ({"created_before": moment(2).isoformat()}, "a"),
            ({"created_after": "2026-01-03T01:00:00+01:00"}, "dcb"),
            ({"created_after": "2026-01-03T00:00:00.000001Z"}, "dc"),
            ({"created_before": "9999-12-31T23:59:59Z"}, "dcba"),
            # Both ends are in it; what has no duration yet is not.
            ({"min_duration": 1.5}, "dca"),
            ({"max_duration": 1.5}, "da"),
            ({"min_duration": 60, "max_duration": 60}, "c"),
            ({"min_duration": 1e308}, ""),
            ({"owner": "me", "max_duration": 2, "status": "processing"}, "a"),
        ]:
            answer = await reader.list(**parameters)
            assert "".join(titles(answer)) == expected, parameters
            assert answer.json()["total"] == len(expected)

    async def test_mine_is_not_anothers(self, service: Service, reader: Caller) -> None:
        """The same address, asked by two in turn."""
        other = await service.signed_in("other@example.org", "media_operator")
        await (await service.shelf("reader@example.org")).put("mine")
        await (await service.shelf("other@example.org")).put("theirs")
        for _ in range(2):
            assert titles(await reader.list(owner="me")) == ["mine"]
            assert titles(await other.list(owner="me")) == ["theirs"]

    async def test_a_bad_query_is_refused(self, reader: Caller) -> None:
        for query, field in [
            ("limit=0", "limit"),
            ("limit=-1", "limit"),
            ("limit=101", "limit"),
            ("limit=abc", "limit"),
            ("limit=1.5", "limit"),
            (f"limit={'9' * 31}", "limit"),
            ("cursor=abc", "cursor"),
            ("cursor=%00", "cursor"),
            (f"cursor={'A' * 9000}", "cursor"),
            ("status=deleting", "status"),
            ("status=", "status"),
            ("status=READY", "status"),
            ("owner=you", "owner"),
            ("owner=1", "owner"),
            ("sha256=abc", "sha256"),
            ("created_after=yesterday", "created_after"),
            ("created_after=1700000000", "created_after"),
            ("created_after=2026-01-01", "created_after"),
            ("created_after=2026-01-01T00:00:00", "created_after"),
            ("created_after=99999-01-01T00:00:00Z", "created_after"),
            ("created_after=0001-01-01T00:00:00%2B14:00", "created_after"),
            ("created_before=2026-13-01T00:00:00Z", "created_before"),
            (
                "created_after=2026-01-02T00:00:00Z&created_before=2026-01-01T00:00:00Z",
                "created_before",
            ),
            ("min_duration=-1", "min_duration"),
            ("min_duration=nan", "min_duration"),
            ("max_duration=inf", "max_duration"),
            ("max_duration=abc", "max_duration"),
            ("min_duration=2&max_duration=1", "max_duration"),
            ("ordering=size", "ordering"),
            ("ordering=?", "ordering"),
            ("ordering=owner__password", "ordering"),
            ("offset=1", "offset"),
            ("duration[$gt]=1", "duration[$gt]"),
            ("owner__is_superuser=1", "owner__is_superuser"),
        ]:
            answer = await reader.get_with(f"/media/?{query}")
            assert (answer.status_code, answer.json()["code"]) == (
                422,
                "invalid",
            ), query
            assert [e["field"] for e in answer.json()["errors"]] == [field], query


class TestOrdering:
    async def test_titles_without_case_and_accents(
        self, reader: Caller, shelf: Shelf
    ) -> None:
        ordered = ["!", "apple", "Äpple 2", "Banana", "éclair", "Zoo", "東京"]
        await shelf.put(*random.sample(ordered, len(ordered)))
        assert titles(await reader.list(ordering="title")) == ordered
        assert titles(await reader.list(ordering="-title")) == ordered[::-1]

    async def test_by_time(self, reader: Caller, shelf: Shelf) -> None:
        await shelf.put_all(
            {"title": str(n), "created_at": moment(n)} for n in (2, 1, 3)
        )
        assert titles(await reader.list()) == ["3", "2", "1"]
        assert titles(await reader.list(ordering="created_at")) == ["1", "2", "3"]


class TestPages:
    async def test_every_old_row_once_while_others_come(
        self, reader: Caller, shelf: Shelf
    ) -> None:
        """Any filters, any order, any size of a page; many rows share title and time."""
        chance = random.Random(5)

        def row() -> dict[str, Any]:
            return {
                "title": chance.choice(
                    ["Sun", "sün", "Moon", "moon!", "\uff21", "x" * 200]
                ),
                "created_at": moment(chance.randrange(4)),
                "status": chance.choice(["processing", "failed"]),
                "duration_seconds": chance.choice([None, 1.0, 2.0, 3.0]),
            }

        await shelf.put_all(row() for _ in range(40))
        choices: dict[str, list[Any]] = {
            "status": [None, "processing", "failed"],
            "owner": [None, "me"],
            "created_after": [None, moment(1).isoformat()],
            "created_before": [None, moment(3).isoformat()],
            "min_duration": [None, 2],
            "max_duration": [None, 2],
        }

        async def come() -> None:
            await shelf.put_all([row()])

        for turn in range(8):
            drawn = {name: chance.choice(values) for name, values in choices.items()}
            parameters = {k: v for k, v in drawn.items() if v is not None}
            parameters["ordering"] = ORDERINGS[turn % 4]
            old = await walked(reader, {**parameters, "limit": 100})
            size = chance.choice([1, 3, 7])
            seen = await walked(reader, {**parameters, "limit": size}, come)
            assert len(seen) == len(set(seen)), parameters
            assert [media for media in seen if media in set(old)] == old, parameters

    async def test_a_cursor_belongs_to_its_list(
        self, service: Service, reader: Caller, shelf: Shelf
    ) -> None:
        await shelf.put("a", "b", "c")
        whole = (await reader.list()).json()["items"]
        cursor = (await reader.list(limit=1, owner="me")).json()["next"]
        again = await reader.list(limit=2, owner=str(shelf.owner_id), cursor=cursor)
        assert again.json()["items"] == whole[1:]
        other = await service.signed_in("other@example.org", "media_operator")
        for answer in await asyncio.gather(
            reader.list(cursor=cursor),
            reader.list(cursor=cursor, owner="me", ordering="created_at"),
            reader.list(cursor=cursor, owner="me", ordering="title"),
            reader.list(cursor=cursor, owner="me", status="processing"),
            reader.list(cursor=cursor[:-1], owner="me"),
            reader.list(cursor=cursor + "A", owner="me"),
            other.list(cursor=cursor, owner="me"),
        ):
            assert answer.status_code == 422
            assert [e["field"] for e in answer.json()["errors"]] == ["cursor"]

    async def test_the_total_is_exact_to_ten_thousand(
        self, reader: Caller, shelf: Shelf
    ) -> None:
        await shelf.fill("Sun", 10_000)
        for answer in (await reader.list(limit=1), await reader.search("sun", limit=1)):
            page = answer.json()
            assert (page["total"], page["total_is_exact"]) == (10_000, True)
        await shelf.put("Sun")
        for answer in (await reader.list(limit=1), await reader.search("sun", limit=1)):
            page = answer.json()
            assert (page["total"], page["total_is_exact"]) == (10_000, False)

    async def test_lists_before_a_moment_and_later_pages_say_so_too(
        self, service: Service, reader: Caller, shelf: Shelf
    ) -> None:
        await shelf.fill("Sun", 10_000)
        [last] = await shelf.put("Sun")
        moment = (await reader.get(last)).json()["created_at"]

        async def totals() -> list[tuple[int, bool]]:
            pages = [
                (await reader.list(limit=1, created_before=before)).json()
                for before in (moment, "2100-01-01T00:00:00Z")
            ]
            later = await reader.list(
                limit=1, created_before="2100-01-01T00:00:00Z", cursor=pages[1]["next"]
            )
            pages.append(later.json())
            return [(page["total"], page["total_is_exact"]) for page in pages]

        assert await totals() == [(10_000, True), (10_000, False), (10_000, False)]
        await Media.objects.filter(uuid=last).aupdate(status="deleting")
        await service.worker.freshness.changed(Scopes.MEDIA_LISTS)
        assert await totals() == [(10_000, True)] * 3
