"""The first bytes of files of every kind: enough to be recognised, not to be played."""


class Clips:
    """Each method makes the smallest file that is what its name says."""

    @staticmethod
    def box(kind: bytes, content: bytes = b"") -> bytes:
        return (8 + len(content)).to_bytes(4, "big") + kind + content

    @classmethod
    def iso(cls, major: bytes, *others: bytes) -> bytes:
        brands = major + bytes(4) + b"".join(others)
        return cls.box(b"ftyp", brands) + cls.box(b"mdat", b"bytes")

    @classmethod
    def mp4(cls, size: int = 0) -> bytes:
        start = cls.iso(b"isom", b"isom", b"mp41")
        missing = max(size - len(start), 0)
        return start + (bytes(range(251)) * (missing // 251 + 1))[:missing]

    @staticmethod
    def ebml(doc_type: bytes, before: bytes = b"\x42\x86\x81\x01") -> bytes:
        content = before + b"\x42\x82" + bytes([0x80 | len(doc_type)]) + doc_type
        size = (1 << 56 | len(content)).to_bytes(8, "big")
        return b"\x1a\x45\xdf\xa3" + size + content + b"\x18\x53\x80\x67"

    @staticmethod
    def riff(kind: bytes) -> bytes:
        return b"RIFF" + (1000).to_bytes(4, "little") + kind + b"LIST" + bytes(40)

    @staticmethod
    def transport_stream(
        length: int = 188, offset: int = 0, packets: int = 20
    ) -> bytes:
        packet = b"\x47\x40\x11\x10" + b"\xff" * 184
        return (bytes(offset) + packet.ljust(length - offset, b"\x00")) * packets

    @staticmethod
    def flv(flags: int) -> bytes:
        return b"FLV\x01" + bytes([flags]) + b"\x00\x00\x00\x09" + bytes(11)

    @staticmethod
    def asf(stream: str) -> bytes:
        content = bytes(6) + bytes.fromhex(stream)
        header = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
        return header + (24 + len(content)).to_bytes(8, "little") + content
