"""A CDN over HTTP: what it is told, and what is made of its answers."""

from collections.abc import Iterator
from http import HTTPStatus

import pytest

from backend.adapters.cdn_addresses import PublicCdnAddresses
from backend.adapters.http_cdn_cache import HttpCdnCache
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import ObjectKey
from tests.black_hole import BlackHole
from tests.e2e.cdn import Cdn, Purge
from tests.e2e.conftest import serving

KEY = ObjectKey("videos/0.mp4")


@pytest.fixture
def cdn() -> Iterator[Cdn]:
    cdn = Cdn()
    with serving(cdn):
        yield cdn


class TestHttpCdnCache:
    @staticmethod
    def cache(purge_url: str, base_url: str, token: str = Cdn.TOKEN) -> HttpCdnCache:
        return HttpCdnCache(purge_url, token, PublicCdnAddresses(base_url))

    def test_the_public_address_is_forgotten(self, cdn: Cdn) -> None:
        base = f"http://127.0.0.1:{cdn.server_port}"
        self.cache(cdn.address, base).purge(KEY)

        # Nothing can be fetched from this one.
        said = Purge(f"{base}/videos/0.mp4", HTTPStatus.NOT_IMPLEMENTED)
        assert cdn.purges == [said]

    @pytest.mark.parametrize(
        ("status", "requests"),
        [
            (HTTPStatus.BAD_REQUEST, 1),
            (HTTPStatus.TEMPORARY_REDIRECT, 1),
            (HTTPStatus.TOO_MANY_REQUESTS, 3),
            (HTTPStatus.BAD_GATEWAY, 3),
        ],
    )
    def test_another_answer_than_2xx_is_a_refusal(
        self, cdn: Cdn, status: HTTPStatus, requests: int
    ) -> None:
        """What may be over soon is asked again at once."""
        with cdn.refusing(status):
            assert str(int(status)) in self.refusal(cdn.address)
        assert cdn.requests == requests
        assert cdn.purges == []

    def test_a_token_is_refused_and_not_told(self, cdn: Cdn) -> None:
        """Though the CDN shows what it was sent."""
        token = "another-token"
        told = self.refusal(cdn.address, token)
        assert "403" in told
        assert "Bearer" in told
        assert token not in told

    def test_nobody_is_there(self) -> None:
        self.refusal("http://127.0.0.1:1/purge")

    def test_silence_ends(self) -> None:
        with BlackHole.open() as port:
            self.refusal(f"http://127.0.0.1:{port}/purge")

    def refusal(self, purge_url: str, token: str = Cdn.TOKEN) -> str:
        cache = self.cache(purge_url, "https://cdn.example.org", token)
        with pytest.raises(JobFailed) as refused:
            cache.purge(KEY)
        assert refused.value.code is FailureCode.CDN_AWAY
        return str(refused.value)
