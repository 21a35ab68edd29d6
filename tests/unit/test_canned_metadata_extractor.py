import pytest

from tests.contract.metadata_extractor_contract import MetadataExtractorContract
from tests.fakes.metadata_extractor import CannedMetadataExtractor


class TestCannedMetadataExtractor(MetadataExtractorContract):
    @pytest.fixture
    def extractor(self) -> CannedMetadataExtractor:
        return CannedMetadataExtractor()
