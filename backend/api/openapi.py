"""The OpenAPI document and Swagger UI, from local files only."""

import json
from functools import cached_property
from html import escape
from typing import Any

from django.http import HttpResponse
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.responses import NinjaJSONEncoder

from backend.api.controller import Controller
from backend.api.document.finish import STEPS
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import PUBLIC

DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/static/ninja/swagger-ui.css">
<link rel="icon" href="/static/ninja/favicon.svg" type="image/svg+xml">
<style>.swagger-ui .responses-inner {{ overflow-x: auto; }}</style>
</head>
<body>
<script type="application/json" id="swagger-settings">{settings}</script>
<div id="swagger-ui"></div>
<script src="/static/ninja/swagger-ui-bundle.js"></script>
<script src="/static/ninja/swagger-ui-init.js"></script>
</body>
</html>
"""
SWAGGER_SETTINGS = {
    "url": "/openapi.json",
    "layout": "BaseLayout",
    "deepLinking": True,
    "persistAuthorization": True,
    "displayRequestDuration": True,
    # Without it the page would ask validator.swagger.io.
    "validatorUrl": None,
}


class OpenApiDocument:
    """The document of a Ninja API, made once, when it is first asked for."""

    def __init__(self, ninja: NinjaAPI) -> None:
        self._ninja = ninja

    @cached_property
    def rendered(self) -> bytes:
        return json.dumps(self.content, ensure_ascii=False).encode()

    @cached_property
    def content(self) -> dict[str, Any]:
        """As JSON would hold it: statuses are texts."""
        schema = OpenAPISchema(self._ninja, "")
        document: dict[str, Any] = json.loads(json.dumps(schema, cls=NinjaJSONEncoder))
        for operations in document["paths"].values():
            # Every GET answers HEAD; saying so twice would only double the list.
            operations.pop("head", None)
        for step in STEPS:
            step.apply(document)
        return document


class DocsController(Controller):
    tag = "docs"

    def __init__(self, document: OpenApiDocument, title: str) -> None:
        super().__init__()
        self._document = document
        self._page = PAGE.format(
            title=escape(title), settings=json.dumps(SWAGGER_SETTINGS)
        )
        for path, handler in (("/docs", self.page), ("/openapi.json", self.openapi)):
            self.add(path, "GET", handler, access=PUBLIC, include_in_schema=False)

    async def page(self, request: ApiRequest) -> HttpResponse:
        return HttpResponse(
            self._page, headers={"Content-Security-Policy": DOCS_POLICY}
        )

    async def openapi(self, request: ApiRequest) -> HttpResponse:
        return HttpResponse(
            self._document.rendered, content_type="application/json; charset=utf-8"
        )
