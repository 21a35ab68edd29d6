import asyncio
import sys
from typing import Any, cast
from urllib.parse import urlsplit

from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, path
from django.views.defaults import server_error
from django.views.generic import RedirectView

from backend.admin.refusals import Refusals
from backend.admin.site import MediaProjectAdminSite
from backend.orm.database_threads import DatabaseThreads


class AdminUrls:
    """Serves as the module of a URL configuration for Django."""

    def __init__(self, site: MediaProjectAdminSite, refusals: Refusals) -> None:
        self._refusals = refusals
        self.urlpatterns: list[URLPattern | URLResolver] = [
            path("admin/", site.urls),
            path("admin", RedirectView.as_view(pattern_name="admin:index")),
        ]

    def handler500(self, request: HttpRequest) -> HttpResponseBase:
        """For errors outside a view, as in a middleware."""
        raised = sys.exc_info()[1]
        page = self._refusals.page(raised) if isinstance(raised, Exception) else None
        return page or server_error(request)


class SecureAnswers:
    """The headers and cookies of pages that people sign in to."""

    def __init__(self, image_address: str) -> None:
        parts = urlsplit(image_address)
        self._policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; "
            f"img-src 'self' data: {parts.scheme}://{parts.netloc}; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        )

    def complete(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """Cookies are for HTTPS only if the request came by HTTPS."""
        response["Content-Security-Policy"] = self._policy
        # Without a referrer browsers send `Origin: null`, which no form may come from.
        response["Referrer-Policy"] = "same-origin"
        for cookie in response.cookies.values():
            cookie["secure"] = request.is_secure()


class AdminPages(BaseHandler):
    """Django's own handler with its middleware, for the admin alone.

    It is synchronous: a request is one unit on one of the site's own database threads,
    of which there are few, so that the admin never takes the API's.
    """

    def __init__(
        self, site: MediaProjectAdminSite, threads: DatabaseThreads, image_address: str
    ) -> None:
        self._threads = threads
        self._refusals = Refusals()
        self._urls = AdminUrls(site, self._refusals)
        self._secure = SecureAnswers(image_address)
        self.load_middleware()

    async def answer(self, request: ASGIRequest) -> HttpResponseBase:
        """Raises `DatabaseAway` if no thread becomes free in time."""
        scope = cast(dict[str, Any], request.scope)
        scope["loop"] = asyncio.get_running_loop()
        return await self._threads.run(self._answered, request)

    def _answered(self, request: ASGIRequest) -> HttpResponseBase:
        response = self.get_response(request)
        self._secure.complete(request, response)
        return response

    def resolve_request(self, request: HttpRequest) -> Any:
        request.urlconf = self._urls  # type: ignore[assignment]
        return super().resolve_request(request)

    def process_exception_by_middleware(  # type: ignore[override]
        self, exception: Exception, request: HttpRequest
    ) -> HttpResponse | None:
        return self._refusals.page(exception)
