from dataclasses import dataclass

from backend.domain.accounts import Profile
from backend.domain.errors import WeakPassword
from backend.use_cases.ports import AccountLedger, PasswordHasher


@dataclass(frozen=True, slots=True)
class EnsureAccount:
    """Create an account, or give the existing one this password and role.

    For the operator of the machine. Nobody is signed out if the password is the same.
    """

    ledger: AccountLedger
    passwords: PasswordHasher

    async def execute(self, email: str, password: str, role: str) -> Profile:
        """Raises `WeakPassword`."""
        if weakness := self.passwords.weakness(password, email):
            raise WeakPassword(problems={"password": weakness})
        password_hash = await self._hash(email, password)
        return await self.ledger.ensure_user(email, password_hash, role)

    async def _hash(self, email: str, password: str) -> str:
        found = await self.ledger.credentials(email)
        if found and await self.passwords.verify(password, found.password_hash):
            return found.password_hash
        return await self.passwords.hash(password)
