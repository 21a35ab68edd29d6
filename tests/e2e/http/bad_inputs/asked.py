"""Requests with JSON, with parameters or with nothing."""

import json
from typing import Any

from tests.e2e.raw_upload import RawUpload

# Never to be seen in an answer.
SESAME = "open sesame 7"


class Asked:
    """Shapes of requests."""

    JSON_TYPE = b"application/json"

    @staticmethod
    def bare(method: str, target: str, *headers: bytes) -> RawUpload:
        line = f"{method} {target} HTTP/1.1".encode("latin-1")
        return RawUpload(b"", None, None, headers, line)

    @classmethod
    def get(cls, target: str, *headers: bytes) -> RawUpload:
        return cls.bare("GET", target, *headers)

    @classmethod
    def by(cls, authorization: bytes) -> RawUpload:
        return cls.get("/auth/me/", b"Authorization: " + authorization)

    @classmethod
    def sent(
        cls,
        method: str,
        path: str,
        body: bytes,
        *headers: bytes,
        content_type: bytes = JSON_TYPE,
    ) -> RawUpload:
        line = f"{method} {path} HTTP/1.1".encode()
        return RawUpload(body, content_type, headers=headers, line=line)

    @classmethod
    def said(cls, method: str, path: str, body: Any, *headers: bytes) -> RawUpload:
        return cls.sent(method, path, json.dumps(body).encode(), *headers)

    @classmethod
    def retry(cls, body: bytes, *headers: bytes) -> RawUpload:
        return cls.sent("POST", "/media/<own>/jobs/", body, *headers)

    @classmethod
    def listed(cls, query: str) -> RawUpload:
        return cls.get(f"/media/?{query}")

    @classmethod
    def searched(cls, query: str) -> RawUpload:
        return cls.get(f"/search?{query}")

    @classmethod
    def changed(cls, body: Any, *headers: bytes) -> RawUpload:
        return cls.said("PATCH", "/media/<own>/", body, *headers)

    @classmethod
    def account(cls, name: str, **fields: Any) -> RawUpload:
        """Signing up or in, right but for the fields; ... leaves one away."""
        whole = {"email": "new@example.org", "password": SESAME} | fields
        return cls.said(
            "POST", f"/auth/{name}/", {n: v for n, v in whole.items() if v is not ...}
        )

    @classmethod
    def token(cls, name: str, token: str) -> RawUpload:
        return cls.said("POST", f"/auth/{name}/", {"refresh": token})
