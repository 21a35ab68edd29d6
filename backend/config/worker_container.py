"""The composition root of a worker process."""

import os
import socket
from collections.abc import Sequence
from functools import cached_property

import dramatiq
from dramatiq.middleware import CurrentMessage, Retries, ShutdownNotifications

from backend.actors.base import BaseActor
from backend.actors.event_loop import AttemptsLoop
from backend.actors.extract_metadata import ExtractMetadataActor
from backend.actors.sweeper import Sweeper, SweeperMiddleware
from backend.actors.upload_to_cdn import UploadToCdnActor
from backend.adapters.media_info_extractor import MediaInfoExtractor
from backend.adapters.system_clock import SystemClock
from backend.config.container import Container
from backend.domain.jobs import INGEST_JOBS
from backend.orm.database_threads import DatabaseThreads
from backend.use_cases.extract_metadata import ExtractMetadata
from backend.use_cases.run_job import LeaseKeeper, LeaseTimes, RunJob
from backend.use_cases.sweep_jobs import SweepJobs
from backend.use_cases.upload_to_cdn import UploadToCdn

SWEEP_SECONDS = 2.0
# Longer than a fetch ever takes, shorter than the lease of a job.
BROKER_TIMEOUT_SECONDS = 5.0
# Nobody waits for a worker: a transaction that is still answered within the lease of
# its job was not in vain.
DATABASE_ANSWER_SECONDS = 12.0


class WorkerContainer(Container):
    """Builds the broker with its actors and the sweeper beside them."""

    @property
    def worker(self) -> str:
        """The name that job histories show."""
        return f"{socket.gethostname()}:{os.getpid()}"

    @cached_property
    def database_threads(self) -> DatabaseThreads:
        return DatabaseThreads(answer_seconds=DATABASE_ANSWER_SECONDS)

    @cached_property
    def broker(self) -> dramatiq.Broker:
        middleware = [
            AttemptsLoop(),
            CurrentMessage(),
            # The ledger decides about another attempt; a message gets none.
            Retries(max_retries=0),
            SweeperMiddleware(Sweeper(self.sweep_jobs, SWEEP_SECONDS)),
            # Last: a thread that was interrupted must not take another message while
            # the others end what they do.
            ShutdownNotifications(),
        ]
        broker = self.broker_factory.build(middleware, BROKER_TIMEOUT_SECONDS)
        for actor in self.actors:
            actor.register(broker)
        return broker

    @cached_property
    def actors(self) -> Sequence[BaseActor]:
        return [
            UploadToCdnActor(self.run_job, self.upload_to_cdn),
            ExtractMetadataActor(self.run_job, self.extract_metadata),
        ]

    @cached_property
    def run_job(self) -> RunJob:
        keeper = LeaseKeeper(self.media_ledger, LeaseTimes())
        return RunJob(self.media_ledger, self.staging, keeper, self.worker)

    @cached_property
    def upload_to_cdn(self) -> UploadToCdn:
        return UploadToCdn(self.media_ledger, self.staging, self.object_storage)

    @cached_property
    def extract_metadata(self) -> ExtractMetadata:
        return ExtractMetadata(
            self.media_ledger,
            self.staging,
            self.object_storage,
            MediaInfoExtractor(),
            self.document_store,
            SystemClock(),
        )

    @cached_property
    def sweep_jobs(self) -> SweepJobs:
        return SweepJobs(self.media_ledger, self.doorbell, self.worker, INGEST_JOBS)
