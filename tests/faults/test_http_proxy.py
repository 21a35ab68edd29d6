"""What the proxy before the real object store makes of requests to it."""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.faults.http_proxy import Asks, HttpProxy
from tests.faults.proxy_loop import ProxyLoop
from tests.faults.tcp_proxy import Upstream
from tests.ports import TestPorts

MEBIBYTE = 1024**2


@pytest.fixture
def proxy() -> Iterator[HttpProxy]:
    port = urlsplit(os.environ["S3_ENDPOINT_URL"]).port
    with ProxyLoop() as loop:
        proxy = HttpProxy(loop, TestPorts().port("proxy"), Upstream(port or 0))
        proxy.start()
        yield proxy
        proxy.stop()


class Bucket:
    """A bucket of its own, behind the proxy or not."""

    NAME = "behind-a-proxy"

    def __init__(self, endpoint_url: str) -> None:
        config = Config(
            retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}
        )
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint_url,
            aws_access_key_id=os.environ["S3_ACCESS_KEY_ID"],
            aws_secret_access_key=os.environ["S3_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
            config=config,
        )

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.NAME, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        found = self.client.get_object(Bucket=self.NAME, Key=key)
        content: bytes = found["Body"].read()
        return content

    def names(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.NAME)
        return [item["Key"] for item in found.get("Contents", [])]

    def begun(self, key: str) -> tuple[dict[str, str], list[dict[str, Any]]]:
        """A multipart upload with one part, which only has to be completed."""
        named = {"Bucket": self.NAME, "Key": key}
        begun = self.client.create_multipart_upload(**named)
        named["UploadId"] = begun["UploadId"]
        part = self.client.upload_part(**named, PartNumber=1, Body=b"one part")
        return named, [{"PartNumber": 1, "ETag": part["ETag"]}]

    def complete(self, key: str) -> None:
        named, parts = self.begun(key)
        self.client.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})


@pytest.fixture
def real() -> Iterator[Bucket]:
    bucket = Bucket(os.environ["S3_ENDPOINT_URL"])
    bucket.client.create_bucket(Bucket=Bucket.NAME)
    yield bucket
    for key in bucket.names():
        bucket.client.delete_object(Bucket=Bucket.NAME, Key=key)
    bucket.client.delete_bucket(Bucket=Bucket.NAME)
    bucket.client.close()


@pytest.fixture
def bucket(real: Bucket, proxy: HttpProxy) -> Iterator[Bucket]:
    bucket = Bucket(f"http://127.0.0.1:{proxy.port}")
    yield bucket
    bucket.client.close()


class TestHttpProxy:
    def test_without_a_fault_everything_is_as_at_the_store(
        self, bucket: Bucket, real: Bucket, proxy: HttpProxy
    ) -> None:
        body = os.urandom(3 * MEBIBYTE)
        bucket.put("a key with ü", body)
        assert bucket.get("a key with ü") == real.get("a key with ü") == body
        bucket.complete("in-parts")
        assert real.get("in-parts") == b"one part"
        assert bucket.names() == ["a key with ü", "in-parts"]
        assert bucket.client.head_object(Bucket=Bucket.NAME, Key="in-parts")
        bucket.client.delete_object(Bucket=Bucket.NAME, Key="in-parts")
        assert real.names() == ["a key with ü"]
        assert proxy.sent_bytes(Asks.put) >= len(body)

    def test_slow_down_a_few_times(
        self, bucket: Bucket, real: Bucket, proxy: HttpProxy
    ) -> None:
        fault = proxy.answer(503, "SlowDown", Asks.put, times=2)
        for _ in range(2):
            with pytest.raises(ClientError, match="SlowDown"):
                bucket.put("refused", bytes(MEBIBYTE))
        assert bucket.names() == real.names() == []
        bucket.put("taken", b"at last")
        assert (real.get("taken"), fault.happened) == (b"at last", 2)

    def test_a_share_of_all_requests(self, bucket: Bucket, proxy: HttpProxy) -> None:
        proxy.answer(500, "InternalError", share=0.3)
        refused = 0
        for number in range(40):
            try:
                bucket.put(f"number-{number}", b"?")
            except ClientError:
                refused += 1
        proxy.heal()
        assert 4 < refused < 24
        assert len(bucket.names()) == 40 - refused

    def test_an_error_document_in_a_200(
        self, bucket: Bucket, real: Bucket, proxy: HttpProxy
    ) -> None:
        proxy.answer(200, "InternalError", Asks.complete, times=1)
        with pytest.raises(ClientError, match="InternalError"):
            bucket.complete("not-there")
        assert real.names() == []

    def test_an_answer_that_is_lost_after_it_was_done(
        self, bucket: Bucket, real: Bucket, proxy: HttpProxy
    ) -> None:
        proxy.lose_answer(Asks.complete)
        with pytest.raises(ConnectionClosedError):
            bucket.complete("there")
        assert real.get("there") == b"one part"
        bucket.put("next", b"is answered")
        assert real.names() == ["next", "there"]
