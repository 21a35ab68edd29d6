"""Media that name other files, and a listener that notices who follows them."""

import socket
import socketserver
import threading
from typing import Any, Self


class References:
    """Each method makes a file that names `address`; `KINDS` lists them."""

    KINDS = ("hls", "dash", "smooth", "f4m", "concat", "movie", "alias")

    def __init__(self, address: str) -> None:
        """An `http:` or `file:` address, or the path of a local file."""
        self._address = address

    def make(self, kind: str) -> bytes:
        content: str | bytes = getattr(self, kind)()
        return content if isinstance(content, bytes) else content.encode()

    def hls(self) -> str:
        return (
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n"
            f"#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:9,\n{self._address}\n#EXT-X-ENDLIST\n"
        )

    def dash(self) -> str:
        return (
            '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
            'type="static" mediaPresentationDuration="PT9S"><Period><AdaptationSet '
            'mimeType="video/mp4"><Representation id="1" codecs="avc1.42c01e" '
            f'width="320" height="180"><BaseURL>{self._address}</BaseURL>'
            "</Representation></AdaptationSet></Period></MPD>"
        )

    def smooth(self) -> str:
        return (
            '<?xml version="1.0"?>\n<smil xmlns="http://www.w3.org/2001/SMIL20/Language">'
            f'<body><switch><video src="{self._address}" systemBitrate="1000">'
            '<param name="trackID" value="1"/></video></switch></body></smil>'
        )

    def f4m(self) -> str:
        return (
            '<?xml version="1.0"?>\n<manifest xmlns="http://ns.adobe.com/f4m/1.0">'
            f'<duration>9</duration><media url="{self._address}" bitrate="1"/></manifest>'
        )

    def concat(self) -> str:
        return f"ffconcat version 1.0\nfile '{self._address}'\n"

    def movie(self) -> bytes:
        """A QuickTime whose samples are at an address."""
        return self._quicktime(b"url ", self._address.encode() + b"\0")

    def alias(self) -> bytes:
        """A QuickTime whose samples are in a file as the classic Mac OS names it."""
        path = self._address.encode() + bytes(len(self._address) % 2)
        names = b"\4disk".ljust(28, b"\0") + bytes(12) + b"\4file".ljust(64, b"\0")
        levels = bytes(16) + b"\xff\xff\xff\xff" + bytes(16)
        entry = b"\0\2" + len(path).to_bytes(2, "big") + path + b"\xff\xff\0\0"
        return self._quicktime(b"alis", bytes(10) + names + levels + entry)

    @classmethod
    def _quicktime(cls, kind: bytes, reference: bytes) -> bytes:
        movie = cls._full(b"mvhd", cls._numbers(0, 0, 1000, 1000, 0x10000), 84 - 20)
        track = cls._full(b"tkhd", cls._numbers(0, 0, 1, 0, 1000), 84 - 28, 7)
        size = cls._numbers(320 << 16, 180 << 16)
        track = track[:-8] + size
        media = (
            cls._full(b"mdhd", cls._numbers(0, 0, 1000, 1000), 4)
            + cls._full(b"hdlr", bytes(4) + b"vide", 13)
            + cls._box(b"minf", cls._media_information(kind, reference))
        )
        content = movie + cls._box(b"trak", track + cls._box(b"mdia", media))
        return cls._box(b"ftyp", b"qt  \0\0\0\0qt  ") + cls._box(b"moov", content)

    @classmethod
    def _media_information(cls, kind: bytes, reference: bytes) -> bytes:
        sample = bytes(6) + b"\0\1" + bytes(16) + (320).to_bytes(2, "big")
        sample += (180).to_bytes(2, "big") + bytes(50)
        one = cls._numbers(1)
        tables = (
            cls._full(b"stsd", one + cls._box(b"mp4v", sample))
            + cls._full(b"stts", cls._numbers(1, 25, 40))
            + cls._full(b"stsc", cls._numbers(1, 1, 25, 1))
            + cls._full(b"stsz", cls._numbers(1000, 25))
            + cls._full(b"stco", cls._numbers(1, 0))
        )
        place = cls._full(b"dref", one + cls._full(kind, reference))
        return (
            cls._full(b"vmhd", bytes(8), 0, 1)
            + cls._box(b"dinf", place)
            + cls._box(b"stbl", tables)
        )

    @staticmethod
    def _numbers(*numbers: int) -> bytes:
        return b"".join(number.to_bytes(4, "big") for number in numbers)

    @staticmethod
    def _box(kind: bytes, content: bytes) -> bytes:
        return (8 + len(content)).to_bytes(4, "big") + kind + content

    @classmethod
    def _full(cls, kind: bytes, content: bytes, more: int = 0, flags: int = 0) -> bytes:
        return cls._box(kind, cls._numbers(flags) + content + bytes(more))


class Listener(socketserver.TCPServer):
    """Listens on loopback, counts who connects, and ends every connection at once."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self._count = 0
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/a.mp4"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        self._count += 1
        return False

    def connections(self) -> int:
        """How many there were: ours comes last, and is counted when it is ended."""
        with socket.create_connection(self.server_address[:2]) as ours:
            assert ours.recv(1) == b""
        self._count -= 1
        return self._count
