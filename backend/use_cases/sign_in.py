from dataclasses import dataclass
from uuid import uuid4

from backend.domain.accounts import Tokens
from backend.use_cases.check_password import CheckPassword
from backend.use_cases.ports import AccountLedger, TokenIssuer


@dataclass(frozen=True, slots=True)
class SignIn:
    """Open a session for a user who knows the password."""

    check_password: CheckPassword
    ledger: AccountLedger
    tokens: TokenIssuer

    async def execute(self, email: str, password: str, client: str) -> Tokens:
        """Raises `BadCredentials`, `TooManySignIns`, `Overloaded`."""
        found = await self.check_password.execute(email, password, client)
        refresh = self.tokens.refresh(uuid4())
        await self.ledger.open_session(found, refresh)
        access = self.tokens.access(found.user_id, refresh.session_id)
        return Tokens(access, refresh.text, self.tokens.access_lifetime_seconds)
