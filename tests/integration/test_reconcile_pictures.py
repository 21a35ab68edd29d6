"""A picture whose object is gone is not shown until it is made again, or is back."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from backend.domain.failures import JobFailed
from backend.domain.jobs import JobKind
from backend.domain.media import ObjectKey, Picture
from backend.orm.models import Url
from tests.reconcile_world import PICTURE, ReconcileWorld

pytestmark = pytest.mark.usefixtures("clean_database")

MAKE = JobKind.MAKE_MINIATURE


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[ReconcileWorld]:
    async with ReconcileWorld.running(tmp_path / "staging") as world:
        yield world


async def shown_key(media_id: UUID) -> str | None:
    shown = Url.objects.filter(media=media_id, kind="miniature")
    return await shown.values_list("object_key", flat=True).afirst()


class Pictured:
    """A ready media whose miniature is lost."""

    def __init__(self, world: ReconcileWorld) -> None:
        self._world = world

    async def lost(self) -> tuple[UUID, ObjectKey]:
        world = self._world
        media_id = await world.ready()
        await world.retry(media_id, MAKE)
        key = ObjectKey((await world.pictured(media_id)).object_key)
        assert await shown_key(media_id) == str(key)
        await self.lose(key)
        return media_id, key

    async def lose(self, key: ObjectKey) -> None:
        await self._world.worker.object_storage.remove(key)
        assert await self._world.repairs() == [("object_missing", "repaired")]


class TestPictureLost:
    async def test_one_that_cannot_be_made_again_is_not_shown(
        self, world: ReconcileWorld
    ) -> None:
        media_id, _ = await Pictured(world).lost()
        assert await shown_key(media_id) is None
        media = await world.media(media_id)
        assert media.status == "ready"

        await world.without_miniature(media_id)

        assert await shown_key(media_id) is None
        assert (await world.media(media_id)).revision > media.revision
        assert (await world.media(media_id)).status == "ready"
        assert await world.plan() == []

    async def test_a_person_can_have_it_tried_again(
        self, world: ReconcileWorld
    ) -> None:
        media_id, _ = await Pictured(world).lost()
        await world.without_miniature(media_id)

        await world.retry(media_id, MAKE)
        again = await world.pictured(media_id)

        assert await shown_key(media_id) == again.object_key

    async def test_one_that_is_back_is_shown_again(self, world: ReconcileWorld) -> None:
        media_id, key = await Pictured(world).lost()
        await world.without_miniature(media_id)
        await world.put_object(key, PICTURE)
        revision = (await world.media(media_id)).revision

        assert await world.repairs() == [("object_returned", "repaired")]

        assert await shown_key(media_id) == str(key)
        assert (await world.media(media_id)).revision > revision

    async def test_one_that_is_lost_before_it_is_shown_is_made_again(
        self, world: ReconcileWorld
    ) -> None:
        first = await world.taken_in()
        picture = await world.pictured(first)
        second = await world.taken_in(b"another video")
        claim = await world.ledger.claim(second, MAKE, "test")
        assert claim is not None
        await world.ledger.begin_picture(claim, Picture(PICTURE, 4, 3, "test"))
        await Pictured(world).lose(ObjectKey(picture.object_key))

        with pytest.raises(JobFailed) as caught:
            await world.ledger.show_picture(claim)

        assert caught.value.failure.retried
        assert await shown_key(second) is None
