"""The video containers we take, recognised by their first bytes.

This is an allow-list: unrecognised files never reach a media parser. That excludes
playlists and other texts that make parsers open further files and addresses.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backend.domain.media import Container

MPEG_4 = Container("MPEG-4", "video/mp4", "mp4")
QUICKTIME = Container("QuickTime", "video/quicktime", "mov")
THREE_GPP = Container("3GPP", "video/3gpp", "3gp")
THREE_GPP_2 = Container("3GPP2", "video/3gpp2", "3g2")
# RFC 9559 registers video/matroska; browsers, players and CDNs know this one.
MATROSKA = Container("Matroska", "video/x-matroska", "mkv")
WEBM = Container("WebM", "video/webm", "webm")
AVI = Container("AVI", "video/x-msvideo", "avi")
MPEG_TS = Container("MPEG-TS", "video/mp2t", "ts")
BLU_RAY_TS = Container("BDAV", "video/mp2t", "m2ts")
MPEG_PS = Container("MPEG-PS", "video/mpeg", "mpg")
FLASH_VIDEO = Container("Flash Video", "video/x-flv", "flv")
WINDOWS_MEDIA = Container("Windows Media", "video/x-ms-wmv", "wmv")

TAKEN = (
    "MP4, QuickTime, 3GPP, Matroska, WebM, AVI, MPEG-TS, MPEG-PS, Flash Video "
    "or Windows Media"
)

Recogniser = Callable[[bytes], Container | None]


@dataclass(frozen=True, slots=True)
class Box:
    """The start of an ISO box (a QuickTime atom): `end` may lie beyond the head."""

    kind: bytes
    start: int
    end: int


class IsoFamily:
    """MP4, QuickTime and 3GPP: a file of boxes, named by the brands of the first one."""

    _QUICKTIME_BRAND = b"qt  "
    _VIDEO_BRANDS = frozenset(
        b"isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 isoa isob isoc mp41 mp42 mp71 "
        b"avc1 avc3 hvc1 hev1 av01 vvc1 dby1 dvh1 M4VH M4VP MSNV XAVC mmp4 dash isml "
        b"piff cmfc cmff cmf2 cmfs ndsc ndsh ndsm ndsp ndss ndxc ndxh ndxm "
        b"ndxp ndxs CAEP caqv pana niko nvr1 ROSS SEGA dmb1 kddi".split()
    ) | frozenset(brand.ljust(4) for brand in b"M4V f4v F4V F4P".split())
    # Stills and sound in the same boxes; many of them list a video brand as well.
    _OTHER_BRANDS = frozenset(
        b"heic heix heim heis hevc hevx hevm hevs mif1 mif2 msf1 miaf avif avis avci "
        b"avcs jpeg jpgs j2ki j2is mjp2 aaxc".split()
    ) | frozenset(
        brand.ljust(4)
        for brand in b"M4A M4B M4P F4A F4B jp2 jpx jpm jxl jxs crx aax".split()
    )
    _3GPP_2 = b"3g2"
    _3GPP = (b"3gp", b"3ge", b"3gg", b"3gh", b"3gr", b"3gs", b"3gt", b"3gm")
    _PADDING = frozenset({b"free", b"skip", b"wide"})
    # QuickTime files older than `ftyp` begin with one of these.
    _OLD_QUICKTIME = frozenset({b"moov", b"mdat", b"pnot"})

    def __call__(self, head: bytes) -> Container | None:
        padded = False
        for box in self._boxes(head):
            if box.kind == b"ftyp":
                return self._by_brands(head[box.start + 8 : box.end])
            if box.kind in self._OLD_QUICKTIME:
                return QUICKTIME
            if box.kind not in self._PADDING:
                return None
            padded = True
        return QUICKTIME if padded else None

    @staticmethod
    def _boxes(head: bytes) -> Iterator[Box]:
        """The boxes that begin in the head, up to the first that has no honest size."""
        start = 0
        while start + 8 <= len(head):
            size = int.from_bytes(head[start : start + 4], "big")
            kind = head[start + 4 : start + 8]
            # 0: up to the end of the file; 1: a 64-bit size follows.
            end = start + size if size > 1 else len(head)
            if end < start + 8:
                return
            yield Box(kind, start, end)
            start = end

    def _by_brands(self, content: bytes) -> Container | None:
        major = content[:4]
        others = {content[at : at + 4] for at in range(8, len(content) - 3, 4)}
        if major in self._OTHER_BRANDS:
            return None
        if named := self._by_brand(major):
            return named
        if others & self._OTHER_BRANDS:
            return None
        return next(filter(None, map(self._by_brand, sorted(others))), None)

    def _by_brand(self, brand: bytes) -> Container | None:
        if brand == self._QUICKTIME_BRAND:
            return QUICKTIME
        if brand in self._VIDEO_BRANDS:
            return MPEG_4
        if brand.startswith(self._3GPP_2):
            return THREE_GPP_2
        return THREE_GPP if brand.startswith(self._3GPP) else None


class Ebml:
    """Matroska and WebM: told apart by the DocType in the EBML header."""

    _SIGNATURE = b"\x1a\x45\xdf\xa3"
    _DOC_TYPE = b"\x42\x82"
    _CONTAINERS = {b"matroska": MATROSKA, b"webm": WEBM}

    def __call__(self, head: bytes) -> Container | None:
        if not head.startswith(self._SIGNATURE):
            return None
        size, at = self._number(head, len(self._SIGNATURE))
        return self._CONTAINERS.get(self._doc_type(head[at : at + size]))

    def _doc_type(self, header: bytes) -> bytes:
        at = 0
        while at < len(header):
            start = at
            at += self._width(header[at])
            element = header[start:at]
            size, at = self._number(header, at)
            if element == self._DOC_TYPE:
                # The value may be padded with zeros.
                return header[at : at + size].rstrip(b"\x00")
            at += size
        return b""

    def _number(self, data: bytes, at: int) -> tuple[int, int]:
        """A number whose first byte says its width, and where it ends."""
        if at >= len(data):
            return 0, at
        width = self._width(data[at])
        number = int.from_bytes(data[at : at + width], "big")
        return number & ((1 << 7 * width) - 1), at + width

    @staticmethod
    def _width(first: int) -> int:
        return 9 - max(first.bit_length(), 1)


class Riff:
    """AVI, and none of the sounds and pictures that are RIFF too."""

    def __call__(self, head: bytes) -> Container | None:
        return AVI if head[:4] == b"RIFF" and head[8:12] == b"AVI " else None


class TransportStream:
    """MPEG-TS: packets of one length, each beginning with the same byte."""

    # Length of a packet, where its sync byte stands, what it is.
    _LAYOUTS = ((188, 0, MPEG_TS), (192, 4, BLU_RAY_TS), (204, 0, MPEG_TS))
    _SYNC = 0x47
    # A recording may have damaged packets, though hardly among the first.
    _LEAST_PACKETS, _MOST_PACKETS = 3, 8

    def __call__(self, head: bytes) -> Container | None:
        for length, offset, container in self._LAYOUTS:
            packets = range(offset, len(head) - 3, length)[: self._MOST_PACKETS]
            if len(packets) < self._LEAST_PACKETS:
                continue
            if all(self._is_packet(head, at) for at in packets):
                return container
        return None

    def _is_packet(self, head: bytes, at: int) -> bool:
        # The two bits say whether an adaptation field or a payload follows: never none.
        return head[at] == self._SYNC and bool(head[at + 3] & 0x30)


class ProgramStream:
    """MPEG-PS of either MPEG-1 or MPEG-2."""

    _PACK = b"\x00\x00\x01\xba"

    def __call__(self, head: bytes) -> Container | None:
        if not head.startswith(self._PACK) or len(head) < len(self._PACK) + 1:
            return None
        marker = head[len(self._PACK)]
        return MPEG_PS if marker >> 6 == 0b01 or marker >> 4 == 0b0010 else None


class Flash:
    """FLV whose header announces video."""

    _HAS_VIDEO = 0x01
    _RESERVED = 0xFA

    def __call__(self, head: bytes) -> Container | None:
        if not re.match(rb"FLV\x01.\x00\x00\x00\x09", head, re.DOTALL):
            return None
        flags = head[4]
        is_video = flags & self._HAS_VIDEO and not flags & self._RESERVED
        return FLASH_VIDEO if is_video else None


class WindowsMedia:
    """ASF with a video stream: the same header also carries sound alone."""

    _HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
    _VIDEO_STREAM = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")

    def __call__(self, head: bytes) -> Container | None:
        if not head.startswith(self._HEADER):
            return None
        ends_beyond = int.from_bytes(head[16:24], "little") > len(head)
        return WINDOWS_MEDIA if ends_beyond or self._VIDEO_STREAM in head else None


class ContainerSniffer:
    """Recognises a video by its first `head_bytes`, or by all its bytes if it has
    fewer."""

    head_bytes = 16 * 1024

    _RECOGNISERS: tuple[Recogniser, ...] = (
        IsoFamily(),
        Ebml(),
        Riff(),
        TransportStream(),
        ProgramStream(),
        Flash(),
        WindowsMedia(),
    )

    def recognise(self, head: bytes) -> Container | None:
        for recogniser in self._RECOGNISERS:
            if container := recogniser(head):
                return container
        return None
