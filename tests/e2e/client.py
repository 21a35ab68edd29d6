"""What users of the system do, over HTTP, and what is seen at the CDN origin."""

import json
import os
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import boto3
import httpx

from backend.embedded.stack import EmbeddedStack

DONE = ("ready", "failed")
OPEN = {"queued", "running"}


class Client:
    """An HTTP client that may be signed in as one of the demo accounts."""

    # Small machines with little free disk must be able to run the tests.
    SETTINGS = {"PATH": os.environ["PATH"], "STAGING_FLOOR_BYTES": "0"}
    METRICS_TOKEN = "a-token-of-the-scraper-of-these-tests"
    # Whatever can be told is told.
    TOLD = {"LOG_FORMAT": "json", "METRICS_TOKEN": METRICS_TOKEN}
    # To see what is covered takes time, which one stack spends for all.
    COVERED = {n: v for n, v in os.environ.items() if n.startswith("COVERAGE")}

    def __init__(self, stack: EmbeddedStack) -> None:
        self.stack = stack
        self.http = httpx.Client(base_url=stack.address, timeout=30.0, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def sign_in(self, role: str) -> httpx.Response:
        account = json.loads(self.stack.data.demo_accounts.read_text())[role]
        return self.http.post("/auth/signin/", json=account)

    def signed_in(self, role: str) -> Self:
        answer = self.sign_in(role)
        assert answer.status_code == 200, answer.text
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access']}"
        return self

    def upload(
        self, video: Path, miniature: bytes | None = None, **fields: str
    ) -> httpx.Response:
        files: dict[str, Any] = {}
        if miniature is not None:
            files["miniature"] = ("picture.jpg", miniature, "image/jpeg")
        with video.open("rb") as file:
            files["video"] = (video.name, file)
            return self.http.post("/media/", data=fields, files=files)

    def upload_patiently(self, video: Path) -> httpx.Response:
        """Again whenever there is too much to do, after the time that is asked for."""
        while (answer := self.upload(video)).status_code == 503:
            time.sleep(int(answer.headers["Retry-After"]))
        return answer

    def put_miniature(self, uuid: str, picture: bytes) -> httpx.Response:
        files = {"miniature": ("picture.jpg", picture, "image/jpeg")}
        return self.http.put(f"/media/{uuid}/miniature/", files=files)

    def media(self, uuid: str) -> dict[str, Any]:
        answer = self.http.get(f"/media/{uuid}/")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def jobs(self, uuid: str) -> dict[str, dict[str, Any]]:
        """The newest job of each kind."""
        items = self.http.get(f"/media/{uuid}/jobs/").json()["items"]
        return {job["kind"]: job for job in reversed(items)}

    def until_done(self, uuid: str, seconds: float = 90.0) -> dict[str, Any]:
        """The media once its work is done; fails when that takes too long."""
        deadline = time.monotonic() + seconds
        while (media := self._seen(uuid)) is None or media["status"] not in DONE:
            assert time.monotonic() < deadline, f"still {media} after {seconds} s"
            time.sleep(0.05)
        return media

    def until_quiet(self, uuid: str, seconds: float = 90.0) -> dict[str, Any]:
        """The media once no job of it is open."""
        deadline = time.monotonic() + seconds
        while OPEN & set((media := self.media(uuid))["jobs"].values()):
            assert time.monotonic() < deadline, f"still {media} after {seconds} s"
            time.sleep(0.05)
        return media

    def _seen(self, uuid: str) -> dict[str, Any] | None:
        """None while the API is away."""
        try:
            answer = self.http.get(f"/media/{uuid}/")
        except httpx.TransportError:
            return None
        return answer.json() if answer.status_code == 200 else None


class Origin:
    """The bucket behind the CDN, looked at with the keys of its owner."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._bucket = environment["S3_BUCKET"]
        self._s3 = boto3.client(
            "s3",
            endpoint_url=environment["S3_ENDPOINT_URL"],
            aws_access_key_id=environment["S3_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["S3_SECRET_ACCESS_KEY"],
            region_name=environment["S3_REGION"],
        )
        # No test waits for the collector with connections that are open.
        weakref.finalize(self, self._s3.close)

    def copies(self, video: Path) -> int:
        """How many objects there are of the size of this video, which no other has."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        sizes = [item["Size"] for page in pages for item in page.get("Contents", [])]
        return sizes.count(video.stat().st_size)

    def lose(self, video: Path) -> None:
        """Remove the objects of that size behind the back of everybody."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        for found in [item for page in pages for item in page.get("Contents", [])]:
            if found["Size"] == video.stat().st_size:
                self._s3.delete_object(Bucket=self._bucket, Key=found["Key"])

    def keys(self, prefix: str) -> set[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        return {item["Key"] for page in pages for item in page.get("Contents", [])}

    def unfinished(self) -> list[str]:
        """Keys of multipart uploads that were neither completed nor aborted."""
        found = self._s3.list_multipart_uploads(Bucket=self._bucket)
        return [upload["Key"] for upload in found.get("Uploads", [])]

    def unfinished_parts(self) -> int:
        """How many parts such uploads have."""
        found = self._s3.list_multipart_uploads(Bucket=self._bucket).get("Uploads", [])
        return sum(len(self._parts(each["Key"], each["UploadId"])) for each in found)

    def _parts(self, key: str, upload_id: str) -> list[Any]:
        listed = self._s3.list_parts(Bucket=self._bucket, Key=key, UploadId=upload_id)
        parts: list[Any] = listed.get("Parts", [])
        return parts
