"""Whether an object marked as stored really exists."""

import time

import structlog

from backend.domain.errors import ObjectStoreAway
from backend.domain.failures import JobFailed
from backend.domain.media import BlobRef
from backend.domain.patience import Patience
from backend.domain.sightings import Sight, Sighting
from backend.use_cases.ports import ObjectProbe

log = structlog.get_logger(__name__)

# A silent store is given up earlier, by the limits of the probe itself.
MOST_SECONDS = 2.0
# The part of the request's patience that is kept for the transaction afterwards.
KEPT_SECONDS = 2.0
# After a check without a result, none is made for this long.
PAUSE_SECONDS = 2.0


class ObjectCheck:
    """Checks whether the object of a stored blob really exists.

    This is a network call, so no lock and no database thread may be held meanwhile.
    """

    def __init__(
        self,
        probe: ObjectProbe,
        most_seconds: float = MOST_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._probe = probe
        self._most_seconds = most_seconds
        self._pause_seconds = pause_seconds
        self._silent_until = 0.0

    async def look(self, blob: BlobRef) -> Sighting:
        """Never raises: a store that does not answer makes the sight `UNKNOWN`."""
        if time.monotonic() < self._silent_until:
            return Sighting(blob, Sight.UNKNOWN)
        try:
            return Sighting(blob, await self._sight(blob))
        except (ObjectStoreAway, JobFailed, TimeoutError) as error:
            self._silent_until = time.monotonic() + self._pause_seconds
            log.warning("object.not_seen", key=str(blob.object_key), reason=repr(error))
            return Sighting(blob, Sight.UNKNOWN)

    async def _sight(self, blob: BlobRef) -> Sight:
        seconds = min(self._most_seconds, Patience.spare_seconds(KEPT_SECONDS))
        async with Patience.waiting(seconds):
            found = await self._probe.stat(blob.object_key)
        is_there = found is not None and found.holds(blob)
        return Sight.THERE if is_there else Sight.GONE
