import asyncio
import hashlib
import random
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from backend.adapters.folder_staging import FolderStaging
from backend.api.http.refusals import ClientDisconnected, MalformedMultipart, SlowBody
from backend.api.upload.multipart_reader import (
    ExtendedFileName,
    MultipartReader,
    PartHead,
)
from backend.api.upload.receiver import (
    DeclaredMediaFound,
    ReceivedUpload,
    UploadLimits,
    UploadReceiver,
)
from backend.domain.containers import MPEG_4, WEBM
from backend.domain.errors import (
    ChecksumMismatch,
    EmptyFile,
    Invalid,
    Malformed,
    MediaProjectError,
    StorageFull,
    TooLarge,
    UnsupportedMedia,
    UnsupportedType,
)
from backend.domain.media import Caller, FileName
from tests.fakes.clips import Clips
from tests.fakes.declared_upload import StandInDeclaredUpload
from tests.fakes.staging import InMemoryStaging
from tests.fakes.uploads import BOUNDARY, SMALL_CLIP, Cuts, FakeRequest, Multipart
from tests.folders import Looked

MEBIBYTE = 1 << 20
LIMITS = UploadLimits(
    most_video_bytes=4 * MEBIBYTE,
    most_picture_bytes=1024,
    batch_bytes=256 * 1024,
    receive_seconds=10.0,
    least_bytes_per_second=0,
)
SMALL_SHA256 = hashlib.sha256(SMALL_CLIP).hexdigest()


class World:
    def __init__(
        self, limits: UploadLimits = LIMITS, folder: FolderStaging | None = None
    ) -> None:
        self.staging = InMemoryStaging()
        self.declared = StandInDeclaredUpload()
        self.receiver = UploadReceiver(folder or self.staging, limits)

    async def receive(self, body: bytes | Multipart) -> ReceivedUpload:
        content = body.body() if isinstance(body, Multipart) else body
        return await self.take(FakeRequest([content]))

    async def receive_pieces(self, pieces: Iterable[bytes]) -> ReceivedUpload:
        return await self.take(FakeRequest(pieces))

    async def take(self, request: FakeRequest) -> ReceivedUpload:
        return await self.receiver.receive(request, self.declared)  # type: ignore[arg-type]

    async def refuse(
        self, request: FakeRequest | bytes | Multipart, error: type[MediaProjectError]
    ) -> MediaProjectError:
        """The refusal, after which nothing is left."""
        if isinstance(request, Multipart):
            request = request.body()
        if isinstance(request, bytes):
            request = FakeRequest([request])
        with pytest.raises(error) as raised:
            await self.take(request)
        assert raised.type is error
        assert self.staging.files == {}
        assert self.staging.receiving == {}
        return raised.value


@pytest.fixture
def world() -> World:
    return World()


class TestWhatIsReceived:
    async def test_fields_and_bytes(self, world: World) -> None:
        upload = await world.receive(
            Multipart()
            .field("title", "  Größe  ")
            .field("description", "Zwei\nZeilen")
            .field("sha256", SMALL_SHA256.upper())
            .video(SMALL_CLIP, "ferien film.mp4")
        )
        assert (upload.title, upload.description) == ("Größe", "Zwei\nZeilen")
        assert upload.file_name == "ferien film.mp4"
        assert upload.container == MPEG_4
        assert upload.file.sha256 == SMALL_SHA256
        assert upload.file.size_bytes == len(SMALL_CLIP)
        assert world.staging.files[upload.file.name] == SMALL_CLIP
        assert upload.file.name in world.staging.receiving

    async def test_fields_may_follow_the_file(self, world: World) -> None:
        upload = await world.receive(
            Multipart()
            .video(SMALL_CLIP)
            .field("title", "Later")
            .field("sha256", SMALL_SHA256)
        )
        assert upload.title == "Later"

    async def test_the_title_is_the_stem_by_default(self, world: World) -> None:
        upload = await world.receive(Multipart().video(SMALL_CLIP, "My clip.v2.mp4"))
        assert (upload.title, upload.description) == ("My clip.v2", "")

    async def test_the_kind_comes_from_the_content(self, world: World) -> None:
        clip = Clips.ebml(b"webm")
        upload = await world.receive(Multipart().video(clip, "clip.jpg"))
        assert upload.container == WEBM

    async def test_it_becomes_a_new_media(self, world: World) -> None:
        upload = await world.receive(Multipart().video(SMALL_CLIP))
        caller = Caller(uuid4(), uuid4(), "a@b.c", "viewer", frozenset())
        new = upload.new_media(caller, "r-1")
        assert (new.owner_id, new.session_id) == (caller.user_id, caller.session_id)
        assert (new.title, new.file, new.request_id) == ("clip", upload.file, "r-1")

    @pytest.mark.parametrize("size", [10_007, 262_144, 300_000])
    async def test_batches_are_full_but_the_last(self, world: World, size: int) -> None:
        clip = Clips.mp4(MEBIBYTE + 5)
        body = Multipart().video(clip).body()
        upload = await world.receive_pieces(Cuts.every(body, size))
        *full, _ = world.staging.batch_sizes
        assert len(full) >= 3
        assert min(full) >= LIMITS.batch_bytes
        assert max(full) < 2 * LIMITS.batch_bytes
        assert world.staging.files[upload.file.name] == clip

    async def test_one_piece_may_hold_everything(self, world: World) -> None:
        clip = Clips.mp4(3 * MEBIBYTE)
        upload = await world.receive(Multipart().video(clip))
        assert world.staging.files[upload.file.name] == clip

    @pytest.mark.parametrize("length", [None, "exact"])
    async def test_the_length_may_be_declared_or_not(
        self, world: World, length: str | None
    ) -> None:
        body = Multipart().video(SMALL_CLIP).body()
        request = FakeRequest([body], content_length=len(body) if length else None)
        upload = await world.take(request)
        assert upload.file.size_bytes == len(SMALL_CLIP)


class TestHoweverTheBodyIsCut:
    # A line break, parts of the delimiter and the whole of it without its line break
    # stand in the content.
    CLIP = (
        SMALL_CLIP
        + f"\r\n--{BOUNDARY[:-1]}\r\r\n--{BOUNDARY}".encode()[:-1]
        + b"\r\n\r"
    )
    BODY = (
        Multipart().field("title", "Cut").video(CLIP).field("description", "End").body()
    )

    async def _check(self, pieces: list[bytes]) -> None:
        world = World()
        upload = await world.receive_pieces(pieces)
        assert world.staging.files[upload.file.name] == self.CLIP
        assert (upload.title, upload.description) == ("Cut", "End")

    async def test_at_every_byte(self) -> None:
        for place in range(1, len(self.BODY)):
            await self._check(Cuts.at(self.BODY, place))

    async def test_into_single_bytes(self) -> None:
        await self._check(Cuts.every(self.BODY, 1))

    async def test_into_pieces_of_every_size(self) -> None:
        for size in range(2, 80):
            await self._check(Cuts.every(self.BODY, size))

    async def test_at_random(self) -> None:
        chance = random.Random(3)
        for _ in range(300):
            places = chance.sample(range(1, len(self.BODY)), chance.randrange(1, 12))
            await self._check(Cuts.at(self.BODY, *places))

    async def test_with_empty_pieces_between(self) -> None:
        pieces = [b"", *Cuts.every(self.BODY, 7), b""]
        await self._check([piece for one in pieces for piece in (one, b"")])

    async def test_a_large_clip_at_random(self) -> None:
        chance = random.Random(5)
        clip = Clips.mp4() + chance.randbytes(700_000).replace(b"a", b"\r\n--")
        body = Multipart().video(clip).body()
        for _ in range(5):
            world = World()
            places = chance.sample(range(1, len(body)), 40)
            upload = await world.receive_pieces(Cuts.at(body, *places))
            assert upload.file.sha256 == hashlib.sha256(clip).hexdigest()

    @pytest.mark.parametrize("start", [b"", b"\r\n"])
    @pytest.mark.parametrize("end", [b"", b"\r\n\r\n", b"\r\nan epilogue"])
    async def test_around_the_boundaries(self, start: bytes, end: bytes) -> None:
        body = start + self.BODY.removesuffix(b"\r\n") + end
        for place in (*range(1, 30), *range(len(body) - 30, len(body))):
            await self._check(Cuts.at(body, place))

    async def test_a_preamble_is_refused_wherever_it_is_cut(self) -> None:
        body = b"This is a multi-part message.\r\n" + self.BODY
        for place in range(1, 60):
            await World().refuse(FakeRequest(Cuts.at(body, place)), MalformedMultipart)


class TestFileNames:
    @pytest.mark.parametrize(
        ("disposition", "shown"),
        [
            ('filename="clip.mp4"', "clip.mp4"),
            ("filename=clip.mp4", "clip.mp4"),
            ('filename="../../etc/passwd"', "passwd"),
            ('filename="..\\\\..\\\\x.mp4"', "x.mp4"),
            ('filename="C:\\\\films\\\\x.mp4"', "x.mp4"),
            ('filename="/abs/x.mp4"', "x.mp4"),
            ('filename=""', "video"),
            ('filename="."', "video"),
            ('filename=".."', "video"),
            ('filename="CON.mp4"', "CON.mp4"),
            ('filename="a.mp4.exe"', "a.mp4.exe"),
            ('filename="%22quoted%22.mp4"', '"quoted".mp4'),
            ('filename="\\"quoted\\".mp4"', '"quoted".mp4'),
            ('filename="100%.mp4"', "100%.mp4"),
            ('filename="größe 🎬.mp4"', "größe 🎬.mp4"),
            ("filename*=UTF-8''gr%C3%B6%C3%9Fe.mp4", "größe.mp4"),
            ("filename=groesse.mp4; filename*=utf-8''gr%C3%B6%C3%9Fe.mp4", "größe.mp4"),
            ("filename*=iso-8859-1'de'gr%F6%DFe.mp4", "größe.mp4"),
            ("filename=\"clip.mp4\"; filename*=utf-8''%FF", "clip.mp4"),
            ("filename=\"; filename*=utf-8''x.mp4\"", "; filename*=utf-8''x.mp4"),
            ('filename="' + "x" * 5_000 + '"', "x" * 255),
            ('filename="' + "x" * 252 + '.mp4"', "x" * 251 + ".mp4"),
            ('filename="' + "x" * 251 + '.mp4"', "x" * 251 + ".mp4"),
            ('filename="' + "🎬" * 255 + '"', "🎬" * 63),
            ('filename="' + "🎬" * 255 + '.mp4"', "🎬" * 62 + ".mp4"),
            ('filename="' + "ö" * 127 + 'xy.mp4"', "ö" * 125 + ".mp4"),
            ('filename="' + "e\u0301" * 200 + '.mp4"', "é" * 125 + ".mp4"),
            (
                'filename="' + "x" * 300 + "." + "y" * 15 + '"',
                f"{'x' * 239}.{'y' * 15}",
            ),
            ('filename="' + "x" * 300 + "." + "y" * 16 + '"', "x" * 255),
            ('filename="a.' + "y" * 300 + '"', "a." + "y" * 253),
            ('filename="' + "x" * 300 + '.mp4."', "x" * 255),
            ('filename="' + "." * 300 + ' x"', "video"),
            ('filename="a\u202efdp.mp4"', "afdp.mp4"),
            ('filename="' + "x" * 5_000 + '.mp4"', "x" * 251 + ".mp4"),
            ('filename="' + "e\u0301" * 2_000 + '.mp4"', "é" * 125 + ".mp4"),
        ],
    )
    async def test_no_name_is_refused(
        self, world: World, disposition: str, shown: str
    ) -> None:
        head = f'Content-Disposition: form-data; name="video"; {disposition}'
        upload = await world.receive(Multipart().part(head, SMALL_CLIP))
        assert upload.file_name == shown

    async def test_a_name_in_another_encoding_is_shown_as_far_as_it_goes(
        self, world: World
    ) -> None:
        head = (
            b'Content-Disposition: form-data; name="video"; filename="gr\xf6\xdfe.mp4"'
        )
        upload = await world.receive(Multipart().part(head, SMALL_CLIP))
        assert upload.file_name == "gr\ufffd\ufffde.mp4"

    @pytest.mark.parametrize("piece", ['\\"', '"', "\\", "; a=", '; a="\\', " "])
    def test_a_name_that_never_ends_takes_no_time(self, piece: str) -> None:
        name = piece * (30_000 // len(piece))
        head = f'Content-Disposition: form-data; name="video"; filename="{name}'
        body = Multipart().part(head, SMALL_CLIP).body()
        began = time.thread_time()
        events = list(MultipartReader(BOUNDARY.encode()).parse(body))
        assert time.thread_time() - began < 0.2  # It takes 5 ms, and took seconds.
        assert isinstance(events[0], PartHead)

    @pytest.mark.parametrize("folder", ["", "/folders/"])
    def test_marks_without_end_take_no_time(self, folder: str) -> None:
        """Normalisation has to sort those that stand together."""
        marks = "\u0301" * 8_000 + "\u0323" * 8_000
        began = time.thread_time()
        shown = FileName.shown(f"{marks}{folder}a{marks}.mp4")
        assert time.thread_time() - began < 0.1  # It takes 3 ms, and took 300.
        assert len(shown.encode()) <= 255
        assert shown.endswith(".mp4")

    @pytest.mark.parametrize("end", ["", "\\"])
    def test_what_an_open_quote_has_is_no_parameter(self, end: str) -> None:
        open_quote = f"form-data; name=video; filename=\"a; filename*=utf-8''x.mp4{end}"
        assert ExtendedFileName.of(open_quote) is None

    async def test_a_name_nobody_sees_is_no_title(self, world: World) -> None:
        upload = await world.receive(Multipart().video(SMALL_CLIP, "\u200b.mp4"))
        assert upload.title == "video"


class TestFieldsThatAreRefused:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("title", "   "),
            ("title", "\u200b\u2060"),
            ("title", "\u3164"),
            ("title", "x" * 201),
            ("title", "x" * 10_000),
            ("title", "x" * 100_000),
            ("title", "a\x00b"),
            ("title", b"\xff\xfe"),
            ("title", b"\xed\xa0\x80"),
            ("description", "x" * 5_001),
            ("description", "a\x00b"),
            ("sha256", "abc"),
            ("sha256", "g" * 64),
            ("sha256", SMALL_SHA256 + "\n"),
            ("sha256", SMALL_SHA256 + "0"),
        ],
    )
    @pytest.mark.parametrize("order", ["before the file", "after the file"])
    async def test_values(
        self, world: World, field: str, value: str | bytes, order: str
    ) -> None:
        form = Multipart()
        if order == "before the file":
            form.field(field, value).video(SMALL_CLIP)
        else:
            form.video(SMALL_CLIP).field(field, value)
        error = await world.refuse(form, Invalid)
        assert isinstance(error, Invalid)
        assert list(error.problems) == [field]
        assert "None" not in error.problems[field]

    async def test_an_empty_field_is_one_that_was_left_out(self, world: World) -> None:
        upload = await world.receive(
            Multipart()
            .field("title", "")
            .field("description", "")
            .field("sha256", "")
            .video(SMALL_CLIP)
        )
        assert upload.title == "clip"
        assert upload.description == ""

    async def test_the_longest_values_are_taken(self, world: World) -> None:
        upload = await world.receive(
            Multipart()
            .field("title", "🎬" * 200)
            .field("description", "🎬" * 5_000)
            .video(SMALL_CLIP)
        )
        assert len(upload.title) == 200
        assert len(upload.description) == 5_000

    @pytest.mark.parametrize(
        ("form", "field"),
        [
            (Multipart().field("colour", "red").video(SMALL_CLIP), "colour"),
            (Multipart().video(SMALL_CLIP).field("owner", "me"), "owner"),
            (
                Multipart().field("title", "a").field("title", "b").video(SMALL_CLIP),
                "title",
            ),
            (Multipart().video(SMALL_CLIP).video(SMALL_CLIP), "video"),
            (Multipart().field("title", "a"), "video"),
            (Multipart(), "video"),
            (Multipart().field("video", SMALL_CLIP), "video"),
            (Multipart().file("title", "a.txt", b"a").video(SMALL_CLIP), "title"),
        ],
    )
    async def test_parts(self, world: World, form: Multipart, field: str) -> None:
        error = await world.refuse(form, Invalid)
        assert isinstance(error, Invalid)
        assert list(error.problems) == [field]

    async def test_a_foreign_charset(self, world: World) -> None:
        head = (
            'Content-Disposition: form-data; name="title"\r\n'
            "Content-Type: text/plain; charset=utf-16"
        )
        await world.refuse(Multipart().part(head, b"t").video(SMALL_CLIP), Invalid)

    async def test_a_wrong_field_is_refused_before_the_video_is_sent(
        self, world: World
    ) -> None:
        body = Multipart().field("title", " ").video(Clips.mp4(MEBIBYTE)).body()
        request = FakeRequest(Cuts.every(body, 1_000))
        await world.refuse(request, Invalid)
        assert request.handed_over <= 1_000

    async def test_a_thousand_fields(self, world: World) -> None:
        form = Multipart()
        for number in range(1_000):
            form.field(f"field{number}", "value")
        request = FakeRequest(Cuts.every(form.body(), 500))
        await world.refuse(request, Invalid)
        assert request.handed_over <= 500

    async def test_a_checksum_that_does_not_match(self, world: World) -> None:
        form = Multipart().field("sha256", "0" * 64).video(SMALL_CLIP)
        await world.refuse(form, ChecksumMismatch)


class TestContentThatIsRefused:
    @pytest.mark.parametrize("size", [0, 3, 15])
    async def test_too_few_bytes(self, world: World, size: int) -> None:
        await world.refuse(Multipart().video(SMALL_CLIP[:size]), EmptyFile)

    @pytest.mark.parametrize(
        "content",
        [
            b"#EXTM3U\n#EXTINF:10,\nhttp://169.254.169.254/\n",
            b'<?xml version="1.0"?><MPD></MPD>',
            b"<!DOCTYPE html><html></html>",
            Clips.iso(b"heic", b"mif1"),
            random.Random(1).randbytes(50_000),
        ],
    )
    async def test_what_is_no_video(self, world: World, content: bytes) -> None:
        error = await world.refuse(
            Multipart().video(content, "clip.mp4"), UnsupportedMedia
        )
        assert set(error.problems) == {"video"}
        assert "Matroska" in str(error)

    async def test_what_is_no_video_is_refused_early(self, world: World) -> None:
        body = Multipart().video(bytes(3 * MEBIBYTE)).body()
        request = FakeRequest(Cuts.every(body, 10_000))
        await world.refuse(request, UnsupportedMedia)
        assert request.handed_over <= 20_000
        assert world.staging.batch_sizes == []


class TestSyntaxThatIsRefused:
    VIDEO = Multipart().video(SMALL_CLIP)

    @pytest.mark.parametrize(
        "content_type",
        [
            "",
            "application/json",
            "text/plain",
            "multipart/mixed; boundary=x",
            "video/mp4",
        ],
    )
    async def test_another_content_type(self, world: World, content_type: str) -> None:
        request = FakeRequest([self.VIDEO.body()], content_type)
        await world.refuse(request, UnsupportedType)
        assert request.handed_over == 0

    @pytest.mark.parametrize(
        "boundary",
        [
            "",
            "; boundary=",
            '; boundary=""',
            "; boundary=" + "x" * 201,
            "; boundary=" + "x" * 5_000,
            "; boundary=\xe4",
            '; boundary="a\nb"',
            '; boundary="a "',
            "; boundery=x",
        ],
    )
    async def test_a_wrong_boundary(self, world: World, boundary: str) -> None:
        request = FakeRequest([self.VIDEO.body()], "multipart/form-data" + boundary)
        await world.refuse(request, MalformedMultipart)
        assert request.handed_over == 0

    @pytest.mark.parametrize("boundary", ["a", "x" * 200, "'()+_,-./:=?", "a b"])
    async def test_boundaries_that_are_right(self, world: World, boundary: str) -> None:
        body = Multipart(boundary).video(SMALL_CLIP).body()
        request = FakeRequest([body], f'Multipart/Form-Data; boundary="{boundary}"')
        assert (await world.take(request)).title == "clip"

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"\r\n",
            b"-",
            b"no boundary at all",
            f"--{BOUNDARY}".encode(),
            VIDEO.unclosed(),
            VIDEO.body().removesuffix(b"--\r\n"),
            VIDEO.body().removesuffix(b"-\r\n"),
            VIDEO.body().replace(b"\r\n", b"\n"),
            VIDEO.body()[:90],
            f"--{BOUNDARY}x\r\n".encode() + VIDEO.body(),
            Multipart("other").video(SMALL_CLIP).body(),
        ],
    )
    async def test_a_broken_frame(self, world: World, body: bytes) -> None:
        for size in (1, 7, max(len(body), 1)):
            await world.refuse(FakeRequest(Cuts.every(body, size)), MalformedMultipart)

    @pytest.mark.parametrize(
        "headers",
        [
            "Content-Type: video/mp4",
            "Content-Disposition: attachment; filename=a.mp4",
            "Content-Disposition: form-data",
            'Content-Disposition: form-data; filename="a.mp4"',
            'Content-Disposition: form-data; name=""; filename="a.mp4"',
            "no colon",
            ": no name",
            "Sp ace: x",
            'Content-Disposition: form-data; name="video"; filename="a"\r\nContent-Length: x',
            'Content-Disposition: form-data; name="video"; filename="a"\r\nContent-Length: 3',
            'Content-Disposition: form-data; name="video"; filename="a"\r\nContent-Length: 3000',
            'Content-Disposition: form-data; name="video"; filename="a"\r\nContent-Transfer-Encoding: base64',
            'Content-Disposition: form-data; name="video"; filename="a"\r\ncontent-transfer-encoding:\r\n Base64',
            'Content-Disposition: form-data; name="video"; filename="a"\r\nContent-Transfer-Encoding: quoted-printable',
            'Content-Disposition: form-data; name="video"; filename="a"\r\nContent-Type: multipart/mixed; boundary=x',
            'Content-Disposition: form-data; name="video"; filename="a"\nContent-Type: video/mp4',
            'Content-Disposition: form-data; name="video"; filename="'
            + "x" * 40_000
            + '"',
        ],
    )
    async def test_broken_part_headers(self, world: World, headers: str) -> None:
        await world.refuse(Multipart().part(headers, SMALL_CLIP), MalformedMultipart)

    @pytest.mark.parametrize("encoding", ["binary", "8bit", "7BIT"])
    async def test_an_encoding_that_changes_nothing(
        self, world: World, encoding: str
    ) -> None:
        head = (
            'Content-Disposition: form-data; name="video"; filename="a.mp4"\r\n'
            f"Content-Transfer-Encoding: {encoding}"
        )
        upload = await world.receive(Multipart().part(head, SMALL_CLIP))
        assert upload.file.sha256 == SMALL_SHA256

    async def test_ten_thousand_part_headers(self, world: World) -> None:
        head = "\r\n".join(f"X-Header-{number}: x" for number in range(10_000))
        request = FakeRequest(Cuts.every(Multipart().part(head, b"").body(), 1_000))
        await world.refuse(request, MalformedMultipart)
        assert request.handed_over <= 1_000

    async def test_an_endless_header(self, world: World) -> None:
        body = Multipart().part("X: " + "x" * 200_000, b"").body()
        request = FakeRequest(Cuts.every(body, 1_000))
        await world.refuse(request, MalformedMultipart)
        assert request.handed_over < 50_000


class TestSizesAndTimes:
    async def test_too_large_by_its_declared_length(self, world: World) -> None:
        request = FakeRequest([b"x"], content_length=6 * MEBIBYTE)
        await world.refuse(request, TooLarge)
        assert request.handed_over == 0

    @pytest.mark.parametrize("length", ["-1", "1e9", "x", "٣", "9" * 30])
    async def test_a_length_that_is_no_number(self, world: World, length: str) -> None:
        request = FakeRequest([b"x"], content_length=length)
        await world.refuse(request, Malformed)

    async def test_more_than_was_declared(self, world: World) -> None:
        body = Multipart().video(SMALL_CLIP).body()
        await world.refuse(FakeRequest([body], content_length=10), Malformed)

    async def test_a_video_that_is_too_large(self, world: World) -> None:
        body = Multipart().video(Clips.mp4(4 * MEBIBYTE + 1)).body()
        await world.refuse(FakeRequest(Cuts.every(body, 60_000)), TooLarge)

    async def test_the_largest_video_is_taken(self, world: World) -> None:
        clip = Clips.mp4(4 * MEBIBYTE)
        upload = await world.receive(Multipart().video(clip))
        assert upload.file.size_bytes == 4 * MEBIBYTE

    async def test_an_endless_epilogue(self, world: World) -> None:
        body = Multipart().video(SMALL_CLIP).body() + bytes(6 * MEBIBYTE)
        await world.refuse(FakeRequest(Cuts.every(body, 60_000)), TooLarge)

    async def test_no_room_for_what_is_declared(self, world: World) -> None:
        world.staging.capacity_bytes = 1_000
        request = FakeRequest([b"x"], content_length=1_001)
        await world.refuse(request, StorageFull)
        assert request.handed_over == 0

    async def test_the_disk_fills_on_the_way(self, world: World) -> None:
        world.staging.capacity_bytes = MEBIBYTE
        body = Multipart().video(Clips.mp4(2 * MEBIBYTE)).body()
        request = FakeRequest(Cuts.every(body, 60_000))
        await world.refuse(request, StorageFull)
        assert request.handed_over < len(body)

    @pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
    @pytest.mark.parametrize(
        ("after", "error"), [("leave", ClientDisconnected), ("silence", SlowBody)]
    )
    async def test_a_client_that_stops(
        self, share: float, after: str, error: type[MediaProjectError]
    ) -> None:
        seconds = 0.05 if after == "silence" else LIMITS.receive_seconds
        world = World(replace(LIMITS, receive_seconds=seconds))
        body = Multipart().video(Clips.mp4(MEBIBYTE)).body()
        pieces = Cuts.every(body[: int(len(body) * share)], 60_000)
        await world.refuse(FakeRequest(pieces, after=after), error)

    async def test_a_client_that_trickles(self) -> None:
        world = World(
            UploadLimits(
                MEBIBYTE, receive_seconds=0.0001, least_bytes_per_second=1 << 40
            )
        )
        body = Multipart().video(Clips.mp4(10_000)).body()
        await world.refuse(FakeRequest(Cuts.every(body, 1)), SlowBody)

    async def test_a_cancelled_request_leaves_nothing(self, world: World) -> None:
        body = Multipart().video(Clips.mp4(MEBIBYTE)).body()
        for turns in range(0, 60, 3):
            request = FakeRequest(Cuts.every(body, 60_000), after="silence")
            receiving = asyncio.create_task(world.take(request))
            for _ in range(turns):
                await asyncio.sleep(0)
            receiving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await receiving
            assert world.staging.files == {}


class TestDeclaredMedia:
    async def test_the_rest_is_left_until_it_has_been_answered(
        self, world: World
    ) -> None:
        media_id = world.declared.owned[SMALL_SHA256] = uuid4()
        form = Multipart().field("sha256", SMALL_SHA256.upper())
        head = len(form.unclosed())
        pieces = Cuts.every(form.video(Clips.mp4(MEBIBYTE)).body(), 60_000)
        request = FakeRequest(pieces)

        with pytest.raises(DeclaredMediaFound) as found:
            await world.take(request)

        assert found.value.media_id == media_id
        assert head < request.handed_over <= 60_000
        assert world.staging.files == {}
        (discard,) = request.after_answers
        await discard()
        assert request.handed_over == sum(map(len, pieces))

    @pytest.mark.parametrize("after", ["leave", "silence"])
    async def test_a_rest_that_does_not_come_is_given_up(self, after: str) -> None:
        world = World(replace(LIMITS, receive_seconds=0.05))
        world.declared.owned[SMALL_SHA256] = uuid4()
        form = Multipart().field("sha256", SMALL_SHA256).video(SMALL_CLIP)
        request = FakeRequest([form.unclosed()], after=after)
        with pytest.raises(DeclaredMediaFound):
            await world.take(request)
        async with asyncio.timeout(5):
            await request.after_answers[0]()

    async def test_wrong_fields_before_it_are_refused(self, world: World) -> None:
        world.declared.owned[SMALL_SHA256] = uuid4()
        form = Multipart().field("sha256", SMALL_SHA256).field("title", " ")
        await world.refuse(form.video(SMALL_CLIP), Invalid)
        assert world.declared.asked == []

    async def test_only_what_is_declared_before_the_video_is_looked_for(
        self, world: World
    ) -> None:
        world.declared.owned[SMALL_SHA256] = uuid4()
        form = Multipart().video(SMALL_CLIP).field("sha256", SMALL_SHA256)
        upload = await world.receive(form)
        assert world.declared.asked == []
        assert not upload.file.sealed

    async def test_what_nobody_has_is_received(self, world: World) -> None:
        form = Multipart().field("sha256", SMALL_SHA256).video(SMALL_CLIP)
        upload = await world.receive(form)
        assert world.declared.asked == [SMALL_SHA256]
        assert world.staging.files[upload.file.name] == SMALL_CLIP


class TestOnARealFolder:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "staging"

    async def test_twenty_uploads_at_once(self, folder: Path) -> None:
        staging = FolderStaging(folder, floor_bytes=0)
        world = World(folder=staging)
        chance = random.Random(13)
        clips = [Clips.mp4() + chance.randbytes(MEBIBYTE + at) for at in range(20)]
        requests = [
            FakeRequest(Cuts.every(Multipart().video(clip).body(), 65_536))
            for clip in clips
        ]
        uploads = await asyncio.gather(*map(world.take, requests))
        for clip, upload in zip(clips, uploads, strict=True):
            assert (folder / str(upload.file.name)).read_bytes() == clip
            assert upload.file.sha256 == hashlib.sha256(clip).hexdigest()
            await upload.incoming.discard()
        assert Looked.names(folder) == set()
        staging.close()

    async def test_every_second_upload_is_cut_off(self, folder: Path) -> None:
        staging = FolderStaging(folder, floor_bytes=0)
        world = World(folder=staging)
        pieces = Cuts.every(Multipart().video(Clips.mp4(2 * MEBIBYTE)).body(), 65_536)
        requests = [
            FakeRequest(pieces[:20], after="leave") if at % 2 else FakeRequest(pieces)
            for at in range(20)
        ]
        results = await asyncio.gather(
            *map(world.take, requests), return_exceptions=True
        )
        kept = {
            str(result.file.name)
            for result in results
            if isinstance(result, ReceivedUpload)
        }
        assert len(kept) == 10
        assert Looked.names(folder) == kept
        for result in results:
            if isinstance(result, ReceivedUpload):
                await result.incoming.keep()
        staging.close()

    async def test_the_loop_stays_free(self, folder: Path) -> None:
        staging = FolderStaging(folder, floor_bytes=0)
        world = World(UploadLimits(64 * MEBIBYTE), staging)
        request = FakeRequest([Multipart().video(Clips.mp4(32 * MEBIBYTE)).body()])
        receiving = asyncio.create_task(world.take(request))
        longest, before = 0.0, time.thread_time()
        while not receiving.done():
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, before = max(longest, now - before), now
        await (await receiving).incoming.discard()
        staging.close()
        # Processor time of this thread, so that other load does not count.
        assert longest < 0.02
