import pytest

from tests.contract.staging_contract import StagingContract
from tests.fakes.staging import InMemoryStaging


class TestInMemoryStaging(StagingContract):
    @pytest.fixture
    def staging(self) -> InMemoryStaging:
        return InMemoryStaging()
