"""A Redis used only for hints: if it is silent, that costs little and breaks
nothing."""

import asyncio
import time

import structlog

from backend.adapters.redis_line import Answers, Command, RedisAddress, RedisLine

CACHE_DATABASE = 1
# The longest wait for an answer; Redis needs a fraction of a millisecond.
MOST_SECONDS = 0.25
# After a missing answer, nothing is sent for this long.
PAUSE_SECONDS = 2.0

log = structlog.get_logger(__name__)


class RedisHints:
    """Sends commands to the cache; a missing answer is a valid result.

    All callers share one line, which is replaced when it breaks. Sent commands take
    effect, or not, even if their caller stops waiting. For one event loop.
    """

    def __init__(
        self,
        redis_url: str,
        most_seconds: float = MOST_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._address = RedisAddress.of(redis_url, CACHE_DATABASE)
        self._most_seconds = most_seconds
        self._pause_seconds = pause_seconds
        self._silent_until = 0.0
        self._is_away = False
        self._line: RedisLine | None = None

    async def ask(self, *commands: Command) -> Answers:
        if not commands:
            return []
        return await self.answers_of(self.send(*commands))

    def send(self, *commands: Command) -> asyncio.Future[Answers] | None:
        """Send the commands, one at least, in one go; None while Redis is left alone."""
        if time.monotonic() < self._silent_until:
            return None
        return self._open_line().ask(commands)

    async def answers_of(self, sent: asyncio.Future[Answers] | None) -> Answers:
        if sent is None:
            return None
        await asyncio.wait({sent}, timeout=self._most_seconds)
        if not sent.done():
            self._give_up()
            return None
        answers = sent.result()
        if answers is not None:
            self._heard()
        return answers

    async def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.drained(self._most_seconds)
            line.break_off("It does not answer in time.")

    def _open_line(self) -> RedisLine:
        if self._line is None or self._line.is_broken:
            self._line = RedisLine(self._missed)
            self._line.open(self._address, self._most_seconds)
        return self._line

    def _give_up(self) -> None:
        """All other commands on a silent line would wait as long."""
        reason = "It does not answer in time."
        self._missed(reason)
        if self._line is not None:
            self._line.break_off(reason)

    def _missed(self, reason: str) -> None:
        self._silent_until = time.monotonic() + self._pause_seconds
        if not self._is_away:
            self._is_away = True
            log.warning("hints.away", reason=reason)

    def _heard(self) -> None:
        if self._is_away:
            self._is_away = False
            log.info("hints.back")
