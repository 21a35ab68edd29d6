"""Media over HTTP: uploading one."""

from uuid import UUID

from django.http import HttpResponse
from ninja import Status

from backend.api.controller import Controller
from backend.api.document.examples import FOUND_MEDIA
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import Access
from backend.api.media_shapes import MediaShapes, Shape
from backend.api.schemas.media import IngestedMediaOut
from backend.api.schemas.upload import UploadForm
from backend.api.upload.receiver import DeclaredMediaFound, UploadReceiver
from backend.api.upload.refusals import VIDEO_REFUSALS
from backend.domain.errors import MediaGoneMeanwhile, MediaNotFound
from backend.domain.media import Ingested
from backend.domain.rights import Right
from backend.orm.media_repository import MediaRepository
from backend.use_cases.declared_upload import DeclaredUploads
from backend.use_cases.ingest_media import IngestMedia

ANSWERS = {
    "responses": {
        200: {
            "description": "The caller already has this media of these bytes. "
            "`healed` if the bytes had been lost: it is then "
            "processed again.",
            "content": {"application/json": {"examples": FOUND_MEDIA}},
        },
        201: {
            "description": "A new media, whose jobs are waiting for a worker",
            "headers": {
                "Location": {
                    "description": "The path of the new media.",
                    "required": True,
                    "schema": {"type": "string", "format": "uri-reference"},
                }
            },
        },
    }
}


class MediaController(Controller):
    """`POST /media/`."""

    tag = "media"

    def __init__(
        self,
        receiver: UploadReceiver,
        declared_uploads: DeclaredUploads,
        ingest_media: IngestMedia,
        media: MediaRepository,
        shapes: MediaShapes,
    ) -> None:
        super().__init__()
        self._receiver = receiver
        self._declared_uploads = declared_uploads
        self._ingest_media = ingest_media
        self._media = media
        self._shapes = shapes
        self.add(
            "/media/",
            "POST",
            self.upload,
            access=Access.any_of(Right.MEDIA_CREATE),
            response={201: IngestedMediaOut, 200: IngestedMediaOut},
            problems=[*VIDEO_REFUSALS, MediaGoneMeanwhile],
            openapi_extra={**UploadForm.openapi(), **ANSWERS},
            summary="Upload a video",
        )

    async def upload(
        self, request: ApiRequest, response: HttpResponse
    ) -> Status[Shape]:
        """Fields come in any order; only `sha256` saves time before the file `video`.

        If the caller already has a media of these bytes, the answer is that media,
        unchanged: `200` and `deduplicated`; the other fields and the miniature are
        discarded. Change its picture with `PUT /media/{uuid}/miniature/`. With a
        `sha256` before the video it is the answer before the video is received. If its
        bytes were lost, what was sent takes their place, and the same media is
        processed again: `healed`.
        """
        try:
            ingested = await self._ingested(request)
        except DeclaredMediaFound as found:
            return Status(200, await self._answer(found.media_id, deduplicated=True))
        answer = await self._answer(
            ingested.media_id, ingested.deduplicated, ingested.healed
        )
        if not ingested.created:
            return Status(200, answer)
        response["Location"] = f"/media/{ingested.media_id}/"
        return Status(201, answer)

    async def _ingested(self, request: ApiRequest) -> Ingested:
        """Raises `DeclaredMediaFound`."""
        async with self._declared_uploads.of_owner(request.auth.user_id) as declared:
            received = await self._receiver.receive(request, declared)
            new = received.new_media(request.auth, request.request_id)
            picture = received.picture.incoming if received.picture else None
            return await self._ingest_media.execute(new, received.incoming, picture)

    async def _answer(
        self, media_id: UUID, deduplicated: bool, healed: bool = False
    ) -> Shape:
        """An `IngestedMediaOut`. Raises `MediaGoneMeanwhile`."""
        try:
            media = await self._media.detail(media_id)
        except MediaNotFound as error:
            raise MediaGoneMeanwhile from error
        return {
            **self._shapes.whole(media),
            "deduplicated": deduplicated,
            "healed": healed,
        }
