import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from secrets import token_urlsafe
from tempfile import NamedTemporaryFile
from typing import ClassVar, Self

from pydantic import TypeAdapter, ValidationError

from backend.domain.rights import ADMIN, MEDIA_OPERATOR, VIEWER
from backend.use_cases.ensure_account import EnsureAccount


class DemoAccountsUnreadable(Exception):
    """The file exists but has unexpected contents; nothing was changed."""


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """The credentials of an account."""

    email: str
    password: str = field(repr=False)

    @classmethod
    def of(cls, name: str) -> Self:
        return cls(f"{name}@demo.example", token_urlsafe(18))


class DemoAccountsFile:
    """Keeps the passwords of the demo accounts by role, for their owner's eyes only."""

    _FORM: ClassVar = TypeAdapter(dict[str, DemoAccount])
    _NAMES: ClassVar = {
        ADMIN.name: "admin",
        MEDIA_OPERATOR.name: "operator",
        VIEWER.name: "viewer",
    }

    def __init__(self, path: Path) -> None:
        self._path = path

    def accounts(self) -> dict[str, DemoAccount]:
        """Those of the file, or new ones if there is none.

        Raises `DemoAccountsUnreadable`.
        """
        try:
            kept = self._FORM.validate_json(self._path.read_bytes())
            return {role: kept[role] for role in self._NAMES}
        except FileNotFoundError:
            return {role: DemoAccount.of(name) for role, name in self._NAMES.items()}
        except (ValidationError, KeyError):
            raise DemoAccountsUnreadable(
                f"{self._path} does not hold the demo accounts: remove it, and new "
                "passwords are made."
            ) from None

    def write(self, accounts: dict[str, DemoAccount]) -> None:
        """Replace the file atomically: half of it is never seen, and only its owner may
        read it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({role: asdict(accounts[role]) for role in accounts}, indent=2)
        # A temporary file has mode 600 from its first moment.
        with NamedTemporaryFile(
            "w", encoding="utf-8", dir=self._path.parent, delete=False
        ) as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self._path)


class DemoAccounts:
    """Makes one account of each built-in role, and again whenever they are missing.

    The file is written first, so that passwords in the database are known even if this
    is interrupted. An account that was changed is reset to the file.
    """

    def __init__(self, file: DemoAccountsFile, ensure_account: EnsureAccount) -> None:
        self._file = file
        self._ensure_account = ensure_account

    async def prepare(self) -> dict[str, DemoAccount]:
        """Raises `DemoAccountsUnreadable`."""
        accounts = self._file.accounts()
        self._file.write(accounts)
        for role, account in accounts.items():
            await self._ensure_account.execute(account.email, account.password, role)
        return accounts
