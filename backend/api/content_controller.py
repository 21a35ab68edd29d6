"""The bytes and the metadata of a media, over HTTP."""

from uuid import UUID

from django.http import HttpResponse
from ninja import Status

from backend.api.controller import Controller
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import Access
from backend.api.schemas.media import MetadataOut
from backend.domain.errors import (
    DocumentStoreAway,
    MediaNotFound,
    MediaNotStored,
    MetadataNotReady,
)
from backend.domain.rights import Right
from backend.orm.media_repository import MediaRepository
from backend.use_cases.ports import DocumentStore, DownloadAddresses

READING = Access.any_of(Right.MEDIA_READ)
REDIRECTION = {
    "description": "The bytes are at `Location` for a short time",
    "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}},
}


class ContentController(Controller):
    """The operations on the bytes and the metadata of a media."""

    tag = "content"

    def __init__(
        self,
        media: MediaRepository,
        documents: DocumentStore,
        addresses: DownloadAddresses,
    ) -> None:
        super().__init__()
        self._media = media
        self._documents = documents
        self._addresses = addresses
        self.add(
            "/media/{any_uuid:media_id}/download/",
            "GET",
            self.download,
            access=READING,
            response={307: None},
            problems=[MediaNotFound, MediaNotStored],
            openapi_extra={"responses": {307: REDIRECTION}},
            summary="Download the video under its own name",
        )
        self.add(
            "/media/{any_uuid:media_id}/metadata/",
            "GET",
            self.metadata,
            access=READING,
            response=MetadataOut,
            problems=[MediaNotFound, MetadataNotReady, DocumentStoreAway],
            summary="Everything technical about a media",
        )

    async def download(
        self, request: ApiRequest, media_id: UUID, response: HttpResponse
    ) -> Status[None]:
        """Redirects to a URL at the object store that works for anybody for a short
        time. 404 `media_not_stored` until the bytes are stored. Swagger UI shows
        "Failed to fetch", because its page may not follow redirects to another host;
        `curl -LOJ` does."""
        video = await self._media.stored(media_id)
        response["Location"] = self._addresses.download_address(
            video.object_key, video.file_name
        )
        response["Cache-Control"] = "no-store"
        return Status(307, None)

    async def metadata(self, request: ApiRequest, media_id: UUID) -> MetadataOut:
        """The whole MediaInfo report; 404 `metadata_not_ready` until it exists."""
        blob_id = await self._media.blob_id(media_id)
        metadata = await self._documents.find(blob_id)
        if metadata is None:
            raise MetadataNotReady
        return MetadataOut.of(media_id, metadata)
