"""A disk that fails is waited for: no job is given up for it."""

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async

from backend.adapters.child_process import ChildProcess
from backend.adapters.folder import Folder
from backend.adapters.folder_staging import FolderStaging
from backend.adapters.forked_child import ForkedChild
from backend.adapters.s3_connection import S3Connection, S3Errors
from backend.adapters.source_file import SourceFile
from backend.adapters.stoppable_threads import Stop
from backend.adapters.system_clock import SystemClock
from backend.domain.errors import StagingAway
from backend.domain.jobs import RetryPolicy
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Blob, Job, JobAttempt
from backend.use_cases.blob_bytes import BlobBytes
from backend.use_cases.extract_metadata import ExtractMetadata
from backend.use_cases.run_job import LeaseKeeper, LeaseTimes, RunJob
from tests.fakes.broken_s3 import BrokenS3
from tests.fakes.document_store import InMemoryDocumentStore
from tests.fakes.freshness import InMemoryFreshness
from tests.fakes.metadata_extractor import CannedMetadataExtractor
from tests.fakes.object_storage import InMemoryObjectStorage
from tests.folders import UNREADABLE
from tests.ledger_world import LedgerWorld
from tests.s3 import S3Lab


@pytest_asyncio.fixture
async def staging(tmp_path: Path) -> AsyncIterator[FolderStaging]:
    staging = FolderStaging(tmp_path, floor_bytes=0)
    yield staging
    staging.close()


class TestReads:
    @pytest.fixture
    def source(self) -> Iterator[SourceFile]:
        with UNREADABLE.open("rb") as file:
            source = SourceFile(file.fileno(), Stop())
        yield source
        source.close()

    async def test_of_a_job_are_tried_again(
        self,
        clean_database: None,
        database_threads: DatabaseThreads,
        staging: FolderStaging,
        tmp_path: Path,
    ) -> None:
        world = LedgerWorld(database_threads, InMemoryFreshness(), RetryPolicy())
        media_id = await world.taken_in(await sync_to_async(world.session)())
        blob = await Blob.objects.aget()
        (tmp_path / str(blob.staged_name)).symlink_to(UNREADABLE)
        step = ExtractMetadata(
            world.ledger,
            BlobBytes(staging, InMemoryObjectStorage()),
            CannedMetadataExtractor(),
            InMemoryDocumentStore(),
            SystemClock(),
        )

        keeper = LeaseKeeper(world.ledger, LeaseTimes())
        await RunJob(world.ledger, staging, keeper, "worker-1").execute(media_id, step)

        assert (await JobAttempt.objects.aget()).code == "staging_away"
        assert (await Job.objects.aget(kind=step.kind)).status == "queued"

    def test_for_a_hash(self, source: SourceFile) -> None:
        with pytest.raises(StagingAway, match="Input/output error"):
            source.hash(0, 100, hashlib.sha256())

    def test_for_a_request_are_no_word_of_the_store(
        self, source: SourceFile, tmp_path: Path
    ) -> None:
        with BrokenS3().running() as server:
            settings = S3Lab(tmp_path).settings
            connection = S3Connection(
                replace(settings, endpoint_url=server.url, attempts=1)
            )
            window = source.window(0, 100, moved=lambda count: None)
            with pytest.raises(StagingAway), S3Errors.translated("storing"):
                connection.client.put_object(
                    Bucket="media", Key="key", Body=window, ContentLength=100
                )
            connection.close()

    def test_of_what_was_brought_in(self, tmp_path: Path) -> None:
        with Folder(tmp_path, floor_bytes=0).nameless() as file:
            file.write(b"bytes")
            file.seek(0)
            assert file.read() == b"bytes"
            with UNREADABLE.open("rb") as unreadable:
                os.dup2(unreadable.fileno(), file.fileno())
            file.seek(0)
            with pytest.raises(StagingAway):
                file.read()


class TestTemporaryFolder:
    @pytest.mark.parametrize("kind", [ChildProcess, ForkedChild])
    async def test_a_child_without_one_is_tried_again(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        kind: type[ChildProcess],
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        source = tmp_path / "source"
        source.touch()
        with source.open("rb") as file, pytest.raises(StagingAway, match="temporary"):
            await kind(tmp_path / "child.py").run(file)
