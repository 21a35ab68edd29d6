from ninja import Status

from backend.api.controller import Controller
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import PUBLIC, SIGNED_IN
from backend.api.schemas.accounts import (
    RefreshIn,
    SignInIn,
    SignOutIn,
    SignUpIn,
    TokensOut,
    UserOut,
)
from backend.domain.errors import Unauthenticated
from backend.use_cases.ports import AccountLedger
from backend.use_cases.refresh_session import RefreshSession
from backend.use_cases.sign_in import SignIn
from backend.use_cases.sign_out import SignOut
from backend.use_cases.sign_up import SignUp


class AuthController(Controller):
    """Accounts as their owners see them, and the tokens that speak for them."""

    tag = "auth"

    def __init__(
        self,
        sign_up: SignUp,
        sign_in: SignIn,
        refresh_session: RefreshSession,
        sign_out: SignOut,
        ledger: AccountLedger,
    ) -> None:
        super().__init__()
        self._sign_up = sign_up
        self._sign_in = sign_in
        self._refresh_session = refresh_session
        self._sign_out = sign_out
        self._ledger = ledger
        self._add_public()
        self._add_signed_in()

    def _add_public(self) -> None:
        self.add(
            "/auth/signup/",
            "POST",
            self.sign_up,
            access=PUBLIC,
            response={201: UserOut},
            problems=(403, 409, 503),
            summary="Make an account with the role viewer",
        )
        self.add(
            "/auth/signin/",
            "POST",
            self.sign_in,
            access=PUBLIC,
            response=TokensOut,
            problems=(401, 503),
            summary="Open a session",
        )
        self.add(
            "/auth/refresh/",
            "POST",
            self.refresh,
            access=PUBLIC,
            response=TokensOut,
            problems=(401, 503),
            summary="Swap a refresh token for new tokens, once",
        )

    def _add_signed_in(self) -> None:
        self.add(
            "/auth/signout/",
            "POST",
            self.sign_out,
            access=SIGNED_IN,
            response={204: None},
            summary="End the session",
        )
        self.add(
            "/auth/me/",
            "GET",
            self.me,
            access=SIGNED_IN,
            response=UserOut,
            summary="Who is signed in",
        )

    async def sign_up(self, request: ApiRequest, body: SignUpIn) -> Status[UserOut]:
        profile = await self._sign_up.execute(body.email, body.password)
        return Status(201, UserOut.of(profile))

    async def sign_in(self, request: ApiRequest, body: SignInIn) -> TokensOut:
        return TokensOut.of(await self._sign_in.execute(body.email, body.password))

    async def refresh(self, request: ApiRequest, body: RefreshIn) -> TokensOut:
        return TokensOut.of(await self._refresh_session.execute(body.refresh))

    async def sign_out(self, request: ApiRequest, body: SignOutIn) -> Status[None]:
        await self._sign_out.execute(request.auth, body.refresh)
        return Status(204, None)

    async def me(self, request: ApiRequest) -> UserOut:
        profile = await self._ledger.profile(request.auth.user_id)
        if profile is None:
            raise Unauthenticated  # Deleted since the token was looked at.
        return UserOut.of(profile)
