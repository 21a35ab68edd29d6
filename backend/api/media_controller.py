"""Media over HTTP: take one in, list them, look at one, its jobs and its metadata."""

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Status

from backend.api.controller import Controller
from backend.api.cursor import PageCursor
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import Access
from backend.api.schemas.media import (
    IngestedMediaOut,
    JobListOut,
    JobOut,
    MediaOut,
    MediaPageOut,
    MetadataOut,
)
from backend.api.schemas.upload import UploadForm
from backend.api.upload.receiver import UploadReceiver
from backend.domain.errors import MetadataNotReady
from backend.domain.rights import Right
from backend.orm.media_repository import MediaRepository
from backend.use_cases.ingest_media import IngestMedia
from backend.use_cases.ports import CdnAddresses, DocumentStore

READING = Access.any_of(Right.MEDIA_READ)
MOST_ITEMS = 100
USUAL_ITEMS = 20


class MediaController(Controller):
    """The operations under `/media/`."""

    tag = "media"

    def __init__(
        self,
        receiver: UploadReceiver,
        ingest_media: IngestMedia,
        media: MediaRepository,
        documents: DocumentStore,
        addresses: CdnAddresses,
    ) -> None:
        super().__init__()
        self._receiver = receiver
        self._ingest_media = ingest_media
        self._media = media
        self._documents = documents
        self._addresses = addresses
        self._add_collection()
        self._add_one()

    def _add_collection(self) -> None:
        self.add(
            "/media/",
            "POST",
            self.upload,
            access=Access.any_of(Right.MEDIA_CREATE),
            response={201: IngestedMediaOut, 200: IngestedMediaOut},
            problems=[507],
            openapi_extra=UploadForm.openapi(),
            summary="Take a video in",
        )
        self.add(
            "/media/",
            "GET",
            self.page,
            access=READING,
            response=MediaPageOut,
            problems=[422],
            summary="List media, newest first",
        )

    def _add_one(self) -> None:
        one = "/media/{uuid:media_id}/"
        self.add(
            one,
            "GET",
            self.detail,
            access=READING,
            response=MediaOut,
            summary="One media as it is now",
        )
        self.add(
            f"{one}jobs/",
            "GET",
            self.jobs,
            access=Access.any_of(Right.JOB_READ),
            response=JobListOut,
            summary="Background jobs of a media, newest first",
        )
        self.add(
            f"{one}metadata/",
            "GET",
            self.metadata,
            access=READING,
            response=MetadataOut,
            summary="Everything technical about a media",
        )

    async def upload(
        self, request: ApiRequest, response: HttpResponse
    ) -> Status[IngestedMediaOut]:
        """Send `title`, `description` and `sha256`, if any, before the file `video`."""
        received = await self._receiver.receive(request)
        new = received.new_media(request.auth, request.request_id)
        ingested = await self._ingest_media.execute(new, received.incoming)
        media = await self._media.detail(ingested.media_id)
        answer = IngestedMediaOut.of_ingested(
            media, self._addresses, deduplicated=ingested.deduplicated
        )
        if not ingested.created:
            return Status(200, answer)
        response["Location"] = f"/media/{ingested.media_id}/"
        return Status(201, answer)

    async def page(
        self,
        request: ApiRequest,
        limit: Annotated[int, Query(ge=1, le=MOST_ITEMS)] = USUAL_ITEMS,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> MediaPageOut:
        start = PageCursor.decode(cursor) if cursor is not None else None
        page = await self._media.page(limit, start)
        following = PageCursor.encode(page.after) if page.after else None
        return MediaPageOut.of(page, following, self._addresses)

    async def detail(self, request: ApiRequest, media_id: UUID) -> MediaOut:
        """Poll it after an upload until `status` is `ready` or `failed`."""
        return MediaOut.of(await self._media.detail(media_id), self._addresses)

    async def jobs(self, request: ApiRequest, media_id: UUID) -> JobListOut:
        jobs = await self._media.jobs(media_id)
        return JobListOut(items=[JobOut.of(job) for job in jobs])

    async def metadata(self, request: ApiRequest, media_id: UUID) -> MetadataOut:
        """The whole MediaInfo report; 404 `metadata_not_ready` until it is there."""
        blob_id = await self._media.blob_id(media_id)
        metadata = await self._documents.find(blob_id)
        if metadata is None:
            raise MetadataNotReady
        return MetadataOut.of(media_id, metadata)
