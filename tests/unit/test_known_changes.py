"""When readers are told of what a transaction has changed."""

import asyncio
from uuid import uuid4

import pytest

from backend.domain.errors import DatabaseSilent, LastAdmin, MediaProjectError
from backend.domain.freshness import Scopes
from backend.orm.known_changes import KnownChanges
from tests.fakes.freshness import InMemoryFreshness

USER = Scopes.user(uuid4())
MEDIA = uuid4()


async def moved() -> list[str]:
    return [str(MEDIA)]


async def refused(error: MediaProjectError) -> None:
    raise error


class TestKnownChanges:
    async def test_what_the_result_names_is_told_too(self) -> None:
        freshness = InMemoryFreshness()
        result = await KnownChanges(freshness).changing(
            moved(), USER, also=lambda ids: [Scopes.media(MEDIA) for _ in ids]
        )
        assert result == [str(MEDIA)]
        assert freshness.told == [("changed", frozenset({USER, Scopes.media(MEDIA)}))]

    async def test_a_refusal_has_changed_nothing(self) -> None:
        freshness = InMemoryFreshness()
        with pytest.raises(LastAdmin):
            await KnownChanges(freshness).changing(refused(LastAdmin()), USER)
        assert freshness.told == []

    async def test_an_unknown_outcome_is_told_and_nobody_waits(self) -> None:
        freshness = InMemoryFreshness()
        with pytest.raises(DatabaseSilent):
            await KnownChanges(freshness).changing(refused(DatabaseSilent()), USER)
        assert freshness.told == [("touched", frozenset({USER}))]

    async def test_a_commit_whose_request_was_cancelled_is_told(self) -> None:
        freshness, commit = InMemoryFreshness(), asyncio.Event()
        changes = KnownChanges(freshness)
        request = asyncio.create_task(changes.changing(commit.wait(), USER))
        await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        commit.set()
        # What is left takes no more turns of the loop than this.
        for _ in range(10):
            await asyncio.sleep(0)
        assert freshness.told == [("changed", frozenset({USER}))]
