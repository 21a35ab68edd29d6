"""All controllers as one Ninja API."""

from collections import Counter
from collections.abc import Sequence

from django.urls import URLPattern
from ninja import NinjaAPI, Router

from backend.api.controller import Controller, Endpoint
from backend.api.http.codec import JsonParser, JsonRenderer
from backend.api.http.errors import Problems
from backend.api.http.routes import Routes
from backend.api.openapi import DocsController, OpenApiDocument

TITLE = "MediaProject"
DESCRIPTION = """Takes videos in, publishes them on a CDN origin and knows everything
technical about them.

1. Send e-mail and password with `POST /auth/signin/` (*Try it out*, *Execute*), and copy
   the value of `access` out of the answer.
2. Press *Authorize* and paste it.
3. Choose a video in `POST /media/` and execute it; copy `uuid` out of the answer.
4. Look at `GET /media/{media_id}/` until its `status` is `ready` or `failed`.
   `GET /media/{media_id}/jobs/` shows what is being done, and why something failed.
5. `urls` then says where the video and its picture are published, and
   `GET /media/{media_id}/metadata/` everything technical about it.

Every refusal is an `application/problem+json` whose `code` never changes its meaning."""


class Api:
    """The operations of all controllers, and who may call them."""

    def __init__(
        self,
        controllers: Sequence[Controller],
        problems: Problems,
        version: str,
        docs: bool,
    ) -> None:
        self.ninja = NinjaAPI(
            title=TITLE,
            description=DESCRIPTION,
            version=version,
            openapi_url=None,
            docs_url=None,
            parser=JsonParser(),
            renderer=JsonRenderer(),
        )
        problems.install(self.ninja)
        self.document = OpenApiDocument(self.ninja)
        hidden = [DocsController(self.document, TITLE)] if docs else []
        self.endpoints = self._ordered([*controllers, *hidden])
        self._mount()
        self.urlpatterns = self._patterns()
        self.routes = self._routes()

    @staticmethod
    def _ordered(controllers: Sequence[Controller]) -> list[Endpoint]:
        """Paths without parameters first, as `Routes` looks them up."""
        endpoints = [e for controller in controllers for e in controller.endpoints]
        names = Counter(endpoint.name for endpoint in endpoints)
        if len(names) < len(endpoints):
            raise ValueError(f"{names.most_common(1)[0][0]} is there twice")
        return sorted(endpoints, key=lambda endpoint: "{" in endpoint.path)

    def _patterns(self) -> list[URLPattern]:
        """The URL patterns without Ninja's own page at the root."""
        patterns = self.ninja.urls[0]
        return [
            p for p in patterns if isinstance(p, URLPattern) and p.name != "api-root"
        ]

    def _routes(self) -> Routes:
        endpoints = {endpoint.name: endpoint for endpoint in self.endpoints}
        routes = Routes()
        for pattern in self.urlpatterns:
            endpoint = endpoints[pattern.name or ""]
            routes.add(pattern, endpoint.methods, endpoint.access)
        return routes

    def _mount(self) -> None:
        router = Router()
        for endpoint in self.endpoints:
            endpoint.mount(router)
        self.ninja.add_router("", router)
