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

    An attempt holds a place from before the password is looked at, so that those that
    come at once cannot overtake the count. `secret` makes the keys: nobody who reads
    them learns an address.
    """

    # Ten typing errors are more than a person makes, and 120 an hour from one place.
    PAIR_MOST, PAIR_SECONDS = 10, 5 * MINUTE
    # A household or an office behind one address.
    CLIENT_MOST, CLIENT_SECONDS = 100, 5 * MINUTE
    # NIST SP 800-63B, 5.2.2, and OWASP ASVS 4.0, 2.2.1: no more than 100 an hour.
    ACCOUNT_MOST, ACCOUNT_SECONDS = 100, HOUR
    # Each is a person and a hash; a school class behind one address signs up at once.
    SIGN_UPS_MOST, SIGN_UPS_SECONDS = 300, HOUR

    def __init__(
        self, limiter: AttemptLimiter, familiar: FamiliarClients, secret: str
    ) -> None:
        self._limiter = limiter
        self._familiar = familiar
        self._secret = secret.encode()

    @asynccontextmanager
    async def attempt(self, email: str, address: str) -> AsyncIterator[None]:
        """The block looks at one password; it counts if that was wrong.

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
            await self._limiter.give_back(place)  # Nobody looked at the password.
            raise
        await self._limiter.give_back(place)
        await self._familiar.remember(pair)

    async def sign_up(self, address: str) -> Place:
        """Counts an account that is about to be made. Raises `TooManySignIns`."""
        client = self._key("sign_up", ClientBlock.of(address))
        return await self._limiter.take(
            [Allowance(client, self.SIGN_UPS_MOST, self.SIGN_UPS_SECONDS)]
        )

    async def _allowances(
        self, client: str, account: str, pair: str
    ) -> list[Allowance]:
        """Where an account was used before, what others do to it locks nobody out."""
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
