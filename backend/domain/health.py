"""Whether the stores answer, and what that means for who asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class StoreName(StrEnum):
    POSTGRES = "postgres"
    MONGO = "mongo"
    REDIS = "redis"
    S3 = "s3"
    STAGING = "staging"


class HealthStatus(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"


# Without them nothing can be taken in, nor shown.
NEEDED_STORES = frozenset({StoreName.POSTGRES, StoreName.STAGING})


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the background work goes, as PostgreSQL knows it.

    `oldest_queued_seconds` is how long the job that is due the longest has waited for
    a worker; those of kinds that are paused wait for somebody to resume them.
    """

    oldest_queued_seconds: float | None = None
    last_worker_heartbeat: datetime | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Which stores answer; the pulse is empty when PostgreSQL does not."""

    is_there: Mapping[StoreName, bool]
    pulse: Pulse

    @property
    def status(self) -> HealthStatus:
        away = {store for store, is_there in self.is_there.items() if not is_there}
        if away & NEEDED_STORES:
            return HealthStatus.UNAVAILABLE
        return HealthStatus.DEGRADED if away else HealthStatus.OK
