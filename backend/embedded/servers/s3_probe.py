import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit


class S3Probe:
    """Asks an S3 server to take a small object in, and to forget it again.

    It alone tells that the store works: SeaweedFS answers before its volumes are known,
    and shows in its counters only seconds later that they are.
    """

    PATH = "/health/probe"
    SECONDS = 2.0

    def __init__(self, url: str, keys: Mapping[str, str]) -> None:
        self._url = url
        self._keys = keys

    def takes_objects(self) -> bool:
        return self._succeeds("PUT", b"ready") and self._succeeds("DELETE", b"")

    def _succeeds(self, method: str, body: bytes) -> bool:
        connection = http.client.HTTPConnection(
            urlsplit(self._url).netloc, timeout=self.SECONDS
        )
        try:
            connection.request(method, self.PATH, body, self._signed(method, body))
            return connection.getresponse().status < http.HTTPStatus.BAD_REQUEST
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _signed(self, method: str, body: bytes) -> dict[str, str]:
        # Imported when it is needed: it takes a while, and others start meanwhile.
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        credentials = Credentials(
            self._keys["S3_ACCESS_KEY_ID"], self._keys["S3_SECRET_ACCESS_KEY"]
        )
        request = AWSRequest(method, f"{self._url}{self.PATH}", data=body)
        S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
        return {name: str(value) for name, value in request.headers.items()}
