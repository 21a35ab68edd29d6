import asyncio

from structlog.testing import capture_logs

from backend.domain.errors import DatabaseAway, StagingAway, StorageFull
from backend.domain.health import Health, HealthStatus, Pulse, StoreName
from backend.use_cases.check_health import CheckHealth


class Asked:
    """A store that answers, fails, or says nothing."""

    def __init__(
        self, error: Exception | None = None, silent: asyncio.Event | None = None
    ) -> None:
        self.times = 0
        self.asked = asyncio.Event()
        self._error = error
        self._silent = silent

    async def ask(self) -> None:
        self.times += 1
        self.asked.set()
        if self._silent is not None:
            await self._silent.wait()
        if self._error is not None:
            raise self._error

    async def read(self) -> Pulse:
        await self.ask()
        return Pulse(oldest_queued_seconds=2.5)


class TestCheckHealth:
    async def test_all_answer(self) -> None:
        health = await CheckHealth(Asked(), {StoreName.REDIS: Asked()}).execute()
        assert health == Health(
            {StoreName.POSTGRES: True, StoreName.REDIS: True}, Pulse(2.5)
        )
        assert health.status == HealthStatus.OK

    async def test_one_that_is_silent_is_away_and_keeps_nobody_waiting(self) -> None:
        silent = Asked(silent=asyncio.Event())
        check = CheckHealth(
            Asked(),
            {StoreName.S3: silent, StoreName.MONGO: Asked(ConnectionError("refused"))},
            most_seconds=0.05,
        )
        async with asyncio.timeout(30):
            health = await check.execute()
        assert health.is_there == {
            StoreName.POSTGRES: True,
            StoreName.S3: False,
            StoreName.MONGO: False,
        }
        assert health.status == HealthStatus.DEGRADED

    async def test_without_postgresql_nothing_is_known_of_the_work(self) -> None:
        health = await CheckHealth(Asked(DatabaseAway()), {}).execute()
        assert (health.status, health.pulse) == (HealthStatus.UNAVAILABLE, Pulse())

    async def test_a_failure_that_nobody_thought_of_is_told(self) -> None:
        check = CheckHealth(
            Asked(RuntimeError("no tables")), {StoreName.MONGO: Asked(KeyError("set"))}
        )
        with capture_logs() as logged:
            health = await check.execute()
        assert health.is_there == {StoreName.POSTGRES: False, StoreName.MONGO: False}
        assert {entry["store"]: entry["reason"] for entry in logged} == {
            "postgres": "RuntimeError('no tables')",
            "mongo": "KeyError('set')",
        }

    async def test_a_broken_staging_is_worse_than_a_full_one(self) -> None:
        full = {StoreName.STAGING: Asked(StorageFull())}
        assert (await CheckHealth(Asked(), full).execute()).status == HealthStatus.OK
        broken = {StoreName.STAGING: Asked(StagingAway())}
        health = await CheckHealth(Asked(), broken).execute()
        assert health.status == HealthStatus.UNAVAILABLE

    async def test_who_comes_meanwhile_shares_the_round(self) -> None:
        answer = asyncio.Event()
        store = Asked(silent=answer)
        check = CheckHealth(Asked(), {StoreName.S3: store}, most_seconds=30)
        callers = [asyncio.create_task(check.execute()) for _ in range(20)]
        await store.asked.wait()
        callers[0].cancel()
        answer.set()
        found = await asyncio.gather(*callers[1:])
        assert {health.status for health in found} == {HealthStatus.OK}
        assert store.times == 1
        await check.execute()
        assert store.times == 2
