"""A span for each request."""

from backend.api.http.asgi import AsgiApp, Message, Receive, Scope, Send
from backend.api.http.metrics import MeasuredRequests
from backend.use_cases.ports.tracing import Tracer


class TracedRequests:
    """Named by its route, within the span that the client sent."""

    def __init__(self, app: AsgiApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._tracer.span("request", {}, self._parent(scope)) as span:
            try:
                await self._app(scope, receive, noting)
            finally:
                method, route = MeasuredRequests.names(scope)
                attributes = {
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": status,
                    "request_id": scope.get("request_id", ""),
                }
                span.note(f"{method} {route}", attributes)

    @staticmethod
    def _parent(scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == b"traceparent":
                return str(value, "latin-1")
        return ""
