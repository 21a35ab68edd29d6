"""The program that makes a miniature of a picture: a process of its own for each.

It finds the picture as its standard input; `boxed_child.py` has closed it in.
"""

import struct
import sys
import warnings
import zlib
from typing import Any, Final, cast

import PIL
from PIL import (
    Image,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
    features,
)

from backend.adapters.picture_writer import PictureWriter
from backend.adapters.seekable_input import SeekableInput
from backend.adapters.system_call_box import SystemCallBox
from backend.domain.media import MINIATURE_MOST_HEIGHT, PICTURE_MOST_PIXELS

# Loaded by being imported: nothing can be once the box is sealed. Phones put several
# pictures into one JPEG (MPO), and Exif is TIFF.
_FORMATS = (
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)


class PictureChild:
    """Decodes a JPEG, PNG or WebP, by its content, with Pillow."""

    # MPO comes with JPEG.
    _ALLOWED: Final = ("JPEG", "PNG", "WEBP")
    _LIBRARIES: Final = ("libjpeg_turbo", "zlib", "webp")
    # What Pillow raises for damaged or malicious files.
    _UNREADABLE: Final = (
        *(OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError),
        *(EOFError, struct.error, zlib.error, Image.DecompressionBombError),
        Image.DecompressionBombWarning,
    )
    _WHITE: Final = (255, 255, 255, 255)

    def run(self) -> None:
        Image.MAX_IMAGE_PIXELS = PICTURE_MOST_PIXELS
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        writer = PictureWriter(self._made_with())
        SystemCallBox().seal()
        try:
            image = self._image()
        except UnidentifiedImageError:
            writer.refuse("It is no JPEG, PNG or WebP")
        except self._UNREADABLE as error:
            writer.refuse(f"{type(error).__name__}: {error}")
        writer.write(image)

    @classmethod
    def _made_with(cls) -> str:
        libraries = (f"{name} {features.version(name)}" for name in cls._LIBRARIES)
        return ", ".join((f"Pillow {PIL.__version__}", *libraries))

    def _image(self) -> Image.Image:
        """The first frame, upright, in RGB. Opening it checks its size."""
        source = cast(Any, SeekableInput(sys.stdin.fileno()))
        image: Image.Image = Image.open(source, formats=self._ALLOWED)
        # A JPEG that is far too large is decoded at half its size or less.
        image.draft(None, (MINIATURE_MOST_HEIGHT, MINIATURE_MOST_HEIGHT))
        image.load()
        return ImageOps.exif_transpose(self._rgb(image))

    @classmethod
    def _rgb(cls, image: Image.Image) -> Image.Image:
        """Keeps the Exif data, which say how to turn it."""
        if image.mode.startswith("I"):
            # 16 bits; to convert it would cut the light ones instead of scaling.
            image = image.convert("I").point(lambda value: value * (1 / 256))
            return image.convert("L").convert("RGB")
        if not image.has_transparency_data:
            return image.convert("RGB")
        layer = image.convert("RGBA")
        flat = Image.new("RGBA", layer.size, cls._WHITE)
        flat.alpha_composite(layer)
        flat.info = layer.info
        return flat.convert("RGB")


if __name__ == "__main__":
    PictureChild().run()
