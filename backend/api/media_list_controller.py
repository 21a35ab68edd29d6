"""Media over HTTP: lists and searches."""

from django.http import HttpResponse
from ninja import Query

from backend.api.controller import Controller
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import Access
from backend.api.media_answers import PageAnswers
from backend.api.schemas.media import MediaPageOut
from backend.api.schemas.media_queries import MediaListIn, MediaSearchIn
from backend.domain.rights import Right

READING = Access.any_of(Right.MEDIA_READ)


class MediaListController(Controller):
    """`GET /media/` and `GET /search`."""

    tag = "media"

    def __init__(self, pages: PageAnswers) -> None:
        super().__init__()
        self._pages = pages
        self.add(
            "/media/",
            "GET",
            self.page,
            access=READING,
            response=MediaPageOut,
            summary="List media",
        )
        for path, name in (("/search", "search"), ("/search/", "search_with_slash")):
            self.add(
                path,
                "GET",
                self.search,
                name=name,
                access=READING,
                response=MediaPageOut,
                include_in_schema=name == "search",
                summary="Find media by words in their titles",
            )

    async def page(
        self, request: ApiRequest, filters: Query[MediaListIn]
    ) -> HttpResponse:
        """Newest first, or as `ordering` says; only media that match all given filters.

        Times are half-open, `created_after` <= t < `created_before`; durations closed,
        `min_duration` <= d <= `max_duration`. For the next page, send the same
        parameters and `next` as the `cursor`; media that are added meanwhile do not
        shift the pages.
        """
        wanted = filters.filter_for(request.auth)
        answer = await self._pages.listed(
            wanted, filters.ordering, filters.limit, filters.cursor
        )
        return answer.response()

    async def search(
        self, request: ApiRequest, words: Query[MediaSearchIn]
    ) -> HttpResponse:
        """All words must match, each as a word, its beginning or, from three characters
        on, a part of it. Case and accents do not matter, punctuation separates words.

        Best match first: whole words, then beginnings, then parts; then shorter titles,
        then newer media. Of more than 10,000 matches only the newest are shown, and
        those whose whole title this is.
        """
        answer = await self._pages.found(words.title, words.limit, words.cursor)
        return answer.response()
