from dataclasses import dataclass

from backend.domain.accounts import Credentials
from backend.domain.errors import BadCredentials
from backend.use_cases.ports import AccountLedger, PasswordHasher
from backend.use_cases.sign_in_limit import SignInLimit


@dataclass(frozen=True, slots=True)
class CheckPassword:
    """Check the password of an account.

    An unknown address, a wrong password and an inactive account cost the same work and
    get the same answer.
    """

    ledger: AccountLedger
    passwords: PasswordHasher
    limit: SignInLimit

    async def execute(self, email: str, password: str, client: str) -> Credentials:
        """Raises `BadCredentials`, `TooManySignIns`, `Overloaded`.

        `client` is the address that the attempt came from.
        """
        async with self.limit.attempt(email, client):
            return await self._checked(email, password)

    async def _checked(self, email: str, password: str) -> Credentials:
        found = await self.ledger.credentials(email)
        password_hash = found.password_hash if found else None
        matches = await self.passwords.verify(password, password_hash)
        if found is None or not matches or not found.is_active:
            raise BadCredentials
        return found
