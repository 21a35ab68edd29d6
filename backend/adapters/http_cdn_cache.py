"""Tells the CDN in front of the store to forget what is removed from it."""

from typing import Final

import urllib3

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import ObjectKey
from backend.use_cases.ports import CdnAddresses


class NoCdnCache:
    """`CdnCache` where nothing is in front of the store, or a person purges it."""

    def purge(self, key: ObjectKey) -> None:
        return


class HttpCdnCache:
    """`CdnCache` over HTTP: `{"files": [address]}`, as Cloudflare takes it.

    https://developers.cloudflare.com/api/resources/cache/methods/purge/

    Each 2xx means that it is done. Redirects are not followed: they would take the
    token elsewhere.
    """

    _TIMEOUT: Final = urllib3.Timeout(connect=3.0, read=5.0)
    # Not every caller comes back. After a silence it is not asked again at once.
    _RETRIES: Final = urllib3.Retry(
        total=2,
        read=0,
        redirect=0,
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        allowed_methods=None,
        raise_on_redirect=False,
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    _SHOWN_CHARACTERS: Final = 100

    def __init__(self, purge_url: str, token: str, addresses: CdnAddresses) -> None:
        self._purge_url = purge_url
        self._token = token
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._addresses = addresses

    def purge(self, key: ObjectKey) -> None:
        address = self._addresses.address(str(key))
        try:
            answer = self._asked(address)
        except urllib3.exceptions.MaxRetryError as error:
            raise self._failed(address, type(error.reason).__name__) from error
        except urllib3.exceptions.HTTPError as error:
            raise self._failed(address, type(error).__name__) from error
        if not 200 <= answer.status < 300:
            raise self._failed(address, f"{answer.status} {self._shown(answer.data)}")

    def _asked(self, address: str) -> urllib3.BaseHTTPResponse:
        """Deletions are rare: no connection is kept for them."""
        with urllib3.PoolManager(timeout=self._TIMEOUT, retries=self._RETRIES) as pool:
            return pool.request(
                "POST",
                self._purge_url,
                json={"files": [address]},
                headers=self._headers,
                redirect=False,
            )

    @staticmethod
    def _failed(address: str, reason: str) -> JobFailed:
        message = f"The CDN has not forgotten {address}: {reason}"
        return JobFailed(FailureCode.CDN_AWAY, message.rstrip())

    def _shown(self, body: bytes) -> str:
        """Its beginning, without the token: some echo what they refuse."""
        text = body.decode(errors="replace").replace(self._token or "\0", "…")
        return "".join(filter(str.isprintable, text))[: self._SHOWN_CHARACTERS]
