import pytest

from tests.contract.object_storage_contract import ObjectStorageContract
from tests.fakes.object_storage import InMemoryObjectStorage


class TestInMemoryObjectStorage(ObjectStorageContract):
    @pytest.fixture
    def storage(self) -> InMemoryObjectStorage:
        return InMemoryObjectStorage(part_bytes=500)
