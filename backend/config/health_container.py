"""What the API process builds for its health checks."""

import asyncio
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

from backend.adapters.s3_object_probe import S3ObjectProbe
from backend.adapters.stoppable_threads import StoppableThreads
from backend.adapters.store_checks import RedisCheck, S3Check, StagingCheck
from backend.config.container import Container
from backend.domain.health import StoreName
from backend.odm.mongo_check import MongoCheck
from backend.orm.database_threads import DatabaseThreads
from backend.orm.job_pulse import JobPulse
from backend.use_cases.check_health import MOST_SECONDS, CheckHealth
from backend.use_cases.ports.health import StoreCheck


class HealthContainer(Container):
    """Builds the checks, each with connections of its own."""

    _HEALTH_CLOSED: ClassVar = ("health_probe", "health_threads")
    _HEALTH_ASKED: ClassVar = 2

    @cached_property
    def check_health(self) -> CheckHealth:
        return CheckHealth(
            JobPulse(self.health_threads),
            {
                StoreName.MONGO: MongoCheck(self.mongo_connection),
                StoreName.REDIS: self.redis_check,
                StoreName.S3: S3Check(self.health_probe),
                StoreName.STAGING: self._staging_check,
            },
        )

    @property
    def _staging_check(self) -> StoreCheck:
        """What is staged in the store can be staged as long as the store answers."""
        if self.stages_in_store:
            return S3Check(self.health_probe)
        return StagingCheck(self.staging)

    @cached_property
    def health_threads(self) -> DatabaseThreads:
        return DatabaseThreads(1, MOST_SECONDS, MOST_SECONDS)

    @cached_property
    def redis_check(self) -> RedisCheck:
        return RedisCheck(self.environment.redis_url.get_secret_value())

    @cached_property
    def health_probe(self) -> S3ObjectProbe:
        """Two threads, for staging may ask the same store; they are free again once both
        limits have passed."""
        settings = replace(
            self.s3_settings,
            connect_timeout_seconds=MOST_SECONDS,
            read_timeout_seconds=MOST_SECONDS,
            connections=self._HEALTH_ASKED,
        )
        return S3ObjectProbe(
            settings, StoppableThreads("s3-health", self._HEALTH_ASKED)
        )

    async def close(self) -> None:
        if (check := vars(self).get("redis_check")) is not None:
            await check.close()
        for name in self._HEALTH_CLOSED:
            if (built := vars(self).get(name)) is not None:
                await asyncio.to_thread(built.close)
        await super().close()
