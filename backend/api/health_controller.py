"""Whether this process can do its work, over HTTP."""

from datetime import datetime
from typing import Literal, Self

from django.http import HttpResponse
from ninja import Schema, Status
from pydantic import Field

from backend.api.controller import Controller
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import PUBLIC
from backend.domain.health import Health, HealthStatus, StoreName
from backend.use_cases.check_health import CheckHealth

Answering = Literal["ok", "away"]

# As in every other 503.
RETRY_AFTER_SECONDS = "5"


class StoreChecksOut(Schema):
    postgres: Answering
    mongo: Answering
    redis: Answering
    s3: Answering
    staging: Answering


class ReadyOut(Schema):
    """`degraded` still serves; `unavailable` (503) does not."""

    status: HealthStatus
    checks: StoreChecksOut
    oldest_queued_seconds: float | None = Field(
        description="How long the longest due job has waited for a worker."
    )
    last_worker_heartbeat: datetime | None

    @classmethod
    def of(cls, health: Health) -> Self:
        checks = {
            store.value: "ok" if health.is_there[store] else "away"
            for store in StoreName
        }
        return cls(
            status=health.status,
            checks=StoreChecksOut.model_validate(checks),
            oldest_queued_seconds=health.pulse.oldest_queued_seconds,
            last_worker_heartbeat=health.pulse.last_worker_heartbeat,
        )


class HealthController(Controller):
    """For load balancers, container health checks and people on call."""

    tag = "system"

    def __init__(self, check_health: CheckHealth) -> None:
        super().__init__()
        self._check_health = check_health
        self.add(
            "/health/ready/",
            "GET",
            self.ready,
            access=PUBLIC,
            response={200: ReadyOut, 503: ReadyOut},
            summary="Whether the stores answer",
        )

    async def ready(
        self, request: ApiRequest, response: HttpResponse
    ) -> Status[ReadyOut]:
        """Names the stores that are away: 503 without PostgreSQL or staging; 200
        without the others, as most requests are still answered."""
        health = await self._check_health.execute()
        if health.status != HealthStatus.UNAVAILABLE:
            return Status(200, ReadyOut.of(health))
        response["Retry-After"] = RETRY_AFTER_SECONDS
        return Status(503, ReadyOut.of(health))
