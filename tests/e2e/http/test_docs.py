import re

import httpx
import pytest

from tests.uvicorn_process import UvicornProcess


class TestDocs:
    def test_the_page_and_its_files_are_local(self, client: httpx.Client) -> None:
        page = client.get("/docs")
        assert page.headers["Content-Type"].startswith("text/html")
        files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(files) == 4
        assert all(client.get(file).status_code == 200 for file in files)
        assert "//" not in page.text.replace("<!--", "")

    def test_the_policy_lets_nothing_external_in(self, client: httpx.Client) -> None:
        policy = client.get("/docs").headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "http" not in policy

    def test_the_page_keeps_the_token(self, client: httpx.Client) -> None:
        assert '"persistAuthorization": true' in client.get("/docs").text

    def test_the_document_is_openapi_3_1(self, client: httpx.Client) -> None:
        document = client.get("/openapi.json").json()
        assert document["openapi"].startswith("3.1")
        assert set(document["paths"]["/ping/"]) == {"get"}
        assert "ProblemOut" in document["components"]["schemas"]

    def test_files_are_asked_for_once(self, client: httpx.Client) -> None:
        first = client.get("/static/ninja/swagger-ui.css")
        etag = first.headers["ETag"]
        again = client.get(str(first.url), headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")

    def test_files_are_only_read(self, client: httpx.Client) -> None:
        answer = client.post("/static/ninja/swagger-ui.css")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")

    @pytest.mark.parametrize(
        "path", ["/static/../ping/", "/static/%2e%2e/ping/", "/static//etc/passwd"]
    )
    def test_no_other_file_is_reached(self, client: httpx.Client, path: str) -> None:
        assert client.get(path).status_code in (200, 404)
        assert "root:" not in client.get(path).text


class TestWithoutDocs:
    @pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
    def test_they_are_not_there(self, without_docs: UvicornProcess, path: str) -> None:
        answer = httpx.get(without_docs.base_url + path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    def test_debug_shows_no_page_of_django(self, without_docs: UvicornProcess) -> None:
        answer = httpx.get(without_docs.base_url + "/nope")
        assert answer.headers["Content-Type"] == "application/problem+json"
