"""The running containers, as their users see them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from backend.embedded.demo import DemoClient
from backend.embedded.ports import FreePorts
from tests.docker.engine import Compose


@dataclass(frozen=True, slots=True)
class Addresses:
    """Free ports on the loopback, by the variables of compose.yml."""

    ports: dict[str, int]

    NAMES: ClassVar = ("API", "API_2", "PROXY", "POSTGRES", "MONGO", "REDIS", "S3")

    @classmethod
    def free(cls) -> Self:
        ports = FreePorts()
        return cls({name: ports.port(name) for name in cls.NAMES})

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def environment(self) -> dict[str, str]:
        return {
            **{f"{name}_PORT": str(port) for name, port in self.ports.items()},
            "S3_PUBLIC_URL": self.url("S3"),
            # The name that clients use, and none by which health checks may ask.
            "ALLOWED_HOSTS": "127.0.0.1",
            # Small machines with little free disk must be able to run it.
            "STAGING_FLOOR_BYTES": "0",
        }


class ContainerSystem:
    """Where it answers, and its demo accounts."""

    IMAGE = "mediaproject:local"
    # In a container that can write nowhere else, and out of it by the terminal.
    MAKE_ACCOUNTS = (
        "python manage.py prepare --demo-accounts /tmp/accounts.json >&2"
        " && cat /tmp/accounts.json"
    )

    def __init__(self, compose: Compose, addresses: Addresses, folder: Path) -> None:
        self._compose = compose
        self.addresses = addresses
        self.folder = folder

    @property
    def accounts_file(self) -> Path:
        return self.folder / "accounts.json"

    def make_accounts(self) -> None:
        text = self._compose("exec", "-T", "api", "sh", "-c", self.MAKE_ACCOUNTS)
        self.accounts_file.write_text(text)

    @property
    def operator(self) -> dict[str, str]:
        accounts: dict[str, dict[str, str]] = json.loads(self.accounts_file.read_text())
        return accounts["media_operator"]

    def client(self) -> DemoClient:
        """Signed in as the operator; to be closed."""
        client = DemoClient(self.addresses.url("API"))
        client.sign_in(**self.operator)
        return client
