from dataclasses import dataclass
from uuid import uuid4

from backend.domain.accounts import Credentials, Tokens
from backend.domain.errors import BadCredentials
from backend.use_cases.ports import AccountLedger, PasswordHasher, TokenIssuer


@dataclass(frozen=True, slots=True)
class SignIn:
    """Open a session for whoever knows the password.

    An unknown address, a wrong password and an inactive account cost the same work and
    get the same answer.
    """

    ledger: AccountLedger
    passwords: PasswordHasher
    tokens: TokenIssuer

    async def execute(self, email: str, password: str) -> Tokens:
        """Raises `BadCredentials`, `Overloaded`."""
        found = await self.ledger.credentials(email)
        password_hash = found.password_hash if found else None
        matches = await self.passwords.verify(password, password_hash)
        if found is None or not matches or not found.is_active:
            raise BadCredentials
        return await self._open(found)

    async def _open(self, credentials: Credentials) -> Tokens:
        refresh = self.tokens.refresh(uuid4())
        await self.ledger.open_session(credentials, refresh)
        access = self.tokens.access(credentials.user_id, refresh.session_id)
        return Tokens(access, refresh.text, self.tokens.access_lifetime_seconds)
