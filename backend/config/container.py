"""The composition root: the only place that builds objects.

`Container` has what every process needs; `ApiContainer` and `WorkerContainer` add what
only their process needs. The accounts and the media of the API have a container each.
Each object is built once, when it is first needed; building opens no connection. The
outside world can be replaced by assigning to a property's name.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version
from typing import Any, ClassVar

import structlog

from backend.adapters.cdn_addresses import PublicCdnAddresses, SignedCdnAddresses
from backend.adapters.dramatiq_doorbell import DramatiqDoorbell
from backend.adapters.folder import Folder
from backend.adapters.folder_staged_inventory import FolderStagedInventory
from backend.adapters.folder_staging import FolderStaging
from backend.adapters.http_cdn_cache import HttpCdnCache, NoCdnCache
from backend.adapters.jwt_token_issuer import JwtTokenIssuer
from backend.adapters.password_hasher import ThreadedPasswordHasher
from backend.adapters.redis_answer_cache import RedisAnswerCache
from backend.adapters.redis_broker import BrokerFactory
from backend.adapters.redis_generations import RedisFreshness, RedisGenerations
from backend.adapters.redis_hints import RedisHints
from backend.adapters.s3_connection import S3Connection, S3Settings
from backend.adapters.s3_object_inventory import S3ObjectInventory
from backend.adapters.s3_object_storage import S3ObjectStorage
from backend.adapters.s3_staged_inventory import S3StagedInventory
from backend.adapters.s3_staged_objects import S3StagedObjects
from backend.adapters.s3_staging import S3Staging
from backend.adapters.stoppable_threads import StoppableThreads
from backend.config.environment import Environment
from backend.config.logs import Logs
from backend.domain.jobs import RetryPolicy
from backend.odm.connection import MongoConnection, MongoSettings
from backend.odm.metadata_inventory import MongoMetadataInventory
from backend.odm.metadata_repository import MongoMetadataStore
from backend.orm.account_ledger import DjangoAccountLedger
from backend.orm.database_lines import DatabaseLines
from backend.orm.database_threads import DatabaseThreads
from backend.orm.job_claims import JobClaims
from backend.orm.job_endings import JobEndings
from backend.orm.job_pictures import JobPictures
from backend.orm.job_retry import JobRetry
from backend.orm.job_sweep import JobSweep
from backend.orm.media_changes import MediaChanges
from backend.orm.media_deletion import MediaDeletion, Tombstones
from backend.orm.media_ingest import MediaIngest
from backend.orm.media_ledger import DjangoMediaLedger
from backend.orm.media_removal import MediaRemoval
from backend.orm.miniature_requests import MiniatureRequests
from backend.orm.object_repairs import LostObjects
from backend.orm.staged_holds import DjangoStagedHolds
from backend.use_cases.ensure_account import EnsureAccount
from backend.use_cases.failpoints import Failpoints
from backend.use_cases.ports import (
    AccountLedger,
    AnswerCache,
    CdnAddresses,
    CdnCache,
    DocumentInventory,
    DocumentStore,
    Freshness,
    MediaLedger,
    ObjectInventory,
    ObjectStorage,
    PasswordHasher,
    StagedInventory,
    Staging,
    TokenIssuer,
)
from backend.use_cases.ports.metrics import UNOBSERVED, CacheObserver, StoreObserver
from backend.use_cases.ports.tracing import UNTRACED, Tracer

_LOG = structlog.get_logger(__name__)
METRICS_ADVICE = (
    "METRICS_PORT has no effect: set METRICS_TOKEN and ask the API for /metrics, see "
    "docs/adr/0028-metrics-without-a-port.md."
)
# If a message cannot be sent at once, the sweeper sends it: the client must not wait.
RING_TIMEOUT_SECONDS = 1.0
S3_THREADS = 8
INVENTORY_THREADS = 1
# Requests to the store, removals included, that run inside transactions.
GLANCE = {"connect_timeout_seconds": 1.0, "read_timeout_seconds": 2.0, "attempts": 1}


class Container:
    """Builds what the API, the worker and the management commands share."""

    # In this order: the database comes last, because the others may still write to it.
    _CLOSED: ClassVar = (
        "doorbell",
        "mongo_connection",
        "password_hasher",
        "staged_inventory",
        "staging",
        "staged_holds",
        "object_inventory",
        "object_probe",
        "object_storage",
        "database_threads",
        "tracer",
    )
    SERVICE: ClassVar = "mediaproject"

    # Closed on the event loop that used them.
    _CLOSED_ON_LOOP: ClassVar[tuple[str, ...]] = ("redis_hints", "database_lines")

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        Failpoints.arm(environment.failpoints_dir)

    @property
    def version(self) -> str:
        return version("mediaproject")

    def configure_logs(self) -> None:
        """Start logging, and warn if `FAILPOINTS_DIR` (dangerous) or `METRICS_PORT`
        (without effect) is set."""
        self.logs.configure()
        if self.environment.failpoints_dir is not None:
            folder = str(self.environment.failpoints_dir)
            _LOG.warning("failpoints.armed", folder=folder)
        if port := self.environment.metrics_port:
            _LOG.warning("metrics.no_port", port=port, advice=METRICS_ADVICE)

    @cached_property
    def logs(self) -> Logs:
        return Logs(self.environment.log_format)

    @cached_property
    def database_threads(self) -> DatabaseThreads:
        return DatabaseThreads()

    @cached_property
    def database_lines(self) -> DatabaseLines:
        return DatabaseLines()

    @cached_property
    def account_ledger(self) -> AccountLedger:
        return DjangoAccountLedger(self.database_threads, self.freshness)

    @cached_property
    def freshness(self) -> Freshness:
        return RedisFreshness(self.redis_generations)

    @cached_property
    def answer_cache(self) -> AnswerCache:
        return RedisAnswerCache(self.redis_generations, self.cache_observer)

    @cached_property
    def cache_observer(self) -> CacheObserver:
        return UNOBSERVED

    @cached_property
    def store_observer(self) -> StoreObserver:
        return self.traced(UNOBSERVED)

    def traced(self, observer: StoreObserver) -> StoreObserver:
        if self.tracer is UNTRACED:
            return observer
        from backend.adapters.open_telemetry import TracedStores

        return TracedStores(observer, self.tracer)

    @cached_property
    def tracer(self) -> Tracer:
        """The packages of the tracer take a quarter of a second to load, and are
        optional."""
        if not self.environment.otel_endpoint:
            return UNTRACED
        try:
            from backend.adapters.open_telemetry import OpenTelemetryTracer
        except ImportError as error:
            _LOG.warning("tracing.not_installed", reason=str(error))
            return UNTRACED
        endpoint = self.environment.otel_endpoint
        return OpenTelemetryTracer(endpoint, self.SERVICE, self.version)

    @cached_property
    def redis_generations(self) -> RedisGenerations:
        return RedisGenerations(self.redis_hints)

    @cached_property
    def redis_hints(self) -> RedisHints:
        return RedisHints(self.environment.redis_url.get_secret_value())

    @cached_property
    def media_ledger(self) -> MediaLedger:
        return self._media_ledger(self.freshness)

    def _media_ledger(self, freshness: Freshness) -> MediaLedger:
        endings = JobEndings(RetryPolicy())
        return DjangoMediaLedger(
            self.database_threads,
            freshness,
            MediaIngest(self.staging.holds),
            JobClaims(timedelta(seconds=self.environment.job_lease_seconds)),
            endings,
            JobSweep(endings),
            MediaDeletion(),
            MediaRemoval(),
            Tombstones(),
            JobRetry(),
            JobPictures(),
            MiniatureRequests(self.staging.holds),
            MediaChanges(),
            LostObjects(),
        )

    @cached_property
    def staging(self) -> Staging:
        if self.stages_in_store:
            return self.s3_staging
        return FolderStaging(
            self.environment.staging_dir,
            self.environment.staging_floor_bytes,
            fsync=self.environment.staging_fsync == "on",
        )

    @cached_property
    def staged_inventory(self) -> StagedInventory:
        if self.stages_in_store:
            return S3StagedInventory(self._staged_objects(**GLANCE))
        return FolderStagedInventory(self.environment.staging_dir)

    @property
    def stages_in_store(self) -> bool:
        return self.environment.staging_backend == "s3"

    @cached_property
    def s3_staging(self) -> S3Staging:
        return S3Staging(
            self._staged_objects(connections=S3Staging.SENDERS),
            self._staged_objects(**GLANCE),
            self.staged_holds,
            self._scratch,
            self.environment.max_video_bytes,
        )

    def _staged_objects(self, **changes: Any) -> S3StagedObjects:
        """On a connection of its own: API and worker wait equally long for these
        calls."""
        settings = replace(self._patient_s3_settings, **changes)
        return S3StagedObjects(S3Connection(settings, self.store_observer))

    @cached_property
    def staged_holds(self) -> DjangoStagedHolds:
        return DjangoStagedHolds()

    @cached_property
    def object_storage(self) -> ObjectStorage:
        return S3ObjectStorage(
            self.s3_connection,
            StoppableThreads("s3", S3_THREADS),
            public_read=self.environment.cdn_access == "public",
            download_folder=self._scratch,
            cdn_cache=self.cdn_cache,
        )

    @cached_property
    def cdn_cache(self) -> CdnCache:
        environment = self.environment
        if not environment.cdn_purge_url:
            return NoCdnCache()
        return HttpCdnCache(
            environment.cdn_purge_url,
            environment.cdn_purge_token.get_secret_value(),
            PublicCdnAddresses(environment.cdn_url),
        )

    @property
    def _scratch(self) -> Folder:
        """Where jobs fetch objects to; the free-space floor is kept for uploads."""
        floor = 0 if self.stages_in_store else self.environment.staging_floor_bytes
        return Folder(self.environment.staging_dir, floor)

    @cached_property
    def object_inventory(self) -> ObjectInventory:
        threads = StoppableThreads("s3-inventory", INVENTORY_THREADS)
        return S3ObjectInventory(self.s3_connection, threads)

    @cached_property
    def s3_connection(self) -> S3Connection:
        return S3Connection(self.s3_settings, self.store_observer)

    @property
    def s3_settings(self) -> S3Settings:
        return self._patient_s3_settings

    @property
    def _patient_s3_settings(self) -> S3Settings:
        environment = self.environment
        return S3Settings(
            endpoint_url=environment.s3_endpoint_url,
            bucket=environment.s3_bucket,
            region=environment.s3_region,
            access_key_id=environment.s3_access_key_id,
            secret_access_key=environment.s3_secret_access_key.get_secret_value(),
            connections=S3_THREADS + INVENTORY_THREADS,
        )

    @cached_property
    def cdn_addresses(self) -> CdnAddresses:
        environment = self.environment
        if environment.cdn_access == "public":
            return PublicCdnAddresses(environment.cdn_url)
        return self.signed_addresses

    @cached_property
    def signed_addresses(self) -> SignedCdnAddresses:
        environment = self.environment
        return SignedCdnAddresses(
            environment.public_s3_url,
            environment.s3_bucket,
            environment.s3_region,
            environment.s3_access_key_id,
            environment.s3_secret_access_key.get_secret_value(),
        )

    @cached_property
    def mongo_connection(self) -> MongoConnection:
        return MongoConnection(
            MongoSettings(self.environment.mongo_url.get_secret_value()),
            self.store_observer,
        )

    @cached_property
    def document_store(self) -> DocumentStore:
        return MongoMetadataStore(self.mongo_connection)

    @cached_property
    def document_inventory(self) -> DocumentInventory:
        return MongoMetadataInventory(self.mongo_connection)

    @cached_property
    def broker_factory(self) -> BrokerFactory:
        return BrokerFactory(self.environment.redis_url.get_secret_value())

    @cached_property
    def doorbell(self) -> DramatiqDoorbell:
        broker = self.broker_factory.build([], RING_TIMEOUT_SECONDS)
        return DramatiqDoorbell(broker, self.tracer)

    @cached_property
    def token_issuer(self) -> TokenIssuer:
        return JwtTokenIssuer()

    @cached_property
    def password_hasher(self) -> PasswordHasher:
        return ThreadedPasswordHasher()

    @cached_property
    def ensure_account(self) -> EnsureAccount:
        return EnsureAccount(self.account_ledger, self.password_hasher)

    async def close(self) -> None:
        """Close the threads and connections of all built objects before the process
        ends."""
        for name in self._CLOSED_ON_LOOP:
            if (built := vars(self).get(name)) is not None:
                await built.close()
        for name in self._CLOSED:
            if (built := vars(self).get(name)) is not None:
                await asyncio.to_thread(built.close)
