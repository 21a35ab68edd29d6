"""Two addresses of one system, and who asks at both."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx


class Pair:
    """The same person at two addresses."""

    def __init__(
        self, one: str, other: str, accounts: Mapping[str, Mapping[str, str]]
    ) -> None:
        """The accounts are those of the demonstration, by their roles."""
        self._accounts = accounts
        self.one, self.other = self._client(one), self._client(other)

    def sign_in(self, role: str) -> str:
        """Answers the refresh token."""
        tokens = self.one.post("/auth/signin/", json=self._accounts[role]).json()
        for http in (self.one, self.other):
            http.headers["Authorization"] = f"Bearer {tokens['access']}"
        return str(tokens["refresh"])

    def upload(self, video: Path) -> str:
        with video.open("rb") as file:
            answer = self.one.post("/media/", files={"video": (video.name, file)})
        assert answer.status_code == 201, answer.text
        return f"/media/{answer.json()['uuid']}/"

    def both_ways(self) -> Sequence[tuple[httpx.Client, httpx.Client]]:
        """Where something is done, and where it is asked for."""
        return (self.one, self.other), (self.other, self.one)

    @contextmanager
    def administrator(self) -> Iterator[httpx.Client]:
        """Somebody else, at the first address."""
        with self._client(str(self.one.base_url)) as http:
            tokens = http.post("/auth/signin/", json=self._accounts["admin"]).json()
            http.headers["Authorization"] = f"Bearer {tokens['access']}"
            yield http

    def close(self) -> None:
        self.one.close()
        self.other.close()

    @staticmethod
    def _client(address: str) -> httpx.Client:
        return httpx.Client(base_url=address, timeout=30.0, trust_env=False)
