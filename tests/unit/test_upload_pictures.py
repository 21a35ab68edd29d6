"""A picture comes in beside its video or alone; what is refused leaves neither behind."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from backend.adapters.folder_staging import FolderStaging
from backend.api.http.refusals import ClientDisconnected, MalformedMultipart
from backend.api.schemas.upload import MiniatureForm
from backend.api.upload.miniature_receiver import MiniatureReceiver
from backend.api.upload.picture_part import ReceivedPicture
from backend.api.upload.receiver import ReceivedUpload, UploadLimits, UploadReceiver
from backend.domain.errors import (
    EmptyFile,
    Invalid,
    MediaProjectError,
    StorageFull,
    TooLarge,
    TooManyPixels,
    UnreadablePicture,
    UnsupportedMedia,
    UnsupportedType,
)
from backend.domain.media import Caller
from tests.fakes.clips import Clips
from tests.fakes.declared_upload import StandInDeclaredUpload
from tests.fakes.staging import InMemoryStaging
from tests.fakes.uploads import SMALL_CLIP, Cuts, FakeRequest, Multipart
from tests.folders import Looked
from tests.pictures import Pictures

MEBIBYTE = 1 << 20
LIMITS = UploadLimits(
    most_video_bytes=MEBIBYTE, most_picture_bytes=256 * 1024, batch_bytes=64 * 1024
)
JPEG = Pictures.plain("JPEG")
NAMELESS = 'Content-Disposition: form-data; name="miniature"'
NOT_CHOSEN = NAMELESS + '; filename=""\r\nContent-Type: application/octet-stream'

REFUSED = {
    "svg": (Pictures.svg(), UnsupportedMedia),
    "zipped svg": (Pictures.zipped_svg(), UnsupportedMedia),
    "html": (Pictures.html(), UnsupportedMedia),
    "gif": (Pictures.animated("GIF"), UnsupportedMedia),
    "fits": (Pictures.fits(), UnsupportedMedia),
    "three bytes": (b"\xff\xd8\xff"[:2] + b"?", UnsupportedMedia),
    "pixel bomb": (Pictures.png_of(30_000, 30_000), TooManyPixels),
    "truncated": (JPEG[:-2], UnreadablePicture),
    "empty": (b"", EmptyFile),
    "too large": (Pictures.plain("PNG") + bytes(256 * 1024), TooLarge),
}
Receive = Callable[[FakeRequest], Awaitable[Any]]


def picture(content: bytes, name: str = "picture.jpg") -> Multipart:
    return Multipart().file("miniature", name, content)


class World:
    def __init__(self) -> None:
        self.staging = InMemoryStaging()
        self._uploads = UploadReceiver(self.staging, LIMITS)
        self._declared = StandInDeclaredUpload()
        self.miniatures = MiniatureReceiver(self.staging, LIMITS)

    async def upload(self, form: Multipart) -> ReceivedUpload:
        return await self.take(FakeRequest(Cuts.every(form.body(), 100)))

    async def take(self, request: FakeRequest) -> ReceivedUpload:
        return await self._uploads.receive(request, self._declared)  # type: ignore[arg-type]

    async def replace(self, form: Multipart) -> ReceivedPicture:
        return await self.miniatures.receive(FakeRequest([form.body()]))

    async def refuse(
        self, receive: Receive, request: FakeRequest, error: type[MediaProjectError]
    ) -> MediaProjectError:
        """The refusal, after which nothing is left."""
        with pytest.raises(error) as raised:
            await receive(request)
        assert raised.type is error
        assert self.staging.files == {}
        assert self.staging.receiving == {}
        return raised.value


@pytest.fixture
def world() -> World:
    return World()


class TestBesideAVideo:
    @pytest.mark.parametrize("order", ["before", "after"])
    async def test_both_are_staged_and_locked(self, world: World, order: str) -> None:
        form = Multipart()
        if order == "before":
            form.file("miniature", "a.jpg", JPEG).video(SMALL_CLIP)
        else:
            form.video(SMALL_CLIP).file("miniature", "a.jpg", JPEG)
        upload = await world.upload(form)

        assert upload.picture is not None
        assert world.staging.files[upload.file.name] == SMALL_CLIP
        assert world.staging.files[upload.picture.file.name] == JPEG
        assert set(world.staging.receiving) == set(world.staging.files)
        new = upload.new_media(Caller(uuid4(), uuid4(), "", "", frozenset()), "r-1")
        assert new.picture == upload.picture.file

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    async def test_its_kind_comes_from_its_content(
        self, world: World, kind: str
    ) -> None:
        form = picture(Pictures.plain(kind), "a.html").video(SMALL_CLIP)
        assert (await world.upload(form)).picture is not None

    @pytest.mark.parametrize("head", [NOT_CHOSEN, NAMELESS])
    async def test_one_that_was_not_chosen_is_left_out(
        self, world: World, head: str
    ) -> None:
        form = Multipart().part(head, b"").video(SMALL_CLIP)
        assert (await world.upload(form)).picture is None
        assert len(world.staging.files) == 1

    @pytest.mark.parametrize("order", ["before", "after"])
    @pytest.mark.parametrize(("content", "error"), REFUSED.values(), ids=list(REFUSED))
    async def test_a_wrong_one_takes_the_video_along(
        self,
        world: World,
        content: bytes,
        error: type[MediaProjectError],
        order: str,
    ) -> None:
        form = Multipart()
        if order == "before":
            form.file("miniature", "a.png", content).video(SMALL_CLIP)
        else:
            form.video(SMALL_CLIP).file("miniature", "a.png", content)
        request = FakeRequest(Cuts.every(form.body(), 10_000))
        await world.refuse(world.take, request, error)

    async def test_a_wrong_video_takes_it_along(self, world: World) -> None:
        form = picture(JPEG).video(b"no video" * 10)
        request = FakeRequest([form.body()])
        await world.refuse(world.take, request, UnsupportedMedia)

    async def test_a_wrong_one_is_refused_before_the_video_is_sent(
        self, world: World
    ) -> None:
        form = picture(Pictures.png_of(30_000, 30_000)).video(Clips.mp4(MEBIBYTE))
        request = FakeRequest(Cuts.every(form.body(), 1_000))
        await world.refuse(world.take, request, TooManyPixels)
        assert request.handed_over <= 1_000

    @pytest.mark.parametrize(
        ("form", "field"),
        [
            (
                picture(JPEG).file("miniature", "b.jpg", JPEG).video(SMALL_CLIP),
                "miniature",
            ),
            (Multipart().field("miniature", JPEG).video(SMALL_CLIP), "miniature"),
            (picture(JPEG).field("title", " ").video(SMALL_CLIP), "title"),
            (
                Multipart().field("title", " ").file("miniature", "a.jpg", JPEG),
                "title",
            ),
            (picture(JPEG), "video"),
        ],
        ids=["twice", "without a name", "title", "title before", "no video"],
    )
    async def test_a_wrong_form_leaves_nothing(
        self, world: World, form: Multipart, field: str
    ) -> None:
        request = FakeRequest([form.body()])
        error = await world.refuse(world.take, request, Invalid)
        assert isinstance(error, Invalid)
        assert list(error.problems) == [field]

    async def test_the_declared_length_has_room_for_both(self, world: World) -> None:
        most = MEBIBYTE + 256 * 1024 + MEBIBYTE
        await world.refuse(
            world.take, FakeRequest([], content_length=most + 1), TooLarge
        )
        form = picture(JPEG).video(Clips.mp4(MEBIBYTE))
        request = FakeRequest([form.body()], content_length=len(form.body()))
        assert await world.take(request)

    async def test_a_client_that_leaves_leaves_nothing(self, world: World) -> None:
        body = picture(JPEG).video(Clips.mp4(MEBIBYTE)).body()
        for share in (0.001, 0.5, 0.99):
            pieces = Cuts.every(body[: int(len(body) * share)], 500)
            request = FakeRequest(pieces, after="leave")
            await world.refuse(world.take, request, ClientDisconnected)

    async def test_a_cancelled_request_leaves_nothing(self, world: World) -> None:
        body = picture(JPEG).video(Clips.mp4(MEBIBYTE)).body()
        for turns in range(0, 40, 3):
            request = FakeRequest(Cuts.every(body, 300), after="silence")
            receiving = asyncio.create_task(world.take(request))
            for _ in range(turns):
                await asyncio.sleep(0)
            receiving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await receiving
            assert world.staging.files == {}


class TestAlone:
    async def test_it_is_staged_and_locked(self, world: World) -> None:
        received = await world.replace(picture(JPEG))
        assert world.staging.files == {received.file.name: JPEG}
        assert set(world.staging.receiving) == {received.file.name}

    @pytest.mark.parametrize(("content", "error"), REFUSED.values(), ids=list(REFUSED))
    async def test_a_wrong_one(
        self, world: World, content: bytes, error: type[MediaProjectError]
    ) -> None:
        request = FakeRequest([picture(content, "a.jpg").body()])
        await world.refuse(world.miniatures.receive, request, error)

    @pytest.mark.parametrize(
        ("form", "field"),
        [
            (Multipart(), "miniature"),
            (Multipart().part(NOT_CHOSEN, b""), "miniature"),
            (Multipart().field("miniature", JPEG), "miniature"),
            (picture(JPEG).file("miniature", "b.jpg", JPEG), "miniature"),
            (picture(JPEG).field("title", "t"), "title"),
            (picture(JPEG).video(SMALL_CLIP), "video"),
        ],
    )
    async def test_another_form(
        self, world: World, form: Multipart, field: str
    ) -> None:
        request = FakeRequest([form.body()])
        error = await world.refuse(world.miniatures.receive, request, Invalid)
        assert isinstance(error, Invalid)
        assert list(error.problems) == [field]

    async def test_another_syntax(self, world: World) -> None:
        jpeg = FakeRequest([JPEG], content_type="image/jpeg")
        await world.refuse(world.miniatures.receive, jpeg, UnsupportedType)
        assert jpeg.handed_over == 0
        unclosed = FakeRequest([picture(JPEG).unclosed()])
        await world.refuse(world.miniatures.receive, unclosed, MalformedMultipart)

    async def test_its_length_is_known_before_it_is_read(self, world: World) -> None:
        most = 256 * 1024 + MEBIBYTE
        request = FakeRequest([b"x"], content_length=most + 1)
        await world.refuse(world.miniatures.receive, request, TooLarge)
        world.staging.capacity_bytes = 1_000
        request = FakeRequest([b"x"], content_length=1_001)
        await world.refuse(world.miniatures.receive, request, StorageFull)
        assert request.handed_over == 0

    def test_the_documented_form_has_one_file_picker(self) -> None:
        body = MiniatureForm.openapi()["requestBody"]
        schema = body["content"]["multipart/form-data"]["schema"]
        assert list(schema["properties"]) == ["miniature"]
        assert schema["properties"]["miniature"]["format"] == "binary"
        assert schema["required"] == ["miniature"]


class TestOnARealFolder:
    async def test_the_loop_stays_free_and_nothing_is_left(
        self, tmp_path: Path
    ) -> None:
        staging = FolderStaging(tmp_path / "staging", floor_bytes=0)
        receiver = MiniatureReceiver(staging, UploadLimits(MEBIBYTE))
        slow = b"\xff\xd8\xff" + b"\xff" * (9 * MEBIBYTE)
        request = FakeRequest(Cuts.every(picture(slow).body(), 65_536))
        receiving = asyncio.create_task(receiver.receive(request))
        longest, before = 0.0, time.thread_time()
        while not receiving.done():
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, before = max(longest, now - before), now
        with pytest.raises(UnreadablePicture):
            await receiving
        assert Looked.names(tmp_path / "staging") == set()
        staging.close()
        # Processor time of this thread, so that other load does not count.
        assert longest < 0.02
