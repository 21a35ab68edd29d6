"""What tests want to know of an answer."""

import httpx


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def titles(answer: httpx.Response) -> list[str]:
    """Of the media of a page, in their order."""
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]
