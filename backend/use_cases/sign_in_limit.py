import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256

from backend.domain.accounts import EmailAddress
from backend.domain.attempts import Allowance, ClientBlock, Place
from backend.domain.errors import BadCredentials, MediaProjectError, WrongPassword
from backend.use_cases.ports import AttemptLimiter, FamiliarClients

MINUTE = 60
HOUR = 60 * MINUTE
KEY_CHARACTERS = 32


class SignInLimit:
    """How often passwords may be wrong (`docs/adr/0010-sign-in-throttling.md`).

    An attempt takes a place before the password is checked, so that simultaneous
    attempts cannot exceed the count. `secret` makes the keys, so that they reveal no
    address.
    """

    # More typing errors than a person makes; allows 120 guesses an hour from one place.
    PAIR_MOST, PAIR_SECONDS = 10, 5 * MINUTE
    # A household or an office behind one address.
    CLIENT_MOST, CLIENT_SECONDS = 100, 5 * MINUTE
    # NIST SP 800-63B, 5.2.2, and OWASP ASVS 4.0, 2.2.1: no more than 100 an hour.
    ACCOUNT_MOST, ACCOUNT_SECONDS = 100, HOUR
    # Each costs a row and a hash; a school class may sign up at once from one address.
    SIGN_UPS_MOST, SIGN_UPS_SECONDS = 300, HOUR

    def __init__(
        self, limiter: AttemptLimiter, familiar: FamiliarClients, secret: str
    ) -> None:
        self._limiter = limiter
        self._familiar = familiar
        self._secret = secret.encode()

    @asynccontextmanager
    async def attempt(self, email: str, address: str) -> AsyncIterator[None]:
        """The block checks one password; a wrong one counts.

        Raises `TooManySignIns` before the block.
        """
        client = self._key("client", ClientBlock.of(address))
        account = self._key("account", EmailAddress.folded(email))
        pair = self._key("pair", f"{account} {client}")
        place = await self._limiter.take(await self._allowances(client, account, pair))
        try:
            yield
        except (BadCredentials, WrongPassword):
            raise
        except MediaProjectError:
            await self._limiter.give_back(place)  # The password was not checked.
            raise
        await self._limiter.give_back(place)
        await self._familiar.remember(pair)

    async def sign_up(self, address: str) -> Place:
        """Counts an account that is about to be created. Raises `TooManySignIns`."""
        client = self._key("sign_up", ClientBlock.of(address))
        return await self._limiter.take(
            [Allowance(client, self.SIGN_UPS_MOST, self.SIGN_UPS_SECONDS)]
        )

    async def _allowances(
        self, client: str, account: str, pair: str
    ) -> list[Allowance]:
        """Attempts of others lock nobody out at clients where the account was used
        before."""
        allowances = [
            Allowance(pair, self.PAIR_MOST, self.PAIR_SECONDS),
            Allowance(client, self.CLIENT_MOST, self.CLIENT_SECONDS),
        ]
        if not await self._familiar.knows(pair):
            allowances.append(
                Allowance(account, self.ACCOUNT_MOST, self.ACCOUNT_SECONDS)
            )
        return allowances

    def _key(self, kind: str, text: str) -> str:
        digest = hmac.new(self._secret, f"{kind} {text}".encode(), sha256)
        return f"{kind}:{digest.hexdigest()[:KEY_CHARACTERS]}"
