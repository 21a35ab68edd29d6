"""Receives a picture alone: the new miniature of a media that is there."""

import asyncio

from backend.api.schemas.upload import MINIATURE_FIELD
from backend.api.upload.multipart_reader import Boundary, MultipartReader, PartHead
from backend.api.upload.part_feed import PartFeed
from backend.api.upload.picture_part import PicturePart, ReceivedPicture
from backend.api.upload.receiver import UploadLimits
from backend.api.upload.request_body import RequestBody, UnreadRequest
from backend.domain.errors import Invalid
from backend.domain.pictures import PictureInspector
from backend.use_cases.ports import Staging


class MiniatureReception:
    """One body that holds a picture and nothing else."""

    def __init__(
        self, body: RequestBody, reader: MultipartReader, picture: PicturePart
    ) -> None:
        self._feed = PartFeed(body, reader, self._begin)
        self._picture = picture
        self._begun = False

    async def run(self) -> ReceivedPicture:
        await self._feed.run()
        received = await self._picture.seal()
        if received is None:
            raise Invalid(problems={MINIATURE_FIELD: "Field required"})
        return received

    async def _begin(self, head: PartHead) -> PicturePart:
        if head.name != MINIATURE_FIELD:
            raise Invalid(problems={head.shown_name: "Unknown field"})
        if self._begun:
            raise Invalid(problems={MINIATURE_FIELD: "Must be given once"})
        self._begun = True
        return self._picture.begin(head)


class MiniatureReceiver:
    """Streams the picture into staging; a refused one leaves nothing."""

    def __init__(
        self,
        staging: Staging,
        limits: UploadLimits,
        inspector: PictureInspector | None = None,
    ) -> None:
        self._staging = staging
        self._limits = limits
        self._inspector = inspector or PictureInspector()

    async def receive(self, request: UnreadRequest) -> ReceivedPicture:
        """Raises `UnsupportedType`, `MalformedMultipart`, `TooLarge`, `StorageFull`
        (before a byte is read), `Invalid`, `UnsupportedMedia`, `EmptyFile`,
        `UnreadablePicture`, `TooManyPixels`, `SlowBody`, `ClientDisconnected`,
        `StagingAway`.
        """
        content_type = request.headers.get("content-type", "")
        reader = MultipartReader(Boundary.declared_by(content_type))
        body = RequestBody(request, self._limits.miniature_body)
        body.check_declared()
        await self._staging.check_room(body.declared_bytes or 0)
        picture = self._limits.picture_part(self._staging, self._inspector)
        try:
            return await MiniatureReception(body, reader, picture).run()
        except BaseException:
            # Also when the request was cancelled, and even if it is once more.
            await asyncio.shield(picture.abandon())
            raise
