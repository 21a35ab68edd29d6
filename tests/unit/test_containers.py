import random

import pytest

from backend.domain import containers
from backend.domain.containers import ContainerSniffer
from backend.domain.media import Container
from tests.fakes.clips import Clips

VIDEO_STREAM = "c0ef19bc4d5bcf11a8fd00805f5c442b"
AUDIO_STREAM = "409e69f84d5bcf11a8fd00805f5c442b"

TAKEN = {
    "mp4": (Clips.mp4(), containers.MPEG_4),
    "mp4 with ftyp only": (
        Clips.box(b"ftyp", b"mp42" + bytes(4) + b"isom"),
        containers.MPEG_4,
    ),
    "mp4 of an unknown maker": (Clips.iso(b"abcd", b"mp42"), containers.MPEG_4),
    "m4v that lists sound": (Clips.iso(b"M4V ", b"M4A ", b"mp42"), containers.MPEG_4),
    "fragmented mp4": (Clips.iso(b"iso5", b"dash"), containers.MPEG_4),
    "mp4 after padding": (
        Clips.box(b"free", bytes(20)) + Clips.mp4(),
        containers.MPEG_4,
    ),
    "mov": (Clips.iso(b"qt  ", b"qt  "), containers.QUICKTIME),
    "mov that begins with moov": (
        Clips.box(b"moov", bytes(30)),
        containers.QUICKTIME,
    ),
    "mov with a 64-bit mdat": (
        b"\x00\x00\x00\x01mdat" + bytes(20),
        containers.QUICKTIME,
    ),
    "mov that begins with wide": (
        Clips.box(b"wide") + Clips.box(b"mdat", bytes(9)),
        containers.QUICKTIME,
    ),
    "3gp": (Clips.iso(b"3gp5", b"isom"), containers.THREE_GPP),
    "3g2": (Clips.iso(b"3g2a", b"isom"), containers.THREE_GPP_2),
    "mkv": (Clips.ebml(b"matroska"), containers.MATROSKA),
    "mkv with a padded type": (Clips.ebml(b"matroska\x00"), containers.MATROSKA),
    "webm": (Clips.ebml(b"webm"), containers.WEBM),
    "avi": (Clips.riff(b"AVI "), containers.AVI),
    "ts": (Clips.transport_stream(), containers.MPEG_TS),
    "ts of three packets": (Clips.transport_stream(packets=3), containers.MPEG_TS),
    "ts with error correction": (Clips.transport_stream(204), containers.MPEG_TS),
    "m2ts": (Clips.transport_stream(192, 4), containers.BLU_RAY_TS),
    "mpg": (b"\x00\x00\x01\xba\x44" + bytes(20), containers.MPEG_PS),
    "mpg of MPEG-1": (b"\x00\x00\x01\xba\x21" + bytes(20), containers.MPEG_PS),
    "flv": (Clips.flv(0x05), containers.FLASH_VIDEO),
    "wmv": (Clips.asf(VIDEO_STREAM), containers.WINDOWS_MEDIA),
}
REFUSED = {
    "nothing": b"",
    "text": b"Once upon a time there was a video.",
    "playlist": b"#EXTM3U\n#EXT-X-VERSION:3\nhttp://169.254.169.254/x.ts\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">',
    "smooth streaming": b'<?xml version="1.0"?><SmoothStreamingMedia MajorVersion="2">',
    "f4m": b'<manifest xmlns="http://ns.adobe.com/f4m/1.0">',
    "html": b"<!DOCTYPE html><html><script>alert(1)</script>",
    "asx": b'<asx version="3.0"><entry><ref href="http://x/"/></entry></asx>',
    "concat list": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "zip": b"PK\x03\x04" + bytes(40),
    "elf": b"\x7fELF\x02\x01\x01" + bytes(40),
    "pdf": b"%PDF-1.7\n" + bytes(40),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(40),
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(40),
    "gif": b"GIF89a" + bytes(600),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "webp": Clips.riff(b"WEBP"),
    "wav": Clips.riff(b"WAVE"),
    "mp3": b"ID3\x04\x00" + bytes(40),
    "ogg": b"OggS\x00\x02" + bytes(40),
    "flac": b"fLaC\x00\x00\x00\x22" + bytes(40),
    "m4a": Clips.iso(b"M4A ", b"M4A ", b"mp42", b"isom"),
    "m4b": Clips.iso(b"M4B ", b"mp42"),
    "heic": Clips.iso(b"heic", b"mif1", b"heic"),
    "heic of an unknown maker": Clips.iso(b"abcd", b"mif1", b"isom"),
    "heic sequence": Clips.iso(b"hevc", b"msf1", b"iso8"),
    "avif": Clips.iso(b"avif", b"mif1", b"miaf"),
    "avif sequence": Clips.iso(b"avis", b"msf1", b"iso8"),
    "raw photo": Clips.iso(b"crx ", b"isom"),
    "unknown brands": Clips.iso(b"abcd", b"efgh"),
    "ftyp without a brand": Clips.box(b"ftyp") + bytes(20),
    "fragment without its beginning": Clips.box(b"moof", bytes(30)),
    "jpeg 2000": Clips.box(b"jP  ", b"\r\n\x87\n") + bytes(30),
    "box with a wrong size": b"\x00\x00\x00\x05moov" + bytes(20),
    "ebml of another kind": Clips.ebml(b"other"),
    "ebml without a type": b"\x1a\x45\xdf\xa3\x84\x42\x86\x81\x01",
    "ebml cut short": b"\x1a\x45\xdf\xa3",
    "many times G": b"G" * 4000,
    "two packets": Clips.transport_stream(packets=2),
    "packets without content": Clips.transport_stream().replace(b"\x10", b"\x00"),
    "mpeg start code only": b"\x00\x00\x01\xb3" + bytes(40),
    "flv with sound only": Clips.flv(0x04),
    "wma": Clips.asf(AUDIO_STREAM),
    "zeros": bytes(20_000),
}


class TestContainerSniffer:
    @pytest.mark.parametrize(("head", "container"), TAKEN.values(), ids=TAKEN)
    def test_videos_are_recognised(self, head: bytes, container: Container) -> None:
        assert ContainerSniffer().recognise(head) == container

    @pytest.mark.parametrize("head", REFUSED.values(), ids=REFUSED)
    def test_anything_else_is_not(self, head: bytes) -> None:
        assert ContainerSniffer().recognise(head) is None

    def test_no_bytes_make_it_fail(self) -> None:
        chance = random.Random(7)
        starts = [head for head, _ in TAKEN.values()] + list(REFUSED.values())
        for _ in range(3_000):
            head = bytearray(chance.choice(starts)[: chance.randrange(600)])
            for _ in range(min(len(head), chance.randrange(4))):
                head[chance.randrange(len(head))] = chance.randrange(256)
            ContainerSniffer().recognise(bytes(head))

    def test_random_bytes_are_no_video(self) -> None:
        chance = random.Random(11)
        for _ in range(500):
            head = chance.randbytes(ContainerSniffer.head_bytes)
            assert ContainerSniffer().recognise(head) is None
