from dataclasses import dataclass

from backend.domain.accounts import NewUser, Profile
from backend.domain.errors import WeakPassword
from backend.domain.media import Caller
from backend.use_cases.ports import PasswordHasher, UserLedger


@dataclass(frozen=True, slots=True)
class CreateUser:
    """Create an account for another person, with a role that the caller may give."""

    ledger: UserLedger
    passwords: PasswordHasher

    async def execute(
        self, email: str, password: str, role: str, caller: Caller
    ) -> Profile:
        """Raises `WeakPassword`, `Overloaded` and what `UserLedger.create` raises."""
        if weakness := self.passwords.weakness(password, email):
            raise WeakPassword(problems={"password": weakness})
        password_hash = await self.passwords.hash(password)
        return await self.ledger.create(NewUser(email, password_hash, role), caller)
