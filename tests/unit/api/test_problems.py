import json

import httpx
import pytest

from tests.uvicorn_process import UvicornProcess


class TestProblems:
    def test_have_one_shape(self, client: httpx.Client) -> None:
        answer = client.get("/probe/raise/taken/")
        assert answer.status_code == 409
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json() == {
            "type": "/errors/email_taken",
            "title": "There is an account with this e-mail",
            "status": 409,
            "detail": "An e-mail address has one account; capital letters make no difference.",
            "code": "email_taken",
            "instance": "/probe/raise/taken/",
            "errors": [],
        }

    def test_a_full_disk_is_507(self, client: httpx.Client) -> None:
        assert client.get("/probe/raise/full/").status_code == 507

    def test_what_nobody_foresaw_is_logged_and_not_told(
        self, client: httpx.Client, probe: UvicornProcess
    ) -> None:
        headers = {"X-Request-ID": "find-me"}
        answer = client.get("/probe/raise/unforeseen/", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert "secret of the house" not in answer.text
        lines = [json.loads(line) for line in probe.log.read_text().splitlines()]
        failures = [line for line in lines if line["event"] == "request.failed"]
        logged = next(line for line in failures if line["request_id"] == "find-me")
        assert "RuntimeError: secret of the house" in logged["exception"]


class TestQueries:
    def test_a_right_one_is_taken(self, client: httpx.Client) -> None:
        answer = client.get("/probe/find/?title=a%20b&limit=3")
        assert answer.json() == {"title": "a b", "limit": 3}

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("", "title"),
            ("title=%00", "title"),
            ("title=a&limit=abc", "limit"),
            ("title=a&limit=1.5", "limit"),
            ("title=a&limt=5", "limt"),
            ("title=a&title[$gt]=b", "title[$gt]"),
        ],
    )
    def test_a_wrong_one_names_the_parameter(
        self, client: httpx.Client, query: str, field: str
    ) -> None:
        answer = client.get(f"/probe/find/?{query}")
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]

    def test_where_none_is_known_all_are_unknown(self, client: httpx.Client) -> None:
        assert client.get("/ping/?a=1").status_code == 422

    def test_thousands_of_parameters_are_refused(self, client: httpx.Client) -> None:
        query = "&".join(f"a{n}=" for n in range(1_500))
        assert client.get(f"/probe/find/?{query}").status_code == 400
