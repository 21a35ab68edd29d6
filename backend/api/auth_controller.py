from ninja import Status

from backend.api.controller import Controller
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import PUBLIC, SIGNED_IN, Access
from backend.api.schemas.accounts import (
    PasswordIn,
    RefreshIn,
    SignInIn,
    SignOutIn,
    SignUpIn,
    TokensOut,
    UserOut,
)
from backend.domain.errors import (
    BadCredentials,
    DatabaseAway,
    EmailTaken,
    InvalidRefreshToken,
    InvalidToken,
    Overloaded,
    SignupClosed,
    TooManySignIns,
    WeakPassword,
    WrongPassword,
)
from backend.use_cases.change_password import ChangePassword
from backend.use_cases.ports import AccountLedger, SessionLedger
from backend.use_cases.refresh_session import RefreshSession
from backend.use_cases.sign_in import SignIn
from backend.use_cases.sign_out import SignOut
from backend.use_cases.sign_up import SignUp

SIGN_UP_CLOSED = Access(public=True, closed=SignupClosed)


class AuthController(Controller):
    """The caller's own account, and its tokens."""

    tag = "auth"

    def __init__(
        self,
        sign_up: SignUp,
        sign_in: SignIn,
        refresh_session: RefreshSession,
        sign_out: SignOut,
        change_password: ChangePassword,
        sessions: SessionLedger,
        ledger: AccountLedger,
    ) -> None:
        super().__init__()
        self._sign_up = sign_up
        self._sign_in = sign_in
        self._refresh_session = refresh_session
        self._sign_out = sign_out
        self._change_password = change_password
        self._sessions = sessions
        self._ledger = ledger
        self._add_public()
        self._add_signed_in()

    def _add_public(self) -> None:
        self.add(
            "/auth/signup/",
            "POST",
            self.sign_up,
            access=PUBLIC if self._sign_up.is_open else SIGN_UP_CLOSED,
            response={201: UserOut},
            problems=[
                SignupClosed,
                EmailTaken,
                WeakPassword,
                TooManySignIns,
                Overloaded,
                DatabaseAway,
            ],
            summary="Create an account with the role viewer",
        )
        self.add(
            "/auth/signin/",
            "POST",
            self.sign_in,
            access=PUBLIC,
            response=TokensOut,
            problems=[BadCredentials, TooManySignIns, Overloaded, DatabaseAway],
            summary="Open a session",
        )
        self.add(
            "/auth/refresh/",
            "POST",
            self.refresh,
            access=PUBLIC,
            response=TokensOut,
            problems=[InvalidRefreshToken, DatabaseAway],
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
            "/auth/signout/all/",
            "POST",
            self.sign_out_everywhere,
            access=SIGNED_IN,
            response={204: None},
            summary="End all sessions of the account",
        )
        self.add(
            "/auth/password/",
            "POST",
            self.change_password,
            access=SIGNED_IN,
            response={204: None},
            problems=[WrongPassword, WeakPassword, Overloaded, TooManySignIns],
            summary="Change the password",
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
        """The password needs at least 8 characters and must not be easy to guess.

        An administrator can give the account another role. 403 `signup_closed` if only
        administrators create accounts.
        """
        profile = await self._sign_up.execute(
            body.email, body.password, request.client_address
        )
        return Status(201, UserOut.of(profile))

    async def sign_in(self, request: ApiRequest, body: SignInIn) -> TokensOut:
        """Send `access` with every request: `Authorization: Bearer <access>`.

        It is valid for `expires_in` seconds; `refresh` gets new tokens after that. The
        answer is the same for an unknown e-mail, a wrong password and an inactive
        account.
        """
        tokens = await self._sign_in.execute(
            body.email, body.password, request.client_address
        )
        return TokensOut.of(tokens)

    async def refresh(self, request: ApiRequest, body: RefreshIn) -> TokensOut:
        """The old refresh token is then invalid: using it again ends the whole
        session."""
        return TokensOut.of(await self._refresh_session.execute(body.refresh))

    async def sign_out(self, request: ApiRequest, body: SignOutIn) -> Status[None]:
        """Both tokens of the session stop working at once."""
        await self._sign_out.execute(request.auth, body.refresh)
        return Status(204, None)

    async def sign_out_everywhere(self, request: ApiRequest) -> Status[None]:
        """Every token of the account is invalid when this is answered."""
        await self._sessions.end_all(request.auth)
        return Status(204, None)

    async def change_password(
        self, request: ApiRequest, body: PasswordIn
    ) -> Status[None]:
        """This session continues; all others of the account end."""
        await self._change_password.execute(
            request.auth, body.old, body.new, request.client_address
        )
        return Status(204, None)

    async def me(self, request: ApiRequest) -> UserOut:
        """The account with its present role and rights."""
        profile = await self._ledger.profile(request.auth.user_id)
        if profile is None:
            raise InvalidToken  # Deleted after the token was checked.
        return UserOut.of(profile)
