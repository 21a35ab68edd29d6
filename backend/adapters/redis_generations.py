"""The generation of each scope in Redis: another one after every change."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import NamedTuple

from backend.adapters.redis_hints import RedisHints
from backend.adapters.redis_line import Command
from backend.domain.freshness import FRESH_SECONDS, Scope

# Long after the last answer that depends on it. A lost one is replaced.
GENERATION_SECONDS = 600
# Timers of event loops round to milliseconds, and clocks of two machines may run apart by
# some hundred parts in a million.
SLACK_SECONDS = 0.02
# A larger answer is not cached; a page of a hundred media has about 60 kB.
MOST_BODY_BYTES = 256 * 1024

# The keys carry the run_id of the very server that runs the script: one that came back
# from a snapshot, or replaced another, knows neither entries nor generations. A
# lost generation is replaced by a new one, so that no earlier entry has its stamp.
_COMMON = """
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local function named(key)
    return 'fresh:' .. run_id .. ':' .. key
end
local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end
"""
# KEYS: the scopes, then the entry. ARGV: a new generation, its seconds, the lifetime of
# entries in ms. Returns the generations, the time in ms, and the body that was stored
# under them, unless the clock says that it is too old or from the future.
_READ = f"""{_COMMON}
local generations = {{}}
for i = 1, #KEYS - 1 do
    local key = named(KEYS[i])
    local generation = redis.call('GET', key)
    if not generation then
        generation = ARGV[1]
        redis.call('SET', key, generation, 'EX', ARGV[2])
    end
    generations[i] = generation
end
local stamp = table.concat(generations, ' ')
local time = now()
local entry = redis.call('HMGET', named(KEYS[#KEYS]), 'stamp', 'body', 'at')
if entry[1] == stamp then
    local age = time - tonumber(entry[3])
    if age >= 0 and age < tonumber(ARGV[3]) then
        return {{stamp, time, entry[2]}}
    end
end
return {{stamp, time, false}}
"""
# KEYS: as above. ARGV: the generations and the time that were read, the lifetime in ms,
# the body. The end is absolute, so that a store that comes late is refused.
_STORE = f"""{_COMMON}
local generations = {{}}
for i = 1, #KEYS - 1 do
    generations[i] = redis.call('GET', named(KEYS[i])) or ''
end
local read, time = tonumber(ARGV[2]), now()
local ends = read + tonumber(ARGV[3])
if table.concat(generations, ' ') ~= ARGV[1] or time < read or time >= ends then
    return 0
end
local entry = named(KEYS[#KEYS])
redis.call('HSET', entry, 'stamp', ARGV[1], 'at', ARGV[2], 'body', ARGV[4])
redis.call('PEXPIREAT', entry, ends)
return 1
"""
# KEYS: the scopes. ARGV: a new generation, its seconds.
_CHANGE = f"""{_COMMON}
for i = 1, #KEYS do
    redis.call('SET', named(KEYS[i]), ARGV[1], 'EX', ARGV[2])
end
return 1
"""


class Entry(NamedTuple):
    """An answer by its name, what it depends on, and its share of how old one may be."""

    key: str
    scopes: tuple[Scope, ...]
    share: float = 1.0

    @property
    def keys(self) -> tuple[str, ...]:
        return *self.scopes, f"entry:{self.key}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What Redis said: the generations now, its time, and the entry if it is current.

    It was asked after `began`, by the clock of this process.
    """

    began: float
    stamp: bytes
    at_milliseconds: int
    body: bytes | None


class RedisGenerations:
    """Reads and stores entries under the generations of their scopes, atomically."""

    def __init__(self, redis: RedisHints, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._redis = redis
        self.fresh_seconds = fresh_seconds

    async def read(self, *entries: Entry) -> list[Reading] | None:
        """All in one round trip; None if Redis is away."""
        began = time.monotonic()
        new = (token_hex(16), GENERATION_SECONDS)
        commands = [
            self._command(_READ, entry.keys, *new, self._milliseconds(entry))
            for entry in entries
        ]
        answers = await self._redis.ask(*commands)
        if answers is None:
            return None
        return [Reading(began, *answer) for answer in answers]

    async def store(self, entry: Entry, reading: Reading, body: bytes) -> None:
        """Keep the body, unless one of the scopes changed since the reading."""
        if len(body) > MOST_BODY_BYTES:
            return
        read = (reading.stamp, reading.at_milliseconds, self._milliseconds(entry))
        await self._redis.ask(self._command(_STORE, entry.keys, *read, body))

    async def change(self, *scopes: Scope) -> bool:
        """Give the scopes new generations; False if it is unknown whether it was
        done."""
        fresh = (token_hex(16), GENERATION_SECONDS)
        command = self._command(_CHANGE, scopes, *fresh)
        return await self._redis.ask(command) is not None

    def _milliseconds(self, entry: Entry) -> int:
        return round(self.fresh_seconds * entry.share * 1000)

    def _command(
        self, script: str, keys: Sequence[str], *arguments: str | int | bytes
    ) -> Command:
        """Sends the whole script each time: a new Redis does not know its digest."""
        return ("EVAL", script, len(keys), *keys, *arguments)


class RedisFreshness:
    """The `Freshness` port."""

    def __init__(self, generations: RedisGenerations) -> None:
        self._generations = generations

    async def changed(self, *scopes: Scope) -> None:
        """Waits without holding anything, and outside the patience of the request."""
        if not await self._generations.change(*scopes):
            await asyncio.sleep(self._generations.fresh_seconds + SLACK_SECONDS)

    async def touched(self, *scopes: Scope) -> None:
        await self._generations.change(*scopes)
