from typing import Any

from backend.api.http.application import Application


class Server:
    """Sends what an ASGI server sends over the life of a process."""

    def __init__(self, *messages: str) -> None:
        self._messages = list(messages)
        self.told: list[str] = []

    async def receive(self) -> dict[str, Any]:
        return {"type": self._messages.pop(0)}

    async def send(self, message: Any) -> None:
        self.told.append(message["type"])


class Steps:
    def __init__(self) -> None:
        self.done: list[str] = []

    async def start(self) -> None:
        self.done.append("start")

    async def fail(self) -> None:
        raise RuntimeError("no")

    async def close(self) -> None:
        self.done.append("close")


class TestLifespan:
    async def test_starts_and_closes(self) -> None:
        steps = Steps()
        server = Server("lifespan.startup", "lifespan.shutdown")
        application = self._application([steps.start], [steps.fail, steps.close])
        await application({"type": "lifespan"}, server.receive, server.send)
        assert steps.done == ["start", "close"]
        assert server.told == [
            "lifespan.startup.complete",
            "lifespan.shutdown.complete",
        ]

    async def test_says_that_it_did_not_start(self) -> None:
        steps = Steps()
        server = Server("lifespan.startup")
        application = self._application([steps.fail], [steps.close])
        await application({"type": "lifespan"}, server.receive, server.send)
        assert server.told == ["lifespan.startup.failed"]

    async def test_web_sockets_are_closed(self) -> None:
        server = Server("websocket.connect")
        application = self._application([], [])
        await application({"type": "websocket"}, server.receive, server.send)
        assert server.told == ["websocket.close"]

    @staticmethod
    def _application(starters: Any, closers: Any) -> Application:
        async def http(scope: Any, receive: Any, send: Any) -> None:
            raise AssertionError("no request was sent")

        return Application(http, starters, closers)
