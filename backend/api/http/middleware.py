"""Identifies the caller, before Django and before a byte of the body is read."""

from backend.api.http.asgi import AsgiApp, Headers, Receive, Scope, Send
from backend.api.http.errors import Problems
from backend.api.http.routes import Access, Routes
from backend.domain.errors import InvalidToken, MediaProjectError, Unauthenticated
from backend.domain.media import Caller
from backend.use_cases.ports import Callers, TokenIssuer

# Ours have about 400 characters; longer ones need no signature check.
LONGEST_TOKEN = 4_096


class BearerToken:
    """Reads the token out of the headers."""

    @staticmethod
    def read(scope: Scope) -> str:
        """Raises `Unauthenticated` if there is none and `InvalidToken` if it is
        malformed."""
        headers: Headers = scope["headers"]
        values = [value for name, value in headers if name == b"authorization"]
        if not values:
            raise Unauthenticated
        scheme, _, token = values[0].strip().partition(b" ")
        token = token.strip()
        if len(values) > 1 or scheme.lower() != b"bearer":
            raise InvalidToken("One Bearer token is needed.")
        if not token or len(token) > LONGEST_TOKEN or not token.isascii():
            raise InvalidToken
        return token.decode("ascii")


class JwtMiddleware:
    """Puts the caller into the scope, or answers 401, 403 or 503 itself.

    Public operations never see the token. Unknown paths and methods pass, so that every
    caller gets 404 or 405.
    """

    def __init__(
        self,
        app: AsgiApp,
        routes: Routes,
        tokens: TokenIssuer,
        callers: Callers,
        problems: Problems,
    ) -> None:
        self._app = app
        self._routes = routes
        self._tokens = tokens
        self._callers = callers
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.of(scope)
        access = route.accesses.get(scope["method"]) if route else None
        if access is not None:
            try:
                scope["caller"] = await self._admitted(scope, access)
            except MediaProjectError as error:
                await self._problems.send(error, scope, send)
                return
        await self._app(scope, receive, send)

    async def _admitted(self, scope: Scope, access: Access) -> Caller | None:
        """None if the operation is public."""
        if access.public:
            access.check(None)
            return None
        claims = self._tokens.read_access(BearerToken.read(scope))
        caller = await self._callers.caller(claims, self._reads(scope))
        if caller is None:
            raise InvalidToken("The session has ended.")
        access.check(caller)
        return caller

    @staticmethod
    def _reads(scope: Scope) -> str:
        if scope["method"] != "GET":
            return ""
        query: bytes = scope["query_string"]
        return f"{scope['path']}?{query.decode('latin-1')}"
