"""What the API process builds for media and their jobs."""

from dataclasses import replace
from functools import cached_property

from backend.adapters.redis_ingest_leases import RedisIngestLeases
from backend.adapters.s3_object_probe import S3ObjectProbe
from backend.adapters.stoppable_threads import StoppableThreads
from backend.api.content_controller import ContentController
from backend.api.job_controller import JobController
from backend.api.media_answers import MediaAnswers, PageAnswers
from backend.api.media_controller import MediaController
from backend.api.media_detail_controller import MediaDetailController
from backend.api.media_list_controller import MediaListController
from backend.api.media_shapes import MediaShapes
from backend.api.miniature_controller import MiniatureController
from backend.api.upload.miniature_receiver import MiniatureReceiver
from backend.api.upload.receiver import UploadLimits, UploadReceiver
from backend.config.metrics_container import MetricsContainer
from backend.orm.media_lists import MediaLists
from backend.orm.media_repository import MediaRepository
from backend.orm.media_search import MediaSearch
from backend.use_cases.declared_upload import DeclaredUploads
from backend.use_cases.ingest_media import IngestMedia
from backend.use_cases.object_check import ObjectCheck
from backend.use_cases.ports import IngestLeases
from backend.use_cases.ports.metrics import UnobservedUploads
from backend.use_cases.replace_miniature import ReplaceMiniature
from backend.use_cases.request_deletion import RequestDeletion
from backend.use_cases.retry_job import RetryJob

# The longest wait of an upload for an object store that does not respond.
PROBE_CONNECT_SECONDS = 1.0
PROBE_READ_SECONDS = 1.5
PROBE_THREADS = 4


class MediaContainer(MetricsContainer):
    """Builds the use cases that ingest, show and change media."""

    @cached_property
    def media_controller(self) -> MediaController:
        return MediaController(
            UploadReceiver(self.staging, self.upload_limits),
            DeclaredUploads(self.media_ledger, self.ingest_leases, self.object_check),
            self.ingest_media,
            self.media_repository,
            self.media_shapes,
        )

    @cached_property
    def ingest_media(self) -> IngestMedia:
        return IngestMedia(
            self.media_ledger,
            self.doorbell,
            self.ingest_leases,
            self.staging,
            self.object_check,
            self.metrics.uploads if self.is_measured else UnobservedUploads(),
        )

    @cached_property
    def object_check(self) -> ObjectCheck:
        return ObjectCheck(self.object_probe)

    @cached_property
    def object_probe(self) -> S3ObjectProbe:
        settings = replace(
            self.s3_settings,
            connect_timeout_seconds=PROBE_CONNECT_SECONDS,
            read_timeout_seconds=PROBE_READ_SECONDS,
            connections=PROBE_THREADS,
        )
        threads = StoppableThreads("s3-probe", PROBE_THREADS)
        return S3ObjectProbe(settings, threads, self.store_observer)

    @cached_property
    def media_list_controller(self) -> MediaListController:
        lists = MediaLists(self.database_lines)
        search = MediaSearch(self.database_lines)
        return MediaListController(
            PageAnswers(lists, search, self.media_shapes, self.answer_cache)
        )

    @cached_property
    def media_detail_controller(self) -> MediaDetailController:
        return MediaDetailController(
            self.media_answers,
            self.media_ledger,
            RequestDeletion(self.media_ledger, self.doorbell),
        )

    @cached_property
    def media_answers(self) -> MediaAnswers:
        return MediaAnswers(
            self.media_repository,
            self.media_shapes,
            self.answer_cache,
            # Signed addresses of the same media differ each time.
            tagged=self.environment.cdn_access == "public",
        )

    @cached_property
    def miniature_controller(self) -> MiniatureController:
        return MiniatureController(
            MiniatureReceiver(self.staging, self.upload_limits),
            ReplaceMiniature(self.media_ledger, self.doorbell),
            self.media_repository,
        )

    @cached_property
    def content_controller(self) -> ContentController:
        return ContentController(
            self.media_repository, self.document_store, self.signed_addresses
        )

    @cached_property
    def job_controller(self) -> JobController:
        return JobController(
            self.media_repository, RetryJob(self.media_ledger, self.doorbell)
        )

    @cached_property
    def media_repository(self) -> MediaRepository:
        return MediaRepository(self.database_threads, self.database_lines)

    @cached_property
    def media_shapes(self) -> MediaShapes:
        return MediaShapes(self.cdn_addresses)

    @cached_property
    def upload_limits(self) -> UploadLimits:
        return UploadLimits(
            self.environment.max_video_bytes, self.environment.max_miniature_bytes
        )

    @cached_property
    def ingest_leases(self) -> IngestLeases:
        return RedisIngestLeases(self.redis_hints)
