"""What was read ahead is sent without being made, and is the same as what is made."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from django.conf import settings

from backend.adapters.redis_answer_cache import RedisAnswerCache
from backend.adapters.redis_generations import RedisFreshness, RedisGenerations
from backend.adapters.redis_hints import RedisHints
from backend.api.http.asgi import Headers, Message, Receive, Scope, Send
from backend.api.http.ready_answers import ReadyAnswer, ReadyAnswers
from backend.domain.freshness import Scopes
from tests.media_http import Caller, Service

OF_EACH_ANSWER = {"x-request-id"}


class Desk:
    """Requests of one caller, and how many of their answers had to be made."""

    def __init__(self, hints: RedisHints) -> None:
        # Longer than the requests of a test take on any machine.
        generations = RedisGenerations(hints, fresh_seconds=60.0)
        self.cache = RedisAnswerCache(generations)
        self.freshness = RedisFreshness(generations)
        self.scope = Scopes.media(uuid4())
        self.body = b"first"
        self.made = 0
        self._answers = ReadyAnswers(self._make, self.cache)

    async def ask(self, request: str, *headers: tuple[bytes, bytes]) -> bytes:
        """Each in a context of its own, as a server has them."""
        return await asyncio.create_task(self._ask(request, list(headers)))

    async def _ask(self, request: str, headers: Headers) -> bytes:
        await self.cache.first_answer("caller", [Scopes.ROLES], self._caller, request)
        scope = {"method": "GET", "caller": object(), "headers": headers}
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        await self._answers(scope, self._receive, send)
        return b"".join(message.get("body", b"") for message in sent)

    async def _make(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.made += 1
        content = await self.cache.whole_answer("entry", [self.scope], self._to_keep)
        await ReadyAnswer.kept(content).send(send)

    async def _to_keep(self) -> bytes:
        return ReadyAnswer.of(self.body).to_keep

    @staticmethod
    async def _caller() -> bytes:
        return b"somebody"

    @staticmethod
    async def _receive() -> Message:
        raise AssertionError("an answer that is ready needs no body")


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    url = settings.ENVIRONMENT.redis_url.get_secret_value()
    hints = RedisHints(url, most_seconds=20.0)
    yield Desk(hints)
    await hints.close()


class TestReadyAnswers:
    async def test_what_the_same_words_led_to_is_sent_unmade(self, desk: Desk) -> None:
        answers = [await desk.ask("ann /it") for _ in range(4)]
        assert answers == [b"first"] * 4
        # The first finds out what the words lead to.
        assert desk.made == 1

    async def test_a_change_has_it_made_again(self, desk: Desk) -> None:
        for _ in range(3):
            await desk.ask("ann /it")
        desk.body = b"second"
        await desk.freshness.changed(desk.scope)
        assert [await desk.ask("ann /it") for _ in range(2)] == [b"second"] * 2
        assert desk.made == 2

    async def test_other_words_and_conditions_are_understood(self, desk: Desk) -> None:
        await desk.ask("ann /it")
        await desk.ask("bob /it")
        await desk.ask("ann /it", (b"if-none-match", b'"1"'))
        await desk.ask("")
        assert desk.made == 4


class TestOverHttp:
    @pytest.fixture
    async def ann(self, service: Service) -> Caller:
        return await service.signed_in("ann@example.org", "media_operator")

    @pytest.fixture
    async def media_id(self, service: Service, ann: Caller) -> UUID:
        shelf = await service.shelf("ann@example.org")
        return (await shelf.put("A film"))[0]

    @staticmethod
    def shown(answer: httpx.Response) -> tuple[Any, ...]:
        headers = {n: v for n, v in answer.headers.items() if n not in OF_EACH_ANSWER}
        return answer.status_code, headers, answer.content

    async def test_all_answers_are_the_same(self, ann: Caller, media_id: UUID) -> None:
        for path in (f"/media/{media_id}/", "/media/?limit=5", "/search?title=film"):
            first, *others = [self.shown(await ann.get_with(path)) for _ in range(4)]
            assert first[0] == 200
            assert others == [first] * 3, path

    async def test_me_is_whoever_asks(
        self, service: Service, ann: Caller, media_id: UUID
    ) -> None:
        bob = await service.signed_in("bob@example.org", "viewer")
        for _ in range(3):
            assert (await ann.list(owner="me")).json()["total"] == 1
            assert (await bob.list(owner="me")).json()["total"] == 0

    async def test_what_is_wrong_stays_wrong(self, ann: Caller, media_id: UUID) -> None:
        answers = [await ann.list(limit=5, colour="red") for _ in range(3)]
        assert {answer.status_code for answer in answers} == {422}

    async def test_whoever_knows_it_is_told_so(
        self, ann: Caller, media_id: UUID
    ) -> None:
        path = f"/media/{media_id}/"
        tags = {(await ann.get_with(path)).headers["ETag"] for _ in range(3)}
        known = await ann.get_with(path, If_None_Match=tags.pop())
        assert (known.status_code, known.content) == (304, b"")

    async def test_whoever_may_not_any_more_is_not_answered(
        self, service: Service, ann: Caller, media_id: UUID
    ) -> None:
        path = f"/media/{media_id}/"
        for _ in range(3):
            assert (await ann.get_with(path)).status_code == 200
        assert (await ann.delete(media_id)).status_code == 204
        assert (await ann.get_with(path)).status_code == 404
        assert (await ann.list()).json()["total"] == 0
