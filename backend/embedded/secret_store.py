import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path


class Secrets:
    """Keys of this installation, made once and kept where only their owner reads them."""

    LENGTHS = {
        "SECRET_KEY": 50,
        "JWT_SIGNING_KEY": 48,
        "S3_ACCESS_KEY_ID": 15,
        "S3_SECRET_ACCESS_KEY": 30,
        "REDIS_PASSWORD": 30,
    }
    # Our processes know that one as a part of an address.
    INNER = ("REDIS_PASSWORD",)

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> Mapping[str, str]:
        known = self._known()
        if missing := self.LENGTHS.keys() - known.keys():
            known |= {
                name: secrets.token_hex(self.LENGTHS[name]) for name in sorted(missing)
            }
            self._write(known)
        return known

    def settings(self) -> dict[str, str]:
        """Those that are variables of our processes."""
        return {
            name: value for name, value in self.read().items() if name not in self.INNER
        }

    def _known(self) -> dict[str, str]:
        try:
            return dict(json.loads(self._file.read_text()))
        except FileNotFoundError:
            return {}

    def _write(self, known: Mapping[str, str]) -> None:
        """A crash leaves the old file or the new one, never half of one."""
        draft = self._file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
        ) as file:
            json.dump(known, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file)
