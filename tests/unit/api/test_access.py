import time

import httpx
import pytest

from tests.database import TestDatabase
from tests.raw_http import RawAnswer, RawHttp
from tests.uvicorn_process import UvicornProcess

ITEM = "0b8a4a64-3c4c-4c0e-9d4e-4b5d1f0c1a2b"


class TestWhoMayCome:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/probe/me/"),
            ("HEAD", "/probe/me/"),
            ("GET", f"/probe/items/{ITEM}/"),
            ("GET", "/probe/items/no-uuid/"),
            ("GET", f"/probe/typed/{ITEM}/"),
            ("POST", "/probe/create/"),
        ],
    )
    def test_nobody_without_a_token(
        self, client: httpx.Client, method: str, path: str
    ) -> None:
        answer = client.request(method, path)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize(
        "value",
        [
            b"",
            b"Bearer",
            b"Bearer ",
            b"Bearer    ",
            b"Basic dXNlcjpwYXNz",
            b"Bearer unknown",
            b"Bearer \xff\xfe",
            b"Bearer " + b"a" * 12 * 1024,
        ],
    )
    def test_nobody_with_an_odd_one(self, probe: UvicornProcess, value: bytes) -> None:
        self._check_refused(probe, value)

    @pytest.mark.parametrize("form", ["Token {0}", "{0}", "Bearer {0} {0}"])
    def test_nobody_with_a_good_one_in_an_odd_form(
        self, probe: UvicornProcess, viewer: str, form: str
    ) -> None:
        self._check_refused(probe, form.format(viewer).encode())

    def test_nobody_who_has_signed_out(
        self, probe: UvicornProcess, signed_out: str
    ) -> None:
        self._check_refused(probe, b"Bearer " + signed_out.encode())

    def test_nobody_whom_the_database_does_not_know(
        self, probe: UvicornProcess, stranger: str
    ) -> None:
        self._check_refused(probe, b"Bearer " + stranger.encode())

    def test_nul_in_the_header_is_refused(
        self, probe: UvicornProcess, viewer: str
    ) -> None:
        value = f"Bearer {viewer[:3]}\0{viewer[3:]}"
        assert self._ask(probe, value.encode()).status in (400, 401)

    def test_two_tokens_are_none(self, probe: UvicornProcess, viewer: str) -> None:
        value = f"Bearer {viewer}"
        both = f"{value}\r\nAuthorization: {value}"
        assert self._ask(probe, both.encode()).status == 401

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
    def test_whoever_has_a_good_one(
        self, client: httpx.Client, viewer: str, scheme: str
    ) -> None:
        headers = {"Authorization": f"{scheme} {viewer}"}
        answer = client.get("/probe/me/", headers=headers)
        assert answer.json() == {"email": "viewer@example.org"}

    def test_rights_decide(
        self, client: httpx.Client, viewer: str, operator: str
    ) -> None:
        statuses = [
            client.post(
                "/probe/create/",
                json={"title": "a"},
                headers={"Authorization": f"Bearer {token}"},
            ).status_code
            for token in (viewer, operator)
        ]
        assert statuses == [403, 200]

    def test_a_database_that_is_away_is_503(
        self, client_without_database: httpx.Client, stranger: str
    ) -> None:
        headers = {"Authorization": f"Bearer {stranger}"}
        answer = client_without_database.get("/probe/me/", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
        assert int(answer.headers["Retry-After"]) > 0

    def test_a_defect_in_front_of_django_is_a_problem_too(
        self, client: httpx.Client, clean_database: TestDatabase, stranger: str
    ) -> None:
        headers = {"Authorization": f"Bearer {stranger}", "X-Request-ID": "r-9"}
        with clean_database.without_table("session"):
            answer = client.get("/probe/me/", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert answer.headers["X-Request-ID"] == "r-9"

    def test_public_operations_do_not_look_at_the_token(
        self, client_without_database: httpx.Client, stranger: str
    ) -> None:
        headers = {"Authorization": f"Bearer {stranger}"}
        answer = client_without_database.get("/ping/", headers=headers)
        assert answer.status_code == 200

    @pytest.mark.parametrize("path", ["/nope/", "/probe/me", "/probe/me//", "/"])
    def test_what_is_not_there_is_404_for_everybody(
        self, client: httpx.Client, path: str
    ) -> None:
        assert client.get(path).status_code == 404

    def test_a_wrong_method_is_405_for_everybody(self, client: httpx.Client) -> None:
        answer = client.delete("/probe/me/")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")

    def test_a_malformed_uuid_in_a_path_is_404(
        self, client: httpx.Client, viewer: str
    ) -> None:
        headers = {"Authorization": f"Bearer {viewer}"}
        for kind in ("items", "typed"):
            good = client.get(f"/probe/{kind}/{ITEM}/", headers=headers)
            bad = client.get(f"/probe/{kind}/no-uuid/", headers=headers)
            assert (good.status_code, bad.status_code) == (200, 404)
            assert good.json() == {"item": ITEM}

    def _check_refused(self, probe: UvicornProcess, value: bytes) -> None:
        answer = self._ask(probe, value)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def _ask(self, probe: UvicornProcess, value: bytes) -> RawAnswer:
        head = b"GET /probe/me/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        with probe.connect() as connection:
            return RawHttp.exchange(
                connection, head + b"Authorization: %s\r\n\r\n" % value
            )


class TestBeforeTheBody:
    @pytest.mark.parametrize(
        ("authorization", "status"),
        [("", 401), ("Bearer x", 401), ("Bearer {viewer}", 403)],
    )
    def test_the_refusal_comes_first(
        self, probe: UvicornProcess, viewer: str, authorization: str, status: int
    ) -> None:
        head = (
            "POST /probe/create/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: {authorization.format(viewer=viewer)}\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n"
            f"Content-Length: {2 * 1024**3}\r\nExpect: 100-continue\r\n\r\n"
        )
        started = time.monotonic()
        with probe.connect() as connection:
            answer = RawHttp.exchange(connection, head.encode())
        assert answer.status == status
        assert answer.interim == b""
        assert time.monotonic() - started < 5

    def test_a_path_that_is_not_there_reads_nothing(
        self, probe: UvicornProcess, request: pytest.FixtureRequest
    ) -> None:
        head = b"POST /nope/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999\r\n\r\n"
        with probe.connect() as connection:
            answer = RawHttp.exchange(connection, head)
        # Django's own handler reads the body before it looks at the path.
        stock = "stock" in request.node.name
        assert answer.status == (408 if stock else 404)

    def test_a_multipart_body_is_left_to_the_operation(
        self, client: httpx.Client, operator: str, request: pytest.FixtureRequest
    ) -> None:
        size = 5 * 1024 * 1024
        answer = client.post(
            "/probe/stream/",
            content=b"x" * size,
            headers={
                "Authorization": f"Bearer {operator}",
                "Content-Type": "multipart/form-data; boundary=x",
            },
        )
        if "stock" in request.node.name:
            assert answer.status_code == 413
        else:
            assert answer.text == str(size)
