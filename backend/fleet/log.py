import json
import os
import sys
from datetime import UTC, datetime


class FleetLog:
    """Writes lines in the form that the workers use, without what they load for it."""

    @classmethod
    def warn(cls, event: str, text: str, **fields: object) -> None:
        """The event and its fields for programs, or the text for people."""
        line = cls._json(event, fields) if cls._is_json() else f"fleet: {text}"
        # One write: the workers write to the same place.
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    @staticmethod
    def _is_json() -> bool:
        return os.environ.get("LOG_FORMAT") == "json"

    @staticmethod
    def _json(event: str, fields: dict[str, object]) -> str:
        moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        known = {"logger": "backend.fleet", "level": "warning", "timestamp": moment}
        return json.dumps({"event": event, **fields, **known})
