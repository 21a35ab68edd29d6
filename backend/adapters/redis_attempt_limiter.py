"""Attempts counted in Redis, for all processes together."""

import math
from collections.abc import Sequence

from backend.adapters.local_attempt_limiter import LocalAttemptLimiter
from backend.adapters.redis_hints import RedisHints
from backend.adapters.redis_line import Command
from backend.domain.attempts import Allowance, Place
from backend.domain.errors import TooManySignIns

NAMESPACE = "attempts"
FAMILIAR_SECONDS = 30 * 86_400

# KEYS: one sorted set of attempts by time for each allowance. ARGV: the new attempt, then
# the most and the window in ms of each. Returns the ms until there is room; 0: taken.
# An attempt that gets no place under one key gets none under the others.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local wait = 0
for i, key in ipairs(KEYS) do
    local most, window = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
    local surplus = redis.call('ZCARD', key) - most
    if surplus >= 0 then
        local entry = redis.call('ZRANGE', key, surplus, surplus, 'WITHSCORES')
        wait = math.max(wait, entry[2] + window - now)
    end
end
if wait > 0 then
    return wait
end
for i, key in ipairs(KEYS) do
    redis.call('ZADD', key, now, ARGV[1])
    redis.call('PEXPIRE', key, ARGV[2 * i + 1])
end
return 0
"""


class RedisAttemptLimiter:
    """`AttemptLimiter` over all processes, and over this one while Redis is away.

    This process always counts its own attempts: they are limited even if Redis does not
    answer or forgets, and attempts over the limit here never reach Redis.
    """

    def __init__(self, redis: RedisHints, local: LocalAttemptLimiter) -> None:
        self._redis = redis
        self._local = local

    async def take(self, allowances: Sequence[Allowance]) -> Place:
        place = await self._local.take(allowances)
        answers = await self._redis.ask(self._taking(place, allowances))
        if answers is not None and answers[0] > 0:
            await self._local.give_back(place)
            raise TooManySignIns(math.ceil(answers[0] / 1000))
        return place

    async def give_back(self, place: Place) -> None:
        await self._local.give_back(place)
        await self._redis.ask(
            *(("ZREM", self._name(key), place.token) for key in place.keys)
        )

    def _taking(self, place: Place, allowances: Sequence[Allowance]) -> Command:
        names = [self._name(one.key) for one in allowances]
        limits = [n for one in allowances for n in (one.most, one.seconds * 1000)]
        return ("EVAL", _TAKE, len(names), *names, place.token, *limits)

    @staticmethod
    def _name(key: str) -> str:
        return f"{NAMESPACE}:{key}"


class RedisFamiliarClients:
    """The `FamiliarClients` port: remembers each for a month, but not beyond a loss of
    Redis."""

    def __init__(self, redis: RedisHints) -> None:
        self._redis = redis

    async def knows(self, key: str) -> bool:
        answers = await self._redis.ask(("EXISTS", self._name(key)))
        return answers is not None and answers[0] == 1

    async def remember(self, key: str) -> None:
        await self._redis.ask(("SET", self._name(key), 1, "EX", FAMILIAR_SECONDS))

    @staticmethod
    def _name(key: str) -> str:
        return f"{NAMESPACE}:familiar:{key}"
