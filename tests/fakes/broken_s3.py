import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit


class BrokenS3Handler(BaseHTTPRequestHandler):
    """Just enough of S3 to fail like one; `plan` of the server says how."""

    protocol_version = "HTTP/1.1"
    server: "BrokenS3"

    _LABEL: ClassVar = "x-amz-meta-sha256"
    _ERROR: ClassVar = "<Error><Code>{}</Code><Message>As planned</Message></Error>"

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_GET(self) -> None:
        self._answer("GET")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def _answer(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        asked = parse_qs(query, keep_blank_values=True)
        operation = self._operation(method, asked)
        self.server.seen.append(operation)
        failure = self.server.next_failure(operation)
        if failure is not None:
            status, code = failure
            self._send(status, self._ERROR.format(code).encode())
        else:
            self._succeed(operation, path, asked, body)

    @staticmethod
    def _operation(method: str, asked: dict[str, list[str]]) -> str:
        kinds = {
            ("POST", "uploads"): "create",
            ("GET", "uploads"): "uploads",
            ("PUT", "uploadId"): "part",
            ("POST", "uploadId"): "complete",
            ("DELETE", "uploadId"): "abort",
        }
        for (kind, word), operation in kinds.items():
            if method == kind and word in asked:
                return operation
        return method.lower()

    def _succeed(
        self, operation: str, path: str, asked: dict[str, list[str]], body: bytes
    ) -> None:
        objects, parts = self.server.objects, self.server.parts
        if (label := self.headers.get(self._LABEL)) is not None:
            self.server.labels[path] = label
        if operation == "put":
            objects[path] = self.server.spoiled(body)
            self._send(200, etag=True)
        elif operation == "part":
            parts[int(asked["partNumber"][0])] = body
            self._send(200, etag=True)
        elif operation == "complete":
            objects[path] = self.server.spoiled(
                b"".join(parts[number] for number in sorted(parts))
            )
            self._send(200, b"<CompleteMultipartUploadResult/>")
        elif operation == "create":
            parts.clear()
            self._send(
                200,
                b"<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                b"</InitiateMultipartUploadResult>",
            )
        elif operation in ("abort", "delete"):
            (parts if operation == "abort" else objects).clear()
            self._send(204)
        elif operation == "uploads":
            self._send(200, b"<ListMultipartUploadsResult/>")
        else:
            self._read(path)

    def _read(self, path: str) -> None:
        content = self.server.objects.get(path)
        if path.count("/") == 1:
            self._send(200)
            return
        if content is None:
            self._send(404, self._ERROR.format("NoSuchKey").encode())
            return
        wanted = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        content = content[int(wanted[1]) if wanted else 0 :]
        label = self.server.labels.get(path)
        self._send(206 if wanted else 200, content, etag=True, label=label)

    def _send(
        self,
        status: int,
        body: bytes = b"",
        etag: bool = False,
        label: str | None = None,
    ) -> None:
        self.send_response(status)
        if label is not None:
            self.send_header(self._LABEL, label)
        if etag:
            name = hashlib.md5(body, usedforsecurity=False).hexdigest()
            self.send_header("ETag", f'"{name}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self._write(body)

    def _write(self, body: bytes) -> None:
        most = self.server.break_after
        if most is not None and len(body) > most:
            self.wfile.write(body[:most])
            self.close_connection = True
        else:
            self.wfile.write(body)


class BrokenS3(ThreadingHTTPServer):
    """A small S3 server that fails as often as planned, and confirms no checksum.

    `plan` maps an operation to the failures (status, code) of its next requests; None
    is for one that succeeds.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), BrokenS3Handler)
        self.plan: dict[str, list[tuple[int, str] | None]] = {}
        self.seen: list[str] = []
        self.objects: dict[str, bytes] = {}
        self.labels: dict[str, str] = {}
        self.parts: dict[int, bytes] = {}
        self.spoils = False
        self.break_after: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_failure(self, operation: str) -> tuple[int, str] | None:
        failures = self.plan.get(operation, [])
        return failures.pop(0) if failures else None

    def spoiled(self, content: bytes) -> bytes:
        return b"?" + content[1:] if self.spoils else content

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests."""

    @contextmanager
    def running(self) -> Iterator["BrokenS3"]:
        thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            thread.join()
            self.server_close()
