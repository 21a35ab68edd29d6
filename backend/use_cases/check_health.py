"""Whether this process can do its work."""

import asyncio
from collections.abc import Mapping
from contextvars import Context

import structlog

from backend.domain.errors import StorageFull
from backend.domain.health import Health, Pulse, StoreName
from backend.use_cases.ports.health import PulseReader, StoreCheck

# Who asks gives up after two seconds; all stores are asked at once.
MOST_SECONDS = 1.0

log = structlog.get_logger(__name__)


class CheckHealth:
    """Asks all stores at once, and each for no longer than a second.

    Whoever comes while a round is under way is told what that round finds: however
    often it is asked for, each store has one question at a time to answer.
    """

    def __init__(
        self,
        pulse: PulseReader,
        checks: Mapping[StoreName, StoreCheck],
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        self._pulse = pulse
        self._checks = checks
        self._most_seconds = most_seconds
        self._round: asyncio.Task[Health] | None = None

    async def execute(self) -> Health:
        """Raises nothing: a store that fails in whatever way is away."""
        if self._round is None or self._round.done():
            # In a context of its own: it is not the first caller's patience that it has.
            self._round = asyncio.create_task(self._ask_all(), context=Context())
        return await asyncio.shield(self._round)

    async def _ask_all(self) -> Health:
        names = list(self._checks)
        pulse, found = await asyncio.gather(
            self._read_pulse(),
            asyncio.gather(*(self._is_there(name) for name in names)),
        )
        is_there = {
            StoreName.POSTGRES: pulse is not None,
            **dict(zip(names, found, strict=True)),
        }
        return Health(is_there, pulse or Pulse())

    async def _read_pulse(self) -> Pulse | None:
        try:
            async with asyncio.timeout(self._most_seconds):
                return await self._pulse.read()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            self._tell(StoreName.POSTGRES, error)
            return None

    async def _is_there(self, name: StoreName) -> bool:
        try:
            async with asyncio.timeout(self._most_seconds):
                await self._checks[name].ask()
        except StorageFull:
            # It answers; what it has can still be shown.
            return True
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            self._tell(name, error)
            return False
        return True

    @staticmethod
    def _tell(name: StoreName, error: Exception) -> None:
        log.warning("health.away", store=name.value, reason=repr(error))
