"""Makes MediaInfo's report fit to keep. Standard library only: the child loads it too."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final


class ReportTrimmer:
    """Cuts tracks, names and values to limits and removes what no store may hold.

    Names and values come from the file, so they are untrusted. Values stay the texts
    that MediaInfo gives ("5.312", "AVC"); only control characters and lone surrogates
    are taken out of them. `truncated` says that something was cut. Trimming a trimmed
    report changes nothing.
    """

    MOST_TRACKS: Final = 200
    MOST_FIELDS: Final = 1_000
    MOST_NAME_CHARACTERS: Final = 200
    MOST_VALUE_BYTES: Final = 8 * 1024
    MOST_REPORT_BYTES: Final = 3 * 1024 * 1024
    MOST_DEPTH: Final = 3
    # What BSON needs around a value, rounded up.
    _FIELD_OVERHEAD_BYTES: Final = 16
    # C0 and C1 without tab and line ends, and surrogates.
    _FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

    def __init__(self) -> None:
        self.truncated = False
        self._bytes_left = self.MOST_REPORT_BYTES

    def tracks(self, found: Any) -> list[dict[str, Any]]:
        """The tracks with their `type` first; anything else is left out."""
        tracks = [track for track in self._list(found) if isinstance(track, Mapping)]
        self.truncated |= len(tracks) > self.MOST_TRACKS
        return [self._track(track) for track in tracks[: self.MOST_TRACKS]]

    def _track(self, found: Mapping[Any, Any]) -> dict[str, Any]:
        kind = self._text(found.get("@type", found.get("type", "Other")))
        rest = {
            name: value
            for name, value in found.items()
            if name not in ("@type", "type")
        }
        return {"type": kind, **self._fields(rest, 1)}

    def _fields(self, found: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for position, (name, value) in enumerate(found.items()):
            key = self._name(name)
            if not key or key in kept:
                continue
            if position >= self.MOST_FIELDS or not self._fits(key):
                self.truncated = True
                break
            kept[key] = self._value(value, depth)
        return kept

    def _value(self, value: Any, depth: int) -> Any:
        value = self._decoded(value)
        if not isinstance(value, Mapping | list):
            return self._text(value)
        if depth >= self.MOST_DEPTH:
            self.truncated = True
            return ""
        if isinstance(value, Mapping):
            return self._fields(value, depth + 1)
        self.truncated |= len(value) > self.MOST_FIELDS
        return [self._value(part, depth + 1) for part in value[: self.MOST_FIELDS]]

    def _name(self, name: Any) -> str:
        """MongoDB reads `$` at the beginning and `.` anywhere as its own."""
        clean = self._FORBIDDEN.sub("", str(name)).replace(".", "_").lstrip("$@ ")
        return clean[: self.MOST_NAME_CHARACTERS]

    def _text(self, value: Any) -> str:
        clean = self._FORBIDDEN.sub("", "" if value is None else str(value))
        data = clean.encode()
        most = max(min(self.MOST_VALUE_BYTES, self._bytes_left), 0)
        self.truncated |= len(data) > most
        kept = data[:most]
        self._bytes_left -= len(kept) + self._FIELD_OVERHEAD_BYTES
        return kept.decode(errors="ignore")

    def _fits(self, key: str) -> bool:
        self._bytes_left -= len(key.encode())
        return self._bytes_left > 0

    @staticmethod
    def _decoded(value: Any) -> Any:
        """A text with control characters is wrapped in base64 by MediaInfo."""
        if not isinstance(value, Mapping) or value.get("dt") != "binary.base64":
            return value
        try:
            return base64.b64decode(str(value.get("#value"))).decode(errors="replace")
        except (binascii.Error, ValueError):
            return ""

    @staticmethod
    def _list(found: Any) -> list[Any]:
        return found if isinstance(found, list) else []
