from dataclasses import dataclass

from backend.domain.media import Caller
from backend.use_cases.ports import AccountLedger, TokenIssuer


@dataclass(frozen=True, slots=True)
class SignOut:
    """End the session of the caller and that of the refresh token he hands back.

    They are the same as a rule. A token of another session of his ends that one too,
    so that nothing he held works any more; a token of somebody else ends nothing. An
    old token of the family will do: whoever signs out gains nothing by it.
    """

    ledger: AccountLedger
    tokens: TokenIssuer

    async def execute(self, caller: Caller, refresh: str) -> None:
        """Raises `InvalidRefreshToken`."""
        returned = self.tokens.read_refresh(refresh)
        await self.ledger.revoke(
            caller.user_id, {caller.session_id, returned.session_id}
        )
