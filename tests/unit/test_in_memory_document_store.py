import pytest

from tests.contract.document_store_contract import DocumentStoreContract
from tests.fakes.document_store import InMemoryDocumentStore


class TestInMemoryDocumentStore(DocumentStoreContract):
    @pytest.fixture
    def store(self) -> InMemoryDocumentStore:
        return InMemoryDocumentStore()
