"""One media over HTTP: read, change and delete it."""

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from ninja import Header, Status

from backend.api.controller import Controller
from backend.api.http.entity_tags import EntityTags
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import Access
from backend.api.media_answers import MediaAnswers
from backend.api.schemas.media import MediaOut, MediaPatchIn
from backend.domain.errors import Malformed, MediaNotFound, RevisionMismatch
from backend.domain.media import MediaChange
from backend.domain.rights import Right
from backend.use_cases.ports import MediaLedger
from backend.use_cases.request_deletion import RequestDeletion

PATH = "/media/{any_uuid:media_id}/"
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", description="The `ETag` or `revision` that was read before."
    ),
]
ETAG = {
    "description": "The revision of the media; with signed addresses there is none",
    "schema": {"type": "string"},
    "example": '"3"',
}
TAGGED = {"headers": {"ETag": ETAG}}
UNCHANGED = {
    "description": "The media has not changed since the `ETag` in `If-None-Match`",
    "headers": {"ETag": ETAG},
}


class MediaDetailController(Controller):
    """The operations under `/media/{uuid}/`."""

    tag = "media"

    def __init__(
        self,
        answers: MediaAnswers,
        ledger: MediaLedger,
        request_deletion: RequestDeletion,
    ) -> None:
        super().__init__()
        self._answers = answers
        self._ledger = ledger
        self._request_deletion = request_deletion
        self._add_reading()
        self._add_writing()

    def _add_reading(self) -> None:
        self.add(
            PATH,
            "GET",
            self.detail,
            access=Access.any_of(Right.MEDIA_READ),
            response=MediaOut,
            problems=[MediaNotFound],
            openapi_extra={"responses": {200: TAGGED, 304: UNCHANGED}},
            summary="One media as it is now",
        )

    def _add_writing(self) -> None:
        self.add(
            PATH,
            "PATCH",
            self.change,
            access=Access.any_of(Right.MEDIA_UPDATE_OWN, Right.MEDIA_UPDATE_ANY),
            response=MediaOut,
            problems=[MediaNotFound, Malformed, RevisionMismatch],
            openapi_extra={"responses": {200: TAGGED}},
            summary="Change title or description",
        )
        self.add(
            PATH,
            "DELETE",
            self.delete,
            access=Access.any_of(Right.MEDIA_DELETE_OWN, Right.MEDIA_DELETE_ANY),
            response={204: None},
            problems=[MediaNotFound, Malformed, RevisionMismatch],
            summary="Delete a media",
        )

    async def detail(
        self,
        request: ApiRequest,
        media_id: UUID,
        if_none_match: Annotated[
            str,
            Header(
                alias="If-None-Match", description="An `ETag` that was read before."
            ),
        ] = "",
    ) -> HttpResponse:
        """Poll it after an upload until `status` is `ready` or `failed`.

        With the last `ETag` in `If-None-Match` the answer is 304 until something has
        changed.
        """
        response = (await self._answers.shown(media_id)).response()
        if self._is_known(if_none_match, response.get("ETag", "")):
            return self._unchanged(response)
        return response

    async def change(
        self,
        request: ApiRequest,
        media_id: UUID,
        body: MediaPatchIn,
        if_match: IfMatch = None,
    ) -> HttpResponse:
        """Fields that are left out, or have that value already, change nothing.

        With the `ETag` or the `revision` that was read in `If-Match`, the answer is 412
        `revision_mismatch` if the media has changed since. For media of other users the
        caller needs the right `media.update_any`.
        """
        revisions = self._revisions(if_match)
        change = MediaChange(media_id, **body.given, revisions=revisions)
        await self._ledger.change(change, request.auth)
        return (await self._answers.current(media_id)).response()

    async def delete(
        self, request: ApiRequest, media_id: UUID, if_match: IfMatch = None
    ) -> Status[None]:
        """The media is gone when this is answered, even if jobs were working on it.

        Its bytes are removed soon after, unless another media has the same. `If-Match`
        works as in PATCH. For media of other users the caller needs the right
        `media.delete_any`.
        """
        await self._request_deletion.execute(
            media_id, request.auth, request.request_id, self._revisions(if_match)
        )
        return Status(204, None)

    @staticmethod
    def _revisions(if_match: str | None) -> frozenset[str] | None:
        """Raises `Malformed`; None if any revision is accepted."""
        return EntityTags.parse(if_match).states if if_match is not None else None

    @staticmethod
    def _is_known(header: str, tag: str) -> bool:
        """A header that is not a list of tags matches nothing."""
        try:
            return bool(header and tag) and EntityTags.parse(header).has(tag.strip('"'))
        except Malformed:
            return False

    @staticmethod
    def _unchanged(response: HttpResponse) -> HttpResponse:
        """The same without its content."""
        response.status_code, response.content = 304, b""
        del response["Content-Type"]
        return response
