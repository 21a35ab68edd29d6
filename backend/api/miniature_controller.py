"""The miniature of a media over HTTP."""

from uuid import UUID

from ninja import Status

from backend.api.controller import Controller
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import Access
from backend.api.schemas.media import JobOut
from backend.api.schemas.upload import MiniatureForm
from backend.api.upload.miniature_receiver import MiniatureReceiver
from backend.api.upload.refusals import PICTURE_REFUSALS
from backend.domain.errors import JobOpen, MediaNotFound
from backend.domain.media import NewMiniature
from backend.domain.rights import Right
from backend.orm.media_repository import MediaRepository
from backend.use_cases.replace_miniature import ReplaceMiniature


class MiniatureController(Controller):
    """The operation under `/media/{uuid}/miniature/`."""

    tag = "media"

    def __init__(
        self,
        receiver: MiniatureReceiver,
        replace_miniature: ReplaceMiniature,
        media: MediaRepository,
    ) -> None:
        super().__init__()
        self._receiver = receiver
        self._replace_miniature = replace_miniature
        self._media = media
        self.add(
            "/media/{any_uuid:media_id}/miniature/",
            "PUT",
            self.replace,
            name="replace_miniature",
            access=Access.any_of(Right.MEDIA_UPDATE_OWN, Right.MEDIA_UPDATE_ANY),
            response={202: JobOut},
            problems=[*PICTURE_REFUSALS, MediaNotFound, JobOpen],
            openapi_extra=MiniatureForm.openapi(),
            summary="Replace the miniature of a media",
        )

    async def replace(self, request: ApiRequest, media_id: UUID) -> Status[JobOut]:
        """Answers with the job; the old miniature is shown until the job has succeeded.

        409 `job_open` while a miniature of this media is being made.
        """
        caller = request.auth
        await self._replace_miniature.check(media_id, caller)
        received = await self._receiver.receive(request)
        new = NewMiniature(
            media_id,
            caller.user_id,
            caller.session_id,
            received.file,
            request.request_id,
        )
        job_id = await self._replace_miniature.execute(new, received.incoming)
        return Status(202, JobOut.of(await self._media.job(job_id)))
