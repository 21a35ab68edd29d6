from dataclasses import dataclass

from backend.domain.accounts import Credentials
from backend.domain.errors import InvalidToken, WeakPassword, WrongPassword
from backend.domain.media import Caller
from backend.use_cases.ports import AccountLedger, PasswordHasher, SessionLedger
from backend.use_cases.sign_in_limit import SignInLimit


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Change the password of the caller's account, and end all its other sessions."""

    accounts: AccountLedger
    sessions: SessionLedger
    passwords: PasswordHasher
    limit: SignInLimit

    async def execute(self, caller: Caller, old: str, new: str, client: str) -> None:
        """Raises `WrongPassword`, `WeakPassword`, `InvalidToken`, `Overloaded`.

        `TooManySignIns`, too: wrong passwords count as at the sign-in. `client` is the
        address that the request came from.
        """
        async with self.limit.attempt(caller.email, client):
            account = await self._checked(caller, old)
        if weakness := self.passwords.weakness(new, caller.email):
            raise WeakPassword(problems={"new": weakness})
        password_hash = await self.passwords.hash(new)
        await self.sessions.change_password(
            caller, account.password_hash, password_hash
        )

    async def _checked(self, caller: Caller, old: str) -> Credentials:
        account = await self.accounts.credentials(caller.email)
        if account is None:
            raise InvalidToken  # Deleted after the token was checked.
        if not await self.passwords.verify(old, account.password_hash):
            raise WrongPassword(problems={"old": "This is not the password."})
        return account
