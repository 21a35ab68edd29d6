"""Files to upload: real ones, real ones that were damaged, and garbage."""

import tempfile
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.clips import ClipMaker
from tests.pictures import Pictures


class FileStrategies:
    """Draws the bytes of videos and pictures."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            maker = ClipMaker(Path(folder))
            small = {"seconds": 0.2, "width": 64, "height": 48, "audio": False}
            self._videos = [
                path.read_bytes()
                for path in (
                    maker.mp4(**small),
                    maker.mkv(**small),
                    maker.webm(**small),
                )
            ]
        self._pictures = [Pictures.plain(kind) for kind in ("JPEG", "PNG", "WEBP")]

    def videos(self) -> SearchStrategy[bytes]:
        """Every other one is whole; few of them are the same."""
        whole = st.builds(
            self._tailed, st.sampled_from(self._videos), st.binary(max_size=8)
        )
        return st.one_of(whole, whole, self._damaged(self._videos), self._garbage())

    def pictures(self) -> SearchStrategy[bytes]:
        whole = st.sampled_from(self._pictures)
        return st.one_of(whole, self._damaged(self._pictures), self._garbage())

    @staticmethod
    def _tailed(video: bytes, tail: bytes) -> bytes:
        """The same film in other bytes: players skip a box `free` and what they do not know."""
        return video + (len(tail) + 8).to_bytes(4, "big") + b"free" + tail

    @staticmethod
    def _damaged(files: list[bytes]) -> SearchStrategy[bytes]:
        def damage(file: bytes, start: int, length: int, patch: bytes) -> bytes:
            at = start % len(file)
            return file[:at] + patch + file[at + length :]

        number = st.integers(0, 100_000)
        return st.builds(
            damage, st.sampled_from(files), number, number, st.binary(max_size=64)
        )

    @staticmethod
    def _garbage() -> SearchStrategy[bytes]:
        return st.binary(max_size=2_000)
