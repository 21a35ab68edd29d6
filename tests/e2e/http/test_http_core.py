import time
from importlib.metadata import version

import httpx
import psutil
import pytest

from tests.e2e.faults import until
from tests.raw_http import RawAnswer, RawHttp
from tests.uvicorn_process import UvicornProcess

HOST = b"Host: localhost\r\n"
TOLD_SECONDS = 30.0
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store, private",
}


class Raw:
    @staticmethod
    def get(api: UvicornProcess, target: bytes, *headers: bytes) -> RawAnswer:
        return Raw.ask(api, b"GET %s HTTP/1.1\r\n" % target, *headers)

    @staticmethod
    def ask(api: UvicornProcess, line: bytes, *headers: bytes) -> RawAnswer:
        lines = b"".join(header + b"\r\n" for header in headers)
        with api.connect() as connection:
            return RawHttp.exchange(connection, line + lines + b"\r\n")


class TestSystem:
    def test_ping(self, client: httpx.Client) -> None:
        answer = client.get("/ping/")
        assert (answer.status_code, answer.json()) == (200, {"message": "pong"})
        assert answer.headers["Content-Type"].startswith("application/json")

    def test_version(self, client: httpx.Client) -> None:
        assert client.get("/version/").json() == {"version": version("mediaproject")}

    def test_it_is_alive(self, client: httpx.Client) -> None:
        assert client.get("/health/live/").json() == {"status": "ok"}

    def test_a_database_without_tables_is_away(
        self, api: UvicornProcess, client: httpx.Client
    ) -> None:
        """Nobody migrates that of these processes."""
        answer = client.get("/health/ready/")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json()["status"] == "unavailable"
        assert answer.json()["checks"]["postgres"] == "away"

        def is_told() -> bool:
            lines = [one for one in api.log.read_text().splitlines() if "away" in one]
            return 'relation "job" does not exist' in "".join(lines)

        until(is_told, TOLD_SECONDS, "the log says why")

    def test_accept_is_ignored(self, client: httpx.Client) -> None:
        headers = {"Accept": "application/xml"}
        assert client.get("/ping/", headers=headers).json() == {"message": "pong"}

    def test_head_answers_like_get_without_a_body(self, client: httpx.Client) -> None:
        got, head = client.get("/ping/"), client.head("/ping/")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Type"] == got.headers["Content-Type"]


class TestRouting:
    @pytest.mark.parametrize(
        "path", ["/", "/nope", "/ping", "//ping/", "/ping/%00", "/%ff", "/static/x.js"]
    )
    def test_an_unknown_path_is_404(self, client: httpx.Client, path: str) -> None:
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.headers["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize(
        "method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
    )
    def test_a_wrong_method_is_405(self, client: httpx.Client, method: str) -> None:
        answer = client.request(method, "/ping/")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
        assert answer.json()["code"] == "method_not_allowed"

    def test_connect_opens_nothing(self, api: UvicornProcess) -> None:
        answer = Raw.ask(api, b"CONNECT localhost:80 HTTP/1.1\r\n", HOST.strip())
        assert 400 <= answer.status < 500

    def test_preflights_open_nothing(self, client: httpx.Client) -> None:
        headers = {
            "Origin": "https://foreign.example",
            "Access-Control-Request-Method": "GET",
        }
        answer = client.options("/ping/", headers=headers)
        assert "Access-Control-Allow-Origin" not in answer.headers


class TestOddRequests:
    @pytest.mark.parametrize(
        "host",
        [b"evil.example", b"localhost@evil.example", b"", b"a b", b"\xff", b"[::"],
    )
    def test_a_foreign_host_is_refused(self, api: UvicornProcess, host: bytes) -> None:
        answer = Raw.get(api, b"/ping/", b"Host: " + host)
        assert answer.status == 400

    @pytest.mark.parametrize("path", [b"/health/live/", b"/health/ready/"])
    @pytest.mark.parametrize("host", [b"10.1.2.3:8000", b"api", b"[::"])
    def test_probes_are_answered_by_any_name(
        self, api: UvicornProcess, path: bytes, host: bytes
    ) -> None:
        asked = [Raw.get(api, path, b"Host: " + name) for name in (host, b"localhost")]
        assert asked[0].status == asked[1].status != 400

    def test_a_missing_host_is_refused(self, api: UvicornProcess) -> None:
        assert Raw.get(api, b"/ping/").status == 400

    def test_our_host_is_taken_with_any_port(self, api: UvicornProcess) -> None:
        assert Raw.get(api, b"/ping/", b"Host: LOCALHOST:81").status == 200

    @pytest.mark.parametrize(
        "target", [b"/" + b"a" * 65_536, b"/ping/?" + b"a" * 65_536]
    )
    def test_an_endless_address_is_refused(
        self, api: UvicornProcess, target: bytes
    ) -> None:
        assert Raw.get(api, target, HOST.strip()).status in (400, 414)

    def test_thousands_of_headers_are_answered_soon(self, api: UvicornProcess) -> None:
        started = time.monotonic()
        answer = Raw.get(api, b"/ping/", HOST.strip(), *[b"X-Same: a"] * 5_000)
        assert answer.status in (200, 400, 431)
        assert time.monotonic() - started < 5

    @pytest.mark.parametrize("target", [b"/ping/?\xff", b"/ping/?%ff=%fe", b"/\xff"])
    def test_what_is_not_utf_8_is_refused(
        self, api: UvicornProcess, target: bytes
    ) -> None:
        assert Raw.get(api, target, HOST.strip()).status in (400, 404, 422)

    def test_underscored_headers_are_ignored(self, api: UvicornProcess) -> None:
        header = b"X_Forwarded_Host: evil.example"
        assert Raw.get(api, b"/ping/", HOST.strip(), header).status == 200


class TestHeaders:
    @pytest.mark.parametrize("path", ["/ping/", "/nope"])
    def test_every_answer_is_secured(self, client: httpx.Client, path: str) -> None:
        headers = client.get(path).headers
        assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS

    @pytest.mark.parametrize("path", ["/ping/", "/nope", "/static/x", "/docs"])
    def test_a_fit_request_id_is_repeated(
        self, client: httpx.Client, path: str
    ) -> None:
        headers = {"X-Request-ID": "Trace-1.2_3"}
        answer = client.get(path, headers=headers)
        assert answer.headers["X-Request-ID"] == "Trace-1.2_3"

    @pytest.mark.parametrize("given", ["", "a b", "a" * 129, "é", "<script>"])
    def test_another_is_replaced(self, client: httpx.Client, given: str) -> None:
        headers = {"X-Request-ID": given.encode()}
        made = client.get("/ping/", headers=headers).headers["X-Request-ID"]
        assert made != given
        assert len(made) == 32

    def test_each_request_has_its_own(self, client: httpx.Client) -> None:
        made = {client.get("/ping/").headers["X-Request-ID"] for _ in range(20)}
        assert len(made) == 20


class TestLogs:
    def test_tokens_and_forged_lines_do_not_reach_them(
        self, api: UvicornProcess, client: httpx.Client
    ) -> None:
        token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
        client.get(f"/nope?token={token}&x=%0aforged", headers={"Authorization": token})
        until(
            lambda: "/nope?token=" in api.log.read_text(), TOLD_SECONDS, "it is logged"
        )
        logged = api.log.read_text()
        assert "eyJ" not in logged
        assert "\nforged" not in logged


class TestThreads:
    def test_no_request_of_these_makes_one(self, without_docs: UvicornProcess) -> None:
        process = psutil.Process(without_docs.pid)
        before = {thread.id for thread in process.threads()}
        with httpx.Client(base_url=without_docs.base_url) as client:
            for path in ("/ping/", "/version/", "/nope", "/static/nope"):
                client.get(path)
                client.post(path, json={})
        assert {thread.id for thread in process.threads()} == before
