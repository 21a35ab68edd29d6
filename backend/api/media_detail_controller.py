"""One media over HTTP: look at it, say something else of it, delete it."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Header, Status

from backend.api.controller import Controller
from backend.api.http.codec import JsonRenderer
from backend.api.http.entity_tags import EntityTags
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import Access
from backend.api.media_answers import MediaAnswer, MediaAnswers
from backend.api.schemas.media import MediaOut, MediaPatchIn
from backend.domain.errors import Malformed, MediaNotFound, RevisionMismatch
from backend.domain.media import MediaChange
from backend.domain.rights import Right
from backend.use_cases.ports import MediaLedger
from backend.use_cases.request_deletion import RequestDeletion

PATH = "/media/{uuid:media_id}/"
# A reader may keep what he got, and asks each time whether it is still so.
CACHE_CONTROL = "private, no-cache"
ETAG = {
    "description": "The revision of the media; with signed addresses there is none",
    "schema": {"type": "string"},
    "example": '"3"',
}
UNCHANGED = {
    "description": "The media still is what `If-None-Match` names",
    "headers": {"ETag": ETAG},
}


class MediaDetailController(Controller):
    """The operations under `/media/{uuid}/`. `tagged`: the answers have an ETag."""

    tag = "media"

    def __init__(
        self,
        answers: MediaAnswers,
        ledger: MediaLedger,
        request_deletion: RequestDeletion,
        *,
        tagged: bool,
    ) -> None:
        super().__init__()
        self._answers = answers
        self._ledger = ledger
        self._request_deletion = request_deletion
        self._tagged = tagged
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
            openapi_extra=self._tagged_responses({304: UNCHANGED}),
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
            openapi_extra=self._tagged_responses({}),
            summary="Change title or description",
        )
        self.add(
            PATH,
            "DELETE",
            self.delete,
            access=Access.any_of(Right.MEDIA_DELETE_OWN, Right.MEDIA_DELETE_ANY),
            response={204: None},
            problems=[MediaNotFound],
            summary="Delete a media",
        )

    @staticmethod
    def _tagged_responses(others: dict[int, Any]) -> dict[str, Any]:
        return {"responses": {200: {"headers": {"ETag": ETAG}}, **others}}

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

        With the last `ETag` in `If-None-Match` it is 304 until something has changed.
        """
        answer = await self._answers.shown(media_id)
        if self._tagged and self._is_known(if_none_match, answer.revision):
            return self._completed(HttpResponse(status=304), answer)
        return self._response(answer)

    async def change(
        self,
        request: ApiRequest,
        media_id: UUID,
        body: MediaPatchIn,
        if_match: Annotated[
            str | None,
            Header(
                alias="If-Match", description="The `ETag` or `revision` that was read."
            ),
        ] = None,
    ) -> HttpResponse:
        """What is left out, or is so already, changes nothing.

        With the `ETag` that was read in `If-Match`, or just its `revision`, 412
        `revision_mismatch` if somebody was quicker. Media of others take the right
        `media.update_any`.
        """
        revisions = EntityTags.parse(if_match).states if if_match is not None else None
        change = MediaChange(media_id, **body.given, revisions=revisions)
        await self._ledger.change(change, request.auth)
        return self._response(await self._answers.current(media_id))

    async def delete(self, request: ApiRequest, media_id: UUID) -> Status[None]:
        """It is gone when this is answered, whatever was being done with it.

        Its bytes follow soon, unless another media has the same. Those of others take
        the right `media.delete_any`.
        """
        await self._request_deletion.execute(media_id, request.auth, request.request_id)
        return Status(204, None)

    @staticmethod
    def _is_known(header: str, revision: str) -> bool:
        """A header that is no list of tags names nothing that is there."""
        try:
            return bool(header) and EntityTags.parse(header).has(revision)
        except Malformed:
            return False

    def _response(self, answer: MediaAnswer) -> HttpResponse:
        response = HttpResponse(answer.body, content_type=JsonRenderer.CONTENT_TYPE)
        return self._completed(response, answer)

    def _completed(self, response: HttpResponse, answer: MediaAnswer) -> HttpResponse:
        response["Cache-Control"] = CACHE_CONTROL
        if self._tagged:
            response["ETag"] = EntityTags.quoted(answer.revision)
        if response.status_code == 304:
            del response["Content-Type"]
        return response
