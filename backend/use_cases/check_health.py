"""Whether this process can do its work."""

import asyncio
from collections.abc import Mapping
from contextvars import Context

import structlog

from backend.domain.errors import StorageFull
from backend.domain.health import Health, Pulse, StoreName
from backend.use_cases.ports.health import PulseReader, StoreCheck

# Callers give up after two seconds; all stores are asked at once.
MOST_SECONDS = 1.0

log = structlog.get_logger(__name__)


class CheckHealth:
    """Asks all stores at once, and each for no longer than a second.

    A caller who comes during a round gets the result of that round, so that each store
    has only one check at a time to answer.
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
        """Never raises: a store that fails in any way counts as away."""
        if self._round is None or self._round.done():
            # In its own context: it must not use the first caller's patience.
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
            # It answers, so stored media can still be shown.
            return True
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            self._tell(name, error)
            return False
        return True

    @staticmethod
    def _tell(name: StoreName, error: Exception) -> None:
        log.warning("health.away", store=name.value, reason=repr(error))
