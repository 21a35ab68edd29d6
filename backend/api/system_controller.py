from ninja import Schema

from backend.api.controller import Controller, Handler
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import PUBLIC


class PingOut(Schema):
    message: str


class VersionOut(Schema):
    version: str


class HealthOut(Schema):
    status: str


class SystemController(Controller):
    """Answers that touch no other process."""

    tag = "system"

    def __init__(self, version: str) -> None:
        super().__init__()
        self._ping = PingOut(message="pong")
        self._version = VersionOut(version=version)
        self._live = HealthOut(status="ok")
        self._add("/ping/", self.ping, PingOut, "Answer, and touch nothing")
        self._add("/version/", self.version, VersionOut, "The version of the product")
        self._add("/health/live/", self.live, HealthOut, "Whether the process lives")

    def _add(
        self, path: str, handler: Handler, response: type[Schema], summary: str
    ) -> None:
        self.add(
            path, "GET", handler, access=PUBLIC, response=response, summary=summary
        )

    async def ping(self, request: ApiRequest) -> PingOut:
        """The fastest answer there is, to measure the way to it."""
        return self._ping

    async def version(self, request: ApiRequest) -> VersionOut:
        """As the package names it."""
        return self._version

    async def live(self, request: ApiRequest) -> HealthOut:
        """Says that the process answers, not that its stores do."""
        return self._live
