"""Addresses of stored objects, made without asking the store."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote


class PublicCdnAddresses:
    """`CdnAddresses` of objects that anybody may read."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")

    def address(self, key: str) -> str:
        return f"{self._base_url}/{key}"


class SignedCdnAddresses:
    """`CdnAddresses` that work for a short time for everybody who has them.

    They are signed (SigV4) with `botocore.auth` alone: no client, no session, no
    request. It is imported when the object is made, because that takes too long for a
    request. `endpoint_url` is the store as clients reach it.
    """

    def __init__(
        self,
        endpoint_url: str,
        bucket: str,
        region: str,
        access_key_id: str,
        secret_access_key: str,
        lifetime: timedelta = timedelta(minutes=15),
    ) -> None:
        from botocore.auth import S3SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        self._base_url = f"{endpoint_url.rstrip('/')}/{bucket}"
        self._request: Callable[..., Any] = AWSRequest
        self._auth: Any = S3SigV4QueryAuth(
            Credentials(access_key_id, secret_access_key),
            "s3",
            region,
            expires=int(lifetime.total_seconds()),
        )

    def address(self, key: str) -> str:
        return self._signed(key, {})

    def download_address(self, key: str, file_name: str) -> str:
        """An address that is saved under the given name instead of shown."""
        # RFC 6266: the name twice, as ASCII for the old and as UTF-8 for the others.
        plain = file_name.encode("ascii", "replace").decode()
        for unsafe in '"\\?%\r\n':
            plain = plain.replace(unsafe, "_")
        disposition = (
            f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, '')}"
        )
        return self._signed(key, {"response-content-disposition": disposition})

    def _signed(self, key: str, parameters: dict[str, str]) -> str:
        url = f"{self._base_url}/{quote(key)}"
        request = self._request(method="GET", url=url, params=parameters)
        self._auth.add_auth(request)
        return str(request.url)
