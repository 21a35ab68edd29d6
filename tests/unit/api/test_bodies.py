import json
import time

import httpx
import pytest

from backend.domain.media import DESCRIPTION_MOST_CHARACTERS, TITLE_MOST_CHARACTERS
from tests.raw_http import RawHttp
from tests.uvicorn_process import UvicornProcess

JSON = {"Content-Type": "application/json"}
ECHO = "/probe/echo/"
MEBIBYTE = 1024 * 1024
LIMIT = 128 * 1024


class TestJsonBodies:
    def test_a_right_one_is_taken(self, client: httpx.Client) -> None:
        body = {"title": "Größe 📼", "number": 1.5, "tags": ["a"]}
        assert client.post(ECHO, json=body).json() == body

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"{", "malformed_json"),
            (b'{"title": "\xff"}', "malformed_json"),
            (b"[" * 100_000, "malformed_json"),
            (b'{"a":' * 20_000, "malformed_json"),
            (b'{"title": "a", "number": ' + b"9" * 5_000 + b"}", "malformed_json"),
            (b'\xef\xbb\xbf{"title": "a"}', "malformed_json"),
            ('{"title": "a"}'.encode("utf-16"), "malformed_json"),
            (b"NaN", "invalid"),
            (b'{"title": "a", "number": Infinity}', "invalid"),
            (b'{"title": "a", "number": 1e999}', "invalid"),
            (b'{"title": "\\u0000"}', "invalid"),
            (b'{"title": "\\ud800"}', "invalid"),
            (b'{"title": "a", "\\ud800": 1}', "invalid"),
            (b'{"title": "a", "unknown": 1}', "invalid"),
            (b'{"title": "a", "tags": ["\\u0000"]}', "invalid"),
            (b'{"title": 5}', "invalid"),
            (b"", "invalid"),
            (b"[]", "invalid"),
            (b'"text"', "invalid"),
            (b"null", "invalid"),
            (b"{}", "invalid"),
        ],
    )
    def test_a_wrong_one_is_refused(
        self, client: httpx.Client, body: bytes, code: str
    ) -> None:
        answer = client.post(ECHO, content=body, headers=JSON)
        assert answer.json()["code"] == code
        assert answer.status_code == {"malformed_json": 400, "invalid": 422}[code]
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_the_fields_are_named_and_not_repeated(self, client: httpx.Client) -> None:
        answer = client.post(ECHO, json={"tags": ["ok", 5], "sesame": "open"})
        fields = [error["field"] for error in answer.json()["errors"]]
        assert fields == ["title", "tags.1", "sesame"]
        assert "open" not in answer.text

    def test_many_wrong_fields_get_a_short_answer(self, client: httpx.Client) -> None:
        answer = client.post(ECHO, json={f"f{n}": n for n in range(60)})
        assert answer.status_code == 422
        assert len(answer.content) < 4_096
        assert len(answer.json()["errors"]) == 20

    def test_thousands_are_not_looked_at_one_by_one(self, client: httpx.Client) -> None:
        """A refusal of each would be made before most of them are left out."""
        answer = client.post(ECHO, json={f"f{n}": n for n in range(9_000)})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert answer.json()["detail"] == "A body has 64 fields at the most."
        assert answer.json()["errors"] == []

    def test_the_last_of_duplicate_keys_wins(self, client: httpx.Client) -> None:
        answer = client.post(ECHO, content='{"title":"a","title":"b"}', headers=JSON)
        assert answer.json()["title"] == "b"

    @pytest.mark.parametrize(
        "headers",
        [
            {"Content-Type": "text/plain"},
            {"Content-Type": "application/json; charset=utf-16"},
            {"Content-Type": "multipart/form-data; boundary=x"},
            {"Content-Type": "application/x-www-form-urlencoded"},
            {},
            {**JSON, "Content-Encoding": "gzip"},
        ],
    )
    def test_another_type_is_refused(
        self, client: httpx.Client, headers: dict[str, str]
    ) -> None:
        answer = client.post(ECHO, content=b'{"title": "a"}', headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_type")


class TestSizes:
    def test_a_declared_one_is_refused_before_it_is_sent(
        self, probe: UvicornProcess
    ) -> None:
        head = (
            "POST /probe/echo/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nContent-Length: {3 * MEBIBYTE}\r\n"
            "Expect: 100-continue\r\n\r\n"
        )
        with probe.connect() as connection:
            answer = RawHttp.exchange(connection, head.encode())
        assert (answer.status, answer.json()["code"]) == (413, "too_large")
        assert answer.interim == b""

    @pytest.mark.parametrize("declared", [True, False])
    def test_a_sent_one_is_refused(self, client: httpx.Client, declared: bool) -> None:
        body = json.dumps({"title": "a" * 3 * MEBIBYTE}).encode()
        content = body if declared else iter([body])
        answer = client.post(ECHO, content=content, headers=JSON)
        assert answer.status_code == 413

    def test_one_below_the_limit_is_taken(self, client: httpx.Client) -> None:
        body = json.dumps({"title": "a" * (LIMIT - 100)}).encode()
        answer = client.post(ECHO, content=iter([body[:7], body[7:]]), headers=JSON)
        assert answer.status_code == 200

    @pytest.mark.parametrize("declared", [True, False])
    def test_one_above_the_limit_is_refused(
        self, client: httpx.Client, declared: bool
    ) -> None:
        body = json.dumps({"title": "a" * LIMIT}).encode()
        content = body if declared else iter([body])
        answer = client.post(ECHO, content=content, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert answer.json()["detail"] == "A body may have 131072 bytes here."

    def test_the_longest_texts_are_below_it(self, client: httpx.Client) -> None:
        """However they are written: a client may escape every character."""
        texts = {"title": "🎬" * (DESCRIPTION_MOST_CHARACTERS + TITLE_MOST_CHARACTERS)}
        body = json.dumps(texts).encode()
        assert len(body) > 60_000
        assert client.post(ECHO, content=body, headers=JSON).status_code == 200

    def test_one_on_a_get_is_ignored(self, client: httpx.Client) -> None:
        answer = client.request("GET", "/ping/", content=b"x" * 1000)
        assert answer.json() == {"message": "pong"}


class TestSlowness:
    @pytest.mark.parametrize(
        "framing", ["Content-Length: 20", "Transfer-Encoding: chunked"]
    )
    def test_a_body_that_does_not_come_is_given_up(
        self, probe: UvicornProcess, framing: str
    ) -> None:
        head = f"POST {ECHO} HTTP/1.1\r\nHost: 127.0.0.1\r\n{framing}\r\n"
        head += "Content-Type: application/json\r\n\r\n"
        started = time.monotonic()
        with probe.connect() as connection:
            answer = RawHttp.exchange(connection, head.encode())
            assert connection.recv(1) == b""
        assert (answer.status, answer.json()["code"]) == (408, "body_too_slow")
        assert 0.9 < time.monotonic() - started < 5

    def test_a_client_that_leaves_disturbs_nobody(
        self, probe: UvicornProcess, client: httpx.Client
    ) -> None:
        head = f"POST {ECHO} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n"
        head += "X-Request-ID: leaver\r\n\r\n{"
        with probe.connect() as connection:
            connection.sendall(head.encode())
        assert client.get("/ping/").status_code == 200
        assert "leaver" not in probe.log.read_text()
