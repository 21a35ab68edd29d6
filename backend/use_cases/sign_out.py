from dataclasses import dataclass

from backend.domain.media import Caller
from backend.use_cases.ports import AccountLedger, TokenIssuer


@dataclass(frozen=True, slots=True)
class SignOut:
    """End the session of the caller and that of the refresh token they send.

    These are usually the same. A token of another session of the caller ends that
    session too, so that none of the sent tokens work any more; a token of another user
    ends nothing. An old token of the family is accepted, as signing out gains nothing
    by it.
    """

    ledger: AccountLedger
    tokens: TokenIssuer

    async def execute(self, caller: Caller, refresh: str) -> None:
        """Raises `InvalidRefreshToken`."""
        returned = self.tokens.read_refresh(refresh)
        await self.ledger.revoke(
            caller.user_id, {caller.session_id, returned.session_id}
        )
