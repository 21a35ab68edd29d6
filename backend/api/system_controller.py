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
    """Answers that ask no other process."""

    tag = "system"

    def __init__(self, version: str) -> None:
        super().__init__()
        self._ping = PingOut(message="pong")
        self._version = VersionOut(version=version)
        self._live = HealthOut(status="ok")
        self._add("/ping/", self.ping, PingOut, "Answer without touching any store")
        self._add("/version/", self.version, VersionOut, "The version of the product")
        self._add("/health/live/", self.live, HealthOut, "Whether the process is alive")

    def _add(
        self, path: str, handler: Handler, response: type[Schema], summary: str
    ) -> None:
        self.add(
            path, "GET", handler, access=PUBLIC, response=response, summary=summary
        )

    async def ping(self, request: ApiRequest) -> PingOut:
        """The fastest possible answer, for measuring everything in front of it."""
        return self._ping

    async def version(self, request: ApiRequest) -> VersionOut:
        """The version of the package."""
        return self._version

    async def live(self, request: ApiRequest) -> HealthOut:
        """Says that the process answers, not that its stores do."""
        return self._live
