"""JWT over HTTP: everything under /auth/."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from django.conf import settings

from backend.config.api_container import ApiContainer
from tests.accounts import PASSWORD, Accounts
from tests.answers import problem
from tests.api_in_process import ApiInProcess

ANN = {"email": "ann@example.org", "password": PASSWORD}


class AuthClient:
    """Speaks to the application as a client does, without a socket."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def post(
        self, name: str, body: Any, token: str | None = None
    ) -> httpx.Response:
        return await self._http.post(
            f"/auth/{name}/", json=body, headers=self._headers(token)
        )

    async def me(self, token: str | None) -> httpx.Response:
        return await self._http.get("/auth/me/", headers=self._headers(token))

    async def signed_in(self) -> dict[str, Any]:
        await self.post("signup", ANN)
        tokens: dict[str, Any] = (await self.post("signin", ANN)).json()
        return tokens

    @staticmethod
    def _headers(token: str | None) -> dict[str, str]:
        return {} if token is None else {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def client(accounts: Accounts) -> AsyncIterator[AuthClient]:
    async with ApiInProcess.running() as http:
        yield AuthClient(http)


class TestAuthOverHttp:
    async def test_sign_up_shows_the_user(self, client: AuthClient) -> None:
        answer = await client.post("signup", ANN | {"email": " Ann@EXAMPLE.org "})
        assert answer.status_code == 201
        user = answer.json()
        assert user == {
            "uuid": user["uuid"],
            "email": "ann@example.org",
            "role": "viewer",
            "rights": ["job.read", "media.read"],
            "is_active": True,
            "created_at": user["created_at"],
        }
        assert user["created_at"].endswith("Z")
        assert problem(await client.post("signup", ANN)) == (409, "email_taken")

    async def test_a_weak_password_names_its_field(self, client: AuthClient) -> None:
        answer = await client.post("signup", ANN | {"password": "password"})
        assert problem(answer) == (422, "weak_password")
        assert [error["field"] for error in answer.json()["errors"]] == ["password"]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"email": "ann@example.org"},
            ANN | {"role": "admin"},
            ANN | {"is_staff": True},
            ANN | {"email": "ann\x00@example.org"},
            ANN | {"email": "a" * 10_000},
            ANN | {"password": {"a": 1}},
            ANN | {"password": "\x00" * 9},
            ANN | {"password": "x" * 1_025},
            [],
            None,
        ],
        ids=range(11),
    )
    @pytest.mark.parametrize("name", ["signup", "signin"])
    async def test_bad_bodies(self, client: AuthClient, name: str, body: Any) -> None:
        answer = await client.post(name, body)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_the_tokens(self, client: AuthClient) -> None:
        tokens = await client.signed_in()
        assert set(tokens) == {"access", "refresh", "token_type", "expires_in"}
        assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
        me = await client.me(tokens["access"])
        assert (me.status_code, me.json()["email"]) == (200, "ann@example.org")

    async def test_bad_credentials_look_the_same(self, client: AuthClient) -> None:
        await client.post("signup", ANN)
        wrong = await client.post("signin", ANN | {"password": "wrong horse"})
        unknown = await client.post("signin", ANN | {"email": "bob@example.org"})
        assert problem(wrong) == problem(unknown) == (401, "bad_credentials")
        assert wrong.content == unknown.content

    async def test_refresh_rotates_and_a_second_use_kills(
        self, client: AuthClient
    ) -> None:
        first = await client.signed_in()
        second = (await client.post("refresh", {"refresh": first["refresh"]})).json()
        assert (await client.me(second["access"])).status_code == 200
        again = await client.post("refresh", {"refresh": first["refresh"]})
        assert problem(again) == (401, "invalid_token")
        assert "send the refresh token" in again.json()["detail"]
        assert (await client.me(second["access"])).status_code == 401

    async def test_sign_out_kills_both_tokens(self, client: AuthClient) -> None:
        tokens = await client.signed_in()
        body = {"refresh": tokens["refresh"]}
        assert (await client.post("signout", body)).status_code == 401
        out = await client.post("signout", body, tokens["access"])
        assert (out.status_code, out.content) == (204, b"")
        assert "Content-Type" not in out.headers
        assert (await client.me(tokens["access"])).status_code == 401
        assert (await client.post("refresh", body)).status_code == 401
        assert (await client.post("signout", body, tokens["access"])).status_code == 401

    async def test_odd_tokens_are_401(self, client: AuthClient) -> None:
        tokens = await client.signed_in()
        for odd in (None, "", "a.b.c", tokens["refresh"], "a" * 12_288):
            assert (await client.me(odd)).status_code == 401
        swapped = await client.me(tokens["refresh"])
        assert "send the access token" in swapped.json()["detail"]
        for odd in ("", "\x00", tokens["access"], "a" * 12_288):
            answer = await client.post("refresh", {"refresh": odd})
            assert problem(answer) == (401, "invalid_token")
            assert "send the refresh token" in answer.json()["detail"]


class TestClosedSignUp:
    @pytest.fixture
    async def http(self, accounts: Accounts) -> AsyncIterator[httpx.AsyncClient]:
        closed = settings.ENVIRONMENT.model_copy(update={"signup": "closed"})
        async with ApiInProcess.of(ApiContainer(closed)) as http:
            yield http

    @pytest.mark.parametrize(
        "body",
        [
            {"json": ANN},
            {"json": ANN | {"role": "admin"}},
            {"json": ANN | {"password": "password"}},
            {"content": b"{"},
            {"content": b""},
            {"data": ANN},
            {"files": {"video": b"bytes"}},
            {"json": ANN, "params": {"colour": "red"}},
        ],
        ids=range(8),
    )
    async def test_it_is_refused_whatever_the_body(
        self, http: httpx.AsyncClient, body: dict[str, Any]
    ) -> None:
        answer = await http.post("/auth/signup/", **body)
        assert problem(answer) == (403, "signup_closed")

    async def test_the_body_is_not_read(self, http: httpx.AsyncClient) -> None:
        async def endless() -> AsyncIterator[bytes]:
            raise AssertionError("It is read.")
            yield b""

        answer = await http.post("/auth/signup/", content=endless())
        assert problem(answer) == (403, "signup_closed")

    async def test_nothing_else_is_closed(self, http: httpx.AsyncClient) -> None:
        answer = await http.post("/auth/signin/", json=ANN)
        assert problem(answer) == (401, "bad_credentials")
        assert (await http.get("/auth/signup/")).status_code == 405
