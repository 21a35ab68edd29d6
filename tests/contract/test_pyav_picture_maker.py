import io

import pytest
from PIL import Image

from backend.adapters.child_process import ChildProcess
from backend.adapters.forked_child import ForkedChild
from backend.adapters.pyav_picture_maker import PyAvPictureMaker
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import Picture
from tests.contract.picture_maker_contract import Opened, PictureMakerContract
from tests.films import BLACK, GREEN, NIGHT, Films, Matrix
from tests.pictures import BLUE, RED, WHITE, Colour, Pictures


class Seen:
    """A miniature as a viewer sees it."""

    def __init__(self, picture: Picture) -> None:
        self._image = Image.open(io.BytesIO(picture.content))
        self.size = self._image.size

    def shows(self, colour: Colour, across: float = 0.5, down: float = 0.5) -> bool:
        """Whether it is of about that colour there."""
        at = int(self.size[0] * across), int(self.size[1] * down)
        found = self._image.getpixel(at)
        assert isinstance(found, tuple)
        return all(
            abs(one - other) < 30 for one, other in zip(found, colour, strict=True)
        )


class TestPyAvPictureMaker(PictureMakerContract):
    @pytest.fixture(scope="class", params=[ChildProcess, ForkedChild])
    @classmethod
    def maker(cls, request: pytest.FixtureRequest) -> PyAvPictureMaker:
        return PyAvPictureMaker(kind=request.param)

    @pytest.mark.parametrize(
        ("size", "made"),
        [
            ((1, 1), (1, 1)),
            ((300, 200), (300, 200)),
            ((2000, 1000), (1280, 640)),
            ((1, 30_000), (1, 2560)),
            ((30_000, 1), (1280, 1)),
        ],
    )
    async def test_it_is_made_smaller_and_never_larger(
        self,
        maker: PyAvPictureMaker,
        opened: Opened,
        size: tuple[int, int],
        made: tuple[int, int],
    ) -> None:
        picture = await maker.of_picture(opened(Pictures.plain("PNG", size)))
        self.check(picture)
        assert (picture.width, picture.height) == made

    @pytest.mark.parametrize(
        ("content", "colour"),
        [
            (Pictures.of_mode("CMYK", "JPEG"), RED),
            (Pictures.of_mode("LA", "PNG"), (76, 76, 76)),
            (Pictures.grey_16_bit(40_000), (156, 156, 156)),
            (Pictures.animated("WEBP"), RED),
            (Pictures.animated("PNG"), RED),
            (Pictures.animated("MPO"), RED),
        ],
        ids=["CMYK", "grey", "16 bit", "WebP", "APNG", "MPO"],
    )
    async def test_every_kind_of_pixel_is_shown_as_it_is(
        self, maker: PyAvPictureMaker, opened: Opened, content: bytes, colour: Colour
    ) -> None:
        picture = await maker.of_picture(opened(content))
        assert Seen(picture).shows(colour)

    async def test_what_is_transparent_becomes_white(
        self, maker: PyAvPictureMaker, opened: Opened
    ) -> None:
        picture = await maker.of_picture(opened(Pictures.transparent_palette()))
        assert Seen(picture).shows(BLUE, 0.2)
        assert Seen(picture).shows(WHITE, 0.8)

    async def test_it_is_upright_and_keeps_no_secret(
        self, maker: PyAvPictureMaker, opened: Opened
    ) -> None:
        content = Pictures.on_its_side()
        assert content.count(b"SECRET") > 50
        picture = await maker.of_picture(opened(content))
        self.check(picture)
        assert b"SECRET" not in picture.content
        assert b"Exif" not in picture.content
        assert (picture.width, picture.height) == (48, 64)
        assert Seen(picture).shows(RED, down=0.2)
        assert Seen(picture).shows(BLUE, down=0.8)

    async def test_a_polyglot_loses_its_other_half(
        self, maker: PyAvPictureMaker, opened: Opened
    ) -> None:
        picture = await maker.of_picture(opened(Pictures.polyglot()))
        self.check(picture)
        assert b"<script" not in picture.content
        assert Seen(picture).shows(RED)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (Pictures.pixel_bomb(), "DecompressionBombError"),
            (Pictures.pixel_bomb(8_000), "DecompressionBombWarning"),
            (Pictures.plain("JPEG", (900, 900))[:-2000], "truncated"),
            (Pictures.plain("PNG")[:60], ""),
            (Pictures.fits(), "no JPEG, PNG or WebP"),
            (Pictures.plain("TIFF"), "no JPEG, PNG or WebP"),
            (Films.of_colours((RED, 1)), "no JPEG, PNG or WebP"),
        ],
        ids=[
            "pixel bomb",
            "64 megapixels",
            "cut JPEG",
            "cut PNG",
            "FITS",
            "TIFF",
            "video",
        ],
    )
    async def test_what_cannot_be_shown_is_refused(
        self, maker: PyAvPictureMaker, opened: Opened, content: bytes, words: str
    ) -> None:
        with pytest.raises(JobFailed) as caught:
            await maker.of_picture(opened(content))
        assert caught.value.code is FailureCode.UNREADABLE_PICTURE
        assert words in str(caught.value)

    @pytest.mark.parametrize(
        ("film", "colour"),
        [
            (Films.of_colours((BLACK, 25), (GREEN, 5)), GREEN),
            (Films.of_colours((BLACK, 1), (GREEN, 20)), GREEN),
            (Films.of_colours((RED, 1)), RED),
            (Films.of_colours((BLACK, 9), (NIGHT, 2), (BLACK, 9)), NIGHT),
            (Films.of_colours((BLACK, 3)), BLACK),
        ],
        ids=["after a while", "after one", "one frame", "brightest", "all black"],
    )
    async def test_the_frame_is_not_black_if_there_is_such(
        self, maker: PyAvPictureMaker, opened: Opened, film: bytes, colour: Colour
    ) -> None:
        picture = await maker.of_video(opened(film))
        self.check(picture)
        assert (picture.width, picture.height) == (160, 120)
        assert Seen(picture).shows(colour)

    @pytest.mark.parametrize(
        ("matrix", "size", "red_at"),
        [
            ((1, 0, 0, 1), (160, 120), (0.2, 0.5)),
            ((0, 1, -1, 0), (120, 160), (0.5, 0.2)),
            ((-1, 0, 0, -1), (160, 120), (0.8, 0.5)),
            ((0, -1, 1, 0), (120, 160), (0.5, 0.8)),
            ((-1, 0, 0, 1), (160, 120), (0.8, 0.5)),
        ],
        ids=["upright", "clockwise", "upside down", "the other way", "mirrored"],
    )
    async def test_it_is_turned_as_players_turn_it(
        self,
        maker: PyAvPictureMaker,
        opened: Opened,
        matrix: Matrix,
        size: tuple[int, int],
        red_at: tuple[float, float],
    ) -> None:
        picture = await maker.of_video(opened(Films.of_halves(matrix)))
        assert (picture.width, picture.height) == size
        across, down = red_at
        assert Seen(picture).shows(RED, across, down)
        assert Seen(picture).shows(BLUE, 1 - across, 1 - down)

    async def test_pixels_that_are_not_square_are_stretched(
        self, maker: PyAvPictureMaker, opened: Opened
    ) -> None:
        picture = await maker.of_video(opened(Films.of_halves(shape=2)))
        assert (picture.width, picture.height) == (320, 120)

    @pytest.mark.parametrize(
        ("container", "codec"),
        [
            ("webm", "libvpx"),
            ("avi", "mpeg4"),
            ("mpegts", "libx264"),
            ("mpeg", "mpeg1video"),
            ("flv", "flv"),
            ("asf", "wmv2"),
        ],
    )
    async def test_containers_other_than_mp4_have_frames_too(
        self, maker: PyAvPictureMaker, opened: Opened, container: str, codec: str
    ) -> None:
        film = Films.of_colours((GREEN, 12), container=container, codec=codec)
        assert Seen(await maker.of_video(opened(film))).shows(GREEN)

    @pytest.mark.parametrize(
        "film",
        [
            Films.of_colours((GREEN, 12), container="mpegts", preset="medium"),
            Films.of_colours(
                (BLACK, 12), (GREEN, 12), container="mpegts", preset="medium"
            ),
        ],
        ids=["at once", "after a while"],
    )
    async def test_a_key_frame_that_no_seek_finds_is_found(
        self, maker: PyAvPictureMaker, opened: Opened, film: bytes
    ) -> None:
        # Unlike the fastest preset, this one has frames that refer to later ones.
        assert Seen(await maker.of_video(opened(film))).shows(GREEN)

    async def test_a_film_that_breaks_off_shows_what_it_has(
        self, maker: PyAvPictureMaker, opened: Opened
    ) -> None:
        whole = Films.of_colours(
            (GREEN, 30), options={"movflags": "frag_every_frame+empty_moov"}
        )
        picture = await maker.of_video(opened(whole[: len(whole) // 2]))
        assert Seen(picture).shows(GREEN)

    @pytest.mark.parametrize(
        "content",
        [Films.of_colours((RED, 3))[:-500], Films.sound(), Pictures.plain("PNG")],
        ids=["without its index", "sound", "picture"],
    )
    async def test_what_has_no_frame_is_unreadable(
        self, maker: PyAvPictureMaker, opened: Opened, content: bytes
    ) -> None:
        with pytest.raises(JobFailed) as caught:
            await maker.of_video(opened(content))
        assert caught.value.code is FailureCode.UNREADABLE_PICTURE

    async def test_it_says_what_it_was_made_with(
        self, maker: PyAvPictureMaker, opened: Opened
    ) -> None:
        picture = await maker.of_picture(opened(Pictures.plain("PNG")))
        film = await maker.of_video(opened(Films.of_colours((RED, 1))))
        assert picture.made_with.startswith("Pillow 12.")
        assert "libavcodec 62." in film.made_with
