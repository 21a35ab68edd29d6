"""`GET` and `PATCH /media/{uuid}/` on the real stores, as a client sees them."""

import asyncio
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from pydantic import SecretStr

from backend.config.worker_container import WorkerContainer
from backend.orm.models import Media
from tests.answers import problem
from tests.clips import ClipMaker
from tests.media_http import Caller, Service


@pytest.fixture
async def owner(service: Service) -> Caller:
    return await service.signed_in("owner@example.org", "media_operator")


@pytest.fixture
async def media_id(service: Service, owner: Caller) -> UUID:
    shelf = await service.shelf("owner@example.org")
    return (await shelf.put("Before"))[0]


BAD_FIELDS: list[tuple[dict[str, object], str]] = [
    ({"title": None}, "title"),
    ({"description": None}, "description"),
    ({"title": ""}, "title"),
    ({"title": "  "}, "title"),
    ({"title": "\u200b"}, "title"),
    ({"title": "a\x00b"}, "title"),
    ({"title": "x" * 201}, "title"),
    ({"title": 7}, "title"),
    ({"title": ["x"]}, "title"),
    ({"description": "x" * 5_001}, "description"),
    ({"title": "x", "uuid": str(uuid4())}, "uuid"),
    ({"status": "ready"}, "status"),
    ({"sha256": "0" * 64}, "sha256"),
    ({"owner": str(uuid4())}, "owner"),
    ({"created_at": "2026-01-01T00:00:00Z"}, "created_at"),
    ({"revision": 9}, "revision"),
    ({"tags": []}, "tags"),
]


class TestDetail:
    async def test_it_is_sent_again_only_when_it_has_changed(
        self, owner: Caller, media_id: UUID
    ) -> None:
        path = f"/media/{media_id}/"
        first = await owner.get_with(path)
        tag = first.headers["ETag"]
        assert tag == f'"{first.json()["revision"]}"'
        assert first.headers["Cache-Control"] == "private, no-cache"

        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await owner.get_with(path, If_None_Match=known)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["ETag"] == tag
            assert again.headers["Cache-Control"] == "private, no-cache"
            assert "content-type" not in again.headers

        await owner.patch(media_id, {"title": "After"})
        changed = await owner.get_with(path, If_None_Match=tag)
        assert (changed.status_code, changed.json()["title"]) == (200, "After")
        assert changed.headers["ETag"] != tag

    async def test_it_is_sent_to_whoever_names_something_else(
        self, owner: Caller, media_id: UUID
    ) -> None:
        too_long = '"1",' * 1_100
        for header in ('"77"', "garbage", '"unclosed', "", "W/1", too_long):
            answer = await owner.get_with(f"/media/{media_id}/", If_None_Match=header)
            assert answer.status_code == 200

    async def test_a_uuid_may_be_written_in_capitals(
        self, owner: Caller, media_id: UUID
    ) -> None:
        """RFC 9562, 4: they are taken in either case, and Apple's are in upper case."""
        path = f"/media/{str(media_id).upper()}/"
        assert (await owner.get_with(path)).json() == (
            await owner.get_with(f"/media/{media_id}/")
        ).json()
        assert (await owner.get_with(f"{path}jobs/")).status_code == 200
        unknown = await owner.get_with(f"/media/{str(uuid4()).upper()}/")
        assert problem(unknown) == (404, "media_not_found")

    async def test_what_was_not_there_is_there_as_soon_as_it_is(
        self, service: Service, owner: Caller
    ) -> None:
        coming = uuid4()
        assert problem(await owner.get(coming)) == (404, "media_not_found")
        shelf = await service.shelf("owner@example.org")
        await shelf.put_all([{"title": "New", "uuid": coming}])
        assert (await owner.get(coming)).status_code == 200


class TestChange:
    async def test_readers_see_it_at_once(self, owner: Caller, media_id: UUID) -> None:
        before = (await owner.get(media_id)).json()
        await owner.list()
        await owner.search("after")

        answer = await owner.patch(
            media_id, {"title": " Äfter ", "description": "what is in it"}
        )

        assert answer.status_code == 200
        assert answer.headers["ETag"] == f'"{before["revision"] + 1}"'
        told = {"title": "Äfter", "description": "what is in it"}
        seen = (await owner.get(media_id)).json()
        assert seen == answer.json()
        assert seen == before | told | {
            "revision": before["revision"] + 1,
            "updated_at": seen["updated_at"],
        }
        assert seen["updated_at"] > before["updated_at"]
        assert (await owner.list()).json()["items"][0]["title"] == "Äfter"
        assert (await owner.search("after")).json()["total"] == 1
        assert (await owner.search("before")).json()["total"] == 0

    async def test_what_is_so_already_raises_no_revision(
        self, owner: Caller, media_id: UUID
    ) -> None:
        before = (await owner.get(media_id)).json()
        for body in ({}, {"title": "Before"}, {"description": ""}):
            answer = await owner.patch(media_id, body)
            assert (answer.status_code, answer.json()) == (200, before)

    async def test_a_description_can_be_taken_away(
        self, owner: Caller, media_id: UUID
    ) -> None:
        await owner.patch(media_id, {"description": "x"})
        answer = await owner.patch(media_id, {"description": ""})
        assert answer.json()["description"] == ""

    async def test_bad_fields_are_named_and_change_nothing(
        self, owner: Caller, media_id: UUID
    ) -> None:
        for body, field in BAD_FIELDS:
            answer = await owner.patch(media_id, {"description": "new", **body})
            assert problem(answer) == (422, "invalid")
            assert [error["field"] for error in answer.json()["errors"]] == [field]
        for other in ([], "title", None, 7):
            assert problem(await owner.patch(media_id, other)) == (422, "invalid")
        media = await Media.objects.aget(uuid=media_id)
        assert (media.title, media.description, media.revision) == ("Before", "", 1)

    async def test_who_may(self, service: Service, media_id: UUID) -> None:
        viewer = await service.signed_in("viewer@example.org", "viewer")
        other = await service.signed_in("other@example.org", "media_operator")
        admin = await service.signed_in("admin@example.org", "admin")
        for caller in (viewer, other):
            refused = await caller.patch(media_id, {"title": "Mine"})
            assert problem(refused) == (403, "right_missing")
        assert (await admin.patch(media_id, {"title": "All"})).status_code == 200

    async def test_a_media_that_is_not_there(
        self, owner: Caller, media_id: UUID
    ) -> None:
        await owner.delete(media_id)
        for gone in (media_id, uuid4()):
            answer = await owner.patch(gone, {"title": "x"}, If_Match='"1"')
            assert problem(answer) == (404, "media_not_found")


class TestIfMatch:
    async def test_the_revision_that_was_read(
        self, owner: Caller, media_id: UUID
    ) -> None:
        headers = ('"1"', "2", "*", '"7", "4"', '"a,b" ,, "5",', '"6",' * 1_000)
        for n, header in enumerate(headers, start=2):
            answer = await owner.patch(media_id, {"title": f"{n}"}, If_Match=header)
            assert (answer.status_code, answer.json()["revision"]) == (200, n), header

    async def test_any_other_revision(self, owner: Caller, media_id: UUID) -> None:
        """A weak tag never matches: RFC 9110, 13.1.1."""
        for header in ('"2"', "2", '"01"', 'W/"1"', '""', '"0", W/"1"'):
            for body in ({"title": "After"}, {}):
                answer = await owner.patch(media_id, body, If_Match=header)
                assert problem(answer) == (412, "revision_mismatch")
        assert (await Media.objects.aget(uuid=media_id)).title == "Before"

    async def test_what_is_no_list_of_tags(self, owner: Caller, media_id: UUID) -> None:
        """It was meant to protect something, so it is not passed over."""
        headers = ("", "abc", '"1', "W/1", '*, "1"', '"1" "2"', '"\x7f"', "-1", ",")
        for header in (*headers, '"1",' * 1_100):
            answer = await owner.patch(media_id, {"title": "After"}, If_Match=header)
            assert problem(answer) == (400, "malformed_request"), header
        assert (await Media.objects.aget(uuid=media_id)).title == "Before"

    async def test_of_many_at_once_one_wins(
        self, owner: Caller, media_id: UUID
    ) -> None:
        answers = await asyncio.gather(
            *(
                owner.patch(media_id, {"title": f"Title {n}"}, If_Match='"1"')
                for n in range(6)
            )
        )
        assert sorted(a.status_code for a in answers) == [200] + [412] * 5
        winner = next(a for a in answers if a.status_code == 200)
        assert (await owner.get(media_id)).json() == winner.json()


class TestWhatWorkersDo:
    async def test_it_is_seen_at_once_though_nobody_was_told(
        self, service: Service, owner: Caller, clips: ClipMaker
    ) -> None:
        """A worker whose Redis is away cannot make known what it does."""
        nowhere = {"redis_url": SecretStr("redis://127.0.0.1:1")}
        alone = WorkerContainer(settings.ENVIRONMENT.model_copy(update=nowhere))
        media_id = await owner.uploaded(clips.mp4())
        statuses = []
        for actor in alone.actors:
            statuses.append((await owner.get(media_id)).json()["status"])
            await actor.perform(media_id)
        last = (await owner.get(media_id)).json()
        await alone.close()

        assert statuses[0] == "pending"
        assert statuses[1] == "processing"
        assert last["status"] == "ready"
        assert set(last["jobs"].values()) == {"succeeded"}
        assert last["miniature_url"]
