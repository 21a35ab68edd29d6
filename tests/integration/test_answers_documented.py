"""Answers that are written past Ninja, which would look at them otherwise, are what the
OpenAPI document says: with everything that may be missing, and without it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone
from jsonschema_rs import Draft202012Validator

from backend.config.api_container import ApiContainer
from backend.domain.failures import FailureCode
from backend.domain.jobs import JobKind
from backend.domain.states import SHOWN_MEDIA, JobStatus
from backend.domain.technical import AudioTrack, TechnicalSummary, VideoTrack
from backend.orm.models import Job, Media, Url
from tests.accounts import Accounts
from tests.api_in_process import ApiInProcess
from tests.media_http import Caller, Service

VIDEO = VideoTrack("AVC", 640, 272, 25.0)
AUDIO = AudioTrack("AAC", 2, 48000)
SUMMARIES = (
    None,
    TechnicalSummary("MPEG-4", 10.0, 407_000, VIDEO, AUDIO),
    TechnicalSummary("MPEG-4", 10.0, 407_000, VIDEO, None),
    TechnicalSummary(None, None, None, None, AUDIO),
    TechnicalSummary(
        None,
        None,
        None,
        VideoTrack(None, None, None, None),
        AudioTrack(None, None, None),
    ),
)
ODD = '<b>"quoted" \\ ß 🎬\u2028'


class Documented:
    """The 200 of a GET, as strictly as it is written down: nothing may be there besides."""

    def __init__(self, document: Mapping[str, Any], path: str) -> None:
        response = document["paths"][path]["get"]["responses"]["200"]
        schema = response["content"]["application/json"]["schema"]
        components = self._closed(document["components"])
        self._validator = Draft202012Validator({**schema, "components": components})

    def check(self, answer: httpx.Response) -> Any:
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        self._validator.validate(answer.json())
        return answer.json()

    def refuses(self, body: Any) -> bool:
        return not self._validator.is_valid(body)

    @classmethod
    def _closed(cls, schema: Any) -> Any:
        if isinstance(schema, list):
            return [cls._closed(part) for part in schema]
        if not isinstance(schema, dict):
            return schema
        closed = {name: cls._closed(part) for name, part in schema.items()}
        if isinstance(schema.get("properties"), dict):
            closed["additionalProperties"] = False
        return closed


class Library:
    """Media in every state that readers see, with and without what they may have."""

    @classmethod
    @sync_to_async
    def stock(cls, media_ids: list[UUID]) -> None:
        for number, media_id in enumerate(media_ids):
            summary = SUMMARIES[number % len(SUMMARIES)]
            Media.objects.filter(pk=media_id).update(
                technical=summary.as_dict() if summary else None,
                duration_seconds=summary.duration if summary else None,
            )
            if number % 2:
                cls._urls(media_id)
                cls._jobs(media_id)

    @staticmethod
    def rows() -> list[dict[str, Any]]:
        now = timezone.now()
        return [
            {
                "title": f"film {number}",
                "description": ODD * (number % 2),
                "status": status,
                "published_at": now,
                "described_at": now,
            }
            for number, status in enumerate(s for s in SHOWN_MEDIA for _ in range(5))
        ]

    @staticmethod
    def _urls(media_id: UUID) -> None:
        for kind in ("video", "miniature"):
            key = f"{kind}s/{media_id}"
            Url.objects.create(media_id=media_id, kind=kind, object_key=key)

    @staticmethod
    def _jobs(media_id: UUID) -> None:
        for kind in JobKind:
            Job.objects.create(
                media_id=media_id,
                kind=kind,
                status=JobStatus.SUCCEEDED,
                finished_at=timezone.now(),
            )


@pytest.fixture
async def reader(service: Service) -> Caller:
    return await service.signed_in("reader@example.org", "media_operator")


@pytest.fixture
async def media_ids(service: Service, reader: Caller) -> list[UUID]:
    shelf = await service.shelf("reader@example.org")
    media_ids = await shelf.put_all(Library.rows())
    await Library.stock(media_ids)
    return media_ids


@pytest.fixture
async def document(reader: Caller) -> Mapping[str, Any]:
    document: Mapping[str, Any] = (await reader.get_with("/openapi.json")).json()
    return document


class TestAnswers:
    async def test_one_media(
        self, reader: Caller, media_ids: list[UUID], document: Mapping[str, Any]
    ) -> None:
        documented = Documented(document, "/media/{media_id}/")
        bodies = [documented.check(await reader.get(one)) for one in media_ids]
        for name in ("duration", "miniature_url", "technical", "failure"):
            found = {body[name] is None for body in bodies}
            assert found == {True, False}, name
        assert {body["status"] for body in bodies} == set(SHOWN_MEDIA)
        assert {len(body["jobs"]) for body in bodies} == {0, len(JobKind)}

    async def test_every_failure(
        self, reader: Caller, media_ids: list[UUID], document: Mapping[str, Any]
    ) -> None:
        documented = Documented(document, "/media/{media_id}/")
        failed = await Media.objects.filter(status="failed").afirst()
        assert failed is not None
        for code in FailureCode:
            await Media.objects.filter(pk=failed.pk).aupdate(failure_code=code)
            # It was not read before this request came: nobody has it in a cache.
            answer = await reader.patch(failed.pk, {"description": code})
            assert documented.check(answer)["failure"]["code"] == code

    async def test_lists(
        self, reader: Caller, media_ids: list[UUID], document: Mapping[str, Any]
    ) -> None:
        documented = Documented(document, "/media/")
        whole = documented.check(await reader.list(limit=100))
        assert len(whole["items"]) == len(media_ids)
        assert whole["next"] is None
        first = documented.check(await reader.list(limit=3))
        last = documented.check(await reader.list(limit=3, cursor=first["next"]))
        assert len(last["items"]) == 3
        none = documented.check(await reader.list(sha256="0" * 64))
        assert (none["items"], none["total"], none["next"]) == ([], 0, None)

    async def test_searches(
        self, reader: Caller, media_ids: list[UUID], document: Mapping[str, Any]
    ) -> None:
        documented = Documented(document, "/search")
        whole = documented.check(await reader.search("film", limit=100))
        assert len(whole["items"]) == len(media_ids)
        first = documented.check(await reader.search("film", limit=3))
        documented.check(await reader.search("film", limit=3, cursor=first["next"]))
        none = documented.check(await reader.search("nothing"))
        assert (none["items"], none["total"]) == ([], 0)

    async def test_addresses_that_are_signed(
        self, accounts: Accounts, media_ids: list[UUID], document: Mapping[str, Any]
    ) -> None:
        signed = settings.ENVIRONMENT.model_copy(update={"cdn_access": "signed"})
        tokens = await accounts.signed_in("reader@example.org", "media_operator")
        async with ApiInProcess.of(ApiContainer(signed)) as http:
            reader = Caller(http, tokens.access)
            for path, answer in (
                ("/media/{media_id}/", await reader.get(media_ids[1])),
                ("/media/", await reader.list(limit=100)),
            ):
                body = Documented(document, path).check(answer)
                address = (body.get("items") or [body])[0]["miniature_url"]
                assert address is None or "X-Amz-Signature" in address

    async def test_what_differs_would_be_seen(
        self, reader: Caller, media_ids: list[UUID], document: Mapping[str, Any]
    ) -> None:
        documented = Documented(document, "/media/{media_id}/")
        body = documented.check(await reader.get(media_ids[1]))
        for name in body:
            less = {key: value for key, value in body.items() if key != name}
            assert documented.refuses(less), name
            assert documented.refuses({**body, name: object.__name__ * 3}) or (
                isinstance(body[name], str)
            ), name
        assert documented.refuses({**body, "more": 1})
