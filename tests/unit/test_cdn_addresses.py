import pytest

from backend.adapters.cdn_addresses import PublicCdnAddresses


class TestPublicCdnAddresses:
    @pytest.mark.parametrize(
        "base", ["https://cdn.example/m", "https://cdn.example/m/"]
    )
    def test_the_key_is_appended(self, base: str) -> None:
        address = PublicCdnAddresses(base).address("videos/a.mp4")
        assert address == "https://cdn.example/m/videos/a.mp4"
