"""The composition root of a worker process."""

import asyncio
import os
import socket
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property

import dramatiq
from dramatiq.middleware import CurrentMessage, Retries, ShutdownNotifications

from backend.actors.base import BaseActor
from backend.actors.delete_media import DeleteMediaActor
from backend.actors.event_loop import AttemptsLoop
from backend.actors.extract_metadata import ExtractMetadataActor
from backend.actors.make_miniature import MakeMiniatureActor
from backend.actors.periodic import PeriodicMiddleware, PeriodicThread
from backend.actors.prompt_stop import PromptStop
from backend.actors.thread_shares import ThreadShares
from backend.actors.upload_to_cdn import UploadToCdnActor
from backend.adapters.forked_child import ForkedChild
from backend.adapters.media_info_extractor import MediaInfoExtractor
from backend.adapters.pyav_picture_maker import PyAvPictureMaker
from backend.adapters.redis_generations import RedisFreshness, RedisGenerations
from backend.adapters.redis_hints import RedisHints
from backend.adapters.system_clock import SystemClock
from backend.adapters.tallies import Tallies
from backend.config.container import Container
from backend.config.reconcile_container import ReconcileContainer
from backend.orm.database_threads import DatabaseThreads
from backend.orm.multipart_uploads import DjangoMultipartLedger
from backend.orm.session_ledger import DjangoEndedSessions
from backend.orm.worker_tallies import WorkerTallies
from backend.use_cases.blob_bytes import BlobBytes
from backend.use_cases.delete_media import DeleteMedia
from backend.use_cases.extract_metadata import ExtractMetadata
from backend.use_cases.hand_over_tallies import HandOverTallies
from backend.use_cases.make_miniature import MakeMiniature
from backend.use_cases.ports.metrics import StoreObserver
from backend.use_cases.purge_heartbeats import PurgeHeartbeats
from backend.use_cases.purge_sessions import PurgeSessions
from backend.use_cases.purge_tombstones import PurgeTombstones
from backend.use_cases.run_job import LeaseKeeper, LeaseTimes, RunJob
from backend.use_cases.sweep_jobs import SweepJobs
from backend.use_cases.upload_to_cdn import UploadToCdn

SWEEP_SECONDS = 2.0
# Scrapes come every 15 s or so.
TELL_SECONDS = 5.0
# How often a worker asks whether a turn is due.
RECONCILE_SECONDS = 2.0
# Longer than a fetch ever takes, shorter than the lease of a job.
BROKER_TIMEOUT_SECONDS = 5.0
# Twice a renewal may get lost before a lease ends.
RENEWAL_SHARE = 1 / 3
# No client waits for a worker: a transaction that is answered within the lease of
# its job was not in vain.
ANSWER_SHARE = 0.8


class WorkerContainer(Container):
    """Builds the broker with its actors, and what every worker does beside them."""

    SERVICE = "mediaproject-worker"
    _CLOSED_ON_LOOP = (*Container._CLOSED_ON_LOOP, "sweep_hints")

    @property
    def worker(self) -> str:
        """The name that job histories show."""
        return f"{socket.gethostname()}:{os.getpid()}"

    @cached_property
    def database_threads(self) -> DatabaseThreads:
        return DatabaseThreads(
            answer_seconds=self.environment.job_lease_seconds * ANSWER_SHARE
        )

    @cached_property
    def broker(self) -> dramatiq.Broker:
        middleware = [
            AttemptsLoop(),
            CurrentMessage(),
            # The ledger decides about another attempt; a message gets none.
            Retries(max_retries=0),
            ThreadShares(),
            PromptStop(),
            PeriodicMiddleware(self.sweeper, self.reconciler, self.teller),
            # Last: a thread that was interrupted must not take another message while
            # the others end what they do.
            ShutdownNotifications(),
        ]
        broker = self.broker_factory.build(middleware, BROKER_TIMEOUT_SECONDS)
        for actor in self.actors:
            actor.register(broker, self.tracer)
        return broker

    @property
    def sweeper(self) -> PeriodicThread:
        """A thread and not a message, because messages may get lost."""
        return PeriodicThread("sweeper", self.sweep_jobs.execute, SWEEP_SECONDS)

    @property
    def reconciler(self) -> PeriodicThread:
        """Its objects are separate, for its loop, and so that jobs never wait for it."""
        container = ReconcileContainer(self.environment)
        container.store_observer = self.store_observer
        container.staged_observer = self.tallies
        return PeriodicThread(
            "reconciler",
            container.reconcile_turn.execute,
            RECONCILE_SECONDS,
            container.close,
        )

    @property
    def teller(self) -> PeriodicThread:
        """A last time when it ends, with what the last attempts have come to."""
        tell = self.hand_over_tallies.execute
        return PeriodicThread("teller", tell, TELL_SECONDS, self._last_words)

    async def _last_words(self) -> None:
        await asyncio.to_thread(self.tracer.close)
        await self.hand_over_tallies.execute()

    @cached_property
    def hand_over_tallies(self) -> HandOverTallies:
        return HandOverTallies(self.tallies, WorkerTallies(self.database_threads))

    @cached_property
    def tallies(self) -> Tallies:
        return Tallies()

    @cached_property
    def store_observer(self) -> StoreObserver:
        return self.traced(self.tallies)

    @cached_property
    def actors(self) -> Sequence[BaseActor]:
        return [
            UploadToCdnActor(self.run_job, self.upload_to_cdn),
            ExtractMetadataActor(self.run_job, self.extract_metadata),
            MakeMiniatureActor(self.run_job, self.make_miniature),
            DeleteMediaActor(self.run_job, self.delete_media),
        ]

    @cached_property
    def run_job(self) -> RunJob:
        renewal = self.environment.job_lease_seconds * RENEWAL_SHARE
        keeper = LeaseKeeper(self.media_ledger, LeaseTimes(renewal))
        return RunJob(
            self.media_ledger,
            self.staging,
            keeper,
            self.worker,
            observer=self.tallies,
        )

    @cached_property
    def upload_to_cdn(self) -> UploadToCdn:
        return UploadToCdn(
            self.media_ledger,
            self.staging,
            self.object_storage,
            DjangoMultipartLedger(self.database_threads),
        )

    @cached_property
    def blob_bytes(self) -> BlobBytes:
        return BlobBytes(self.staging, self.object_storage)

    @cached_property
    def extract_metadata(self) -> ExtractMetadata:
        return ExtractMetadata(
            self.media_ledger,
            self.blob_bytes,
            MediaInfoExtractor(kind=ForkedChild),
            self.document_store,
            SystemClock(),
        )

    @cached_property
    def make_miniature(self) -> MakeMiniature:
        return MakeMiniature(
            self.media_ledger,
            self.staging,
            self.object_storage,
            self.blob_bytes,
            PyAvPictureMaker(kind=ForkedChild),
        )

    @cached_property
    def delete_media(self) -> DeleteMedia:
        return DeleteMedia(
            self.media_ledger, self.staging, self.object_storage, self.document_store
        )

    @cached_property
    def sweep_jobs(self) -> SweepJobs:
        ledger = self._media_ledger(RedisFreshness(RedisGenerations(self.sweep_hints)))
        keep = timedelta(days=self.environment.tombstone_days)
        return SweepJobs(
            ledger,
            self.staging,
            self.doorbell,
            self.worker,
            tuple(actor.kind for actor in self.actors),
            (
                PurgeTombstones(ledger, keep),
                PurgeSessions(DjangoEndedSessions(self.database_threads)),
                PurgeHeartbeats(ledger),
            ),
            self.tallies,
        )

    @cached_property
    def sweep_hints(self) -> RedisHints:
        """The sweeper has a loop of its own, and connections belong to a loop."""
        return RedisHints(self.environment.redis_url.get_secret_value())
