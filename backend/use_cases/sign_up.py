from dataclasses import dataclass

from backend.domain.accounts import Profile
from backend.domain.errors import SignupClosed, WeakPassword
from backend.domain.rights import VIEWER
from backend.use_cases.ports import AccountLedger, PasswordHasher
from backend.use_cases.sign_in_limit import SignInLimit


@dataclass(frozen=True, slots=True)
class SignUp:
    """Create an account for anybody while sign-up is open; it can only read."""

    ledger: AccountLedger
    passwords: PasswordHasher
    limit: SignInLimit
    is_open: bool

    async def execute(self, email: str, password: str, client: str) -> Profile:
        """Raises `SignupClosed`, `WeakPassword`, `EmailTaken`, `Overloaded`.

        Raises `TooManySignIns` too; `client` is the address that this came from.
        """
        if not self.is_open:
            raise SignupClosed
        if weakness := self.passwords.weakness(password, email):
            raise WeakPassword(problems={"password": weakness})
        await self.limit.sign_up(client)
        password_hash = await self.passwords.hash(password)
        return await self.ledger.create_user(email, password_hash, VIEWER.name)
