"""A lease in Redis: its holder is known by a token, and it ends by itself."""

import asyncio
from secrets import token_hex

from backend.adapters.redis_hints import RedisHints
from backend.adapters.redis_line import Answers, Command

# A killed holder is forgotten after this long.
LEASE_SECONDS = 10.0
RENEWALS_PER_LEASE = 3

_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
"""


class RedisLease:
    """One holder's exclusive claim to a key; renewed while it is held.

    To be released in any case, also when taking it was cancelled: Redis may have
    granted it meanwhile.
    """

    def __init__(
        self, redis: RedisHints, key: str, seconds: float = LEASE_SECONDS
    ) -> None:
        self._redis = redis
        self._key = key
        self._seconds = seconds
        self._milliseconds = round(seconds * 1000)
        self._token = token_hex(16)
        self._sent: asyncio.Future[Answers] | None = None
        self._renewal: asyncio.Task[None] | None = None

    async def take(self, *reads: Command) -> Answers:
        """Whether the lease is ours now, then what was read after that."""
        self._sent = self._redis.send(
            ("SET", self._key, self._token, "NX", "PX", self._milliseconds), *reads
        )
        answers = await self._redis.answers_of(self._sent)
        if answers is not None and answers[0]:
            self._renewal = asyncio.create_task(self._renew())
        return answers

    async def release(self, *writes: Command) -> None:
        """Write, and release the key if it is ours, atomically."""
        if self._renewal is not None:
            self._renewal.cancel()
        if await self._may_be_ours():
            writes = (*writes, ("EVAL", _RELEASE, 1, self._key, self._token))
        if writes:
            await self._redis.ask(*writes)

    async def _may_be_ours(self) -> bool:
        if self._sent is None:
            return False
        answers = await self._redis.answers_of(self._sent)
        return answers is None or bool(answers[0])

    async def _renew(self) -> None:
        renewal: Command = (
            *("EVAL", _RENEW, 1, self._key),
            *(self._token, self._milliseconds),
        )
        answers: Answers = [1]
        # A lost lease stays lost; a missing answer proves nothing.
        while answers is None or answers[0]:
            await asyncio.sleep(self._seconds / RENEWALS_PER_LEASE)
            answers = await self._redis.ask(renewal)
