"""Whether the stores answer, and what that means for the caller."""

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


# Without them nothing can be uploaded or shown.
NEEDED_STORES = frozenset({StoreName.POSTGRES, StoreName.STAGING})


@dataclass(frozen=True, slots=True)
class Pulse:
    """The state of the background work, according to PostgreSQL.

    `oldest_queued_seconds` is how long the longest due job has waited for a worker;
    jobs of paused kinds do not count, as they wait for a resume.
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
