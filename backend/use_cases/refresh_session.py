from dataclasses import dataclass

from backend.domain.accounts import Tokens
from backend.use_cases.ports import AccountLedger, TokenIssuer


@dataclass(frozen=True, slots=True)
class RefreshSession:
    """Give new tokens for a refresh token, once: a second use ends the session."""

    ledger: AccountLedger
    tokens: TokenIssuer

    async def execute(self, refresh: str) -> Tokens:
        """Raises `InvalidRefreshToken`."""
        presented = self.tokens.read_refresh(refresh)
        successor = self.tokens.refresh(presented.session_id)
        user_id = await self.ledger.rotate(presented, successor)
        access = self.tokens.access(user_id, presented.session_id)
        return Tokens(access, successor.text, self.tokens.access_lifetime_seconds)
