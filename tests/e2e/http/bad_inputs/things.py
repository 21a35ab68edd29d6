"""What the rows speak of: media, accounts and tokens of every kind."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jwt
import psycopg

from backend.embedded.stack import EmbeddedStack
from tests.accounts import PASSWORD
from tests.e2e.client import Client
from tests.e2e.faults import until
from tests.e2e.raw_upload import RawUpload
from tests.e2e.videos import Videos
from tests.fakes.clips import Clips


class ForgedTokens:
    """Access tokens with the claims of a good one, which nobody may believe."""

    def __init__(self, access: str, environment: Mapping[str, str]) -> None:
        self._claims = jwt.decode(access, options={"verify_signature": False})
        self._key = environment["JWT_SIGNING_KEY"]
        self._other_key = environment["SECRET_KEY"]

    def all(self) -> dict[str, str]:
        away = {"kid": "../../dev/null", "jku": "https://evil.example/keys"}
        return {
            "unsigned": jwt.encode(self._claims, None, "none"),
            "foreign_key": self._signed("k" * 48, headers=away),
            "secret_key": self._signed(self._other_key),
            "other_audience": self._signed(self._key, aud="other"),
            "other_issuer": self._signed(self._key, iss="other"),
            "too_old": self._signed(self._key, exp=1),
        }

    def _signed(
        self, key: str, headers: dict[str, str] | None = None, **changed: Any
    ) -> str:
        return jwt.encode({**self._claims, **changed}, key, "HS256", headers)


class Accounts:
    """Made over HTTP; each has the role `viewer`."""

    def __init__(self, http: httpx.Client, database: psycopg.Connection[Any]) -> None:
        self._http = http
        self._database = database

    def tokens(self) -> dict[str, str]:
        """Good ones and dead ones."""
        email = self._new()
        live, spent, ended = (self._signed_in(email) for _ in range(3))
        for _ in range(2):
            self._post("refresh", spent, refresh=spent["refresh"])
        self._post("signout", ended, refresh=ended["refresh"])
        return {
            "email": email,
            "access": live["access"],
            "refresh": live["refresh"],
            "spent": spent["refresh"],
            "ended": ended["refresh"],
            "ended_access": ended["access"],
            "outdated": self._outdated(),
        }

    def inactive(self) -> str:
        email = self._new()
        self._database.execute(
            'UPDATE "user" SET is_active = false WHERE email = %s', [email]
        )
        return email

    def _outdated(self) -> str:
        """A refresh token from before its owner took another password."""
        email = self._new()
        before, here = self._signed_in(email), self._signed_in(email)
        self._post("password", here, old=PASSWORD, new=f"{PASSWORD}, renewed")
        return before["refresh"]

    def _new(self) -> str:
        email = f"{uuid4().hex}@example.org"
        answer = self._post("signup", {}, email=email, password=PASSWORD)
        assert answer.status_code == 201, answer.text
        return email

    def _signed_in(self, email: str) -> dict[str, str]:
        tokens: dict[str, str] = self._post(
            "signin", {}, email=email, password=PASSWORD
        ).json()
        return tokens

    def _post(
        self, name: str, tokens: Mapping[str, str], **body: str
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {tokens.get('access')}"}
        return self._http.post(f"/auth/{name}/", json=body, headers=headers)


class Things:
    """Made once; no row changes them."""

    def __init__(
        self,
        stack: EmbeddedStack,
        database: psycopg.Connection[Any],
        videos: Videos,
    ) -> None:
        self._stack = stack
        self._database = database
        self._videos = videos
        self._values = {"nobodys": str(uuid4())}

    def make(self) -> None:
        with Client(self._stack) as client:
            accounts = Accounts(client.http, self._database)
            self._values |= accounts.tokens() | {"inactive": accounts.inactive()}
        environment = self._stack.servers.environment()
        self._values |= ForgedTokens(self._values["access"], environment).all()
        self._as("media_operator", self._operators)
        self._as("admin", self._admins)
        until(self._nothing_open, 90.0, "jobs are done")

    def filled(self, upload: RawUpload) -> RawUpload:
        return replace(
            upload,
            line=self._fill(upload.line),
            headers=tuple(map(self._fill, upload.headers)),
            # Videos have no names in them, and are long.
            body=self._fill(upload.body) if len(upload.body) < 1_000 else upload.body,
        )

    def _fill(self, text: bytes) -> bytes:
        for name, value in self._values.items():
            text = text.replace(f"<{name}>".encode(), value.encode())
        return text

    def _as(self, role: str, make: Callable[[Client], dict[str, str]]) -> None:
        with Client(self._stack).signed_in(role) as client:
            self._values |= make(client)

    def _operators(self, client: Client) -> dict[str, str]:
        own, deleted, unreadable = (
            self._uploaded(client, video)
            for video in (self._videos.new(), self._videos.new(), self._unreadable())
        )
        client.http.delete(f"/media/{deleted}/")
        assert client.until_done(unreadable)["status"] == "failed"
        page = client.http.get("/media/", params={"limit": 1}).json()
        return {
            "own": client.until_done(own)["uuid"],
            "deleted": deleted,
            "unreadable": unreadable,
            "cursor": page["next"],
            "operator": self._me(client),
        }

    def _admins(self, client: Client) -> dict[str, str]:
        admins = self._uploaded(client, self._videos.new())
        return {"admins": admins, "admin": self._me(client)}

    @staticmethod
    def _me(client: Client) -> str:
        uuid: str = client.http.get("/auth/me/").json()["uuid"]
        return uuid

    def _unreadable(self) -> Path:
        video = self._videos.new()
        video.write_bytes(Clips.mp4(1_000) + uuid4().bytes)
        return video

    @staticmethod
    def _uploaded(client: Client, video: Path) -> str:
        answer = client.upload(video)
        assert answer.status_code == 201, answer.text
        uuid: str = answer.json()["uuid"]
        return uuid

    def _nothing_open(self) -> bool:
        opened = "SELECT FROM job WHERE status IN ('queued', 'running')"
        return not self._database.execute(opened).fetchall()
