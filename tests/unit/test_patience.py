import asyncio
import math
import time

import pytest

from backend.domain.patience import Patience


class TestPatience:
    async def test_without_a_request_each_wait_has_its_own_limit(self) -> None:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                async with Patience.waiting(0.01):
                    await asyncio.Event().wait()
        assert not Patience.is_spent()

    async def test_the_waits_of_a_request_share_one(self) -> None:
        began = time.monotonic()
        with Patience.of_request(0.5):
            async with Patience.waiting(5):
                await asyncio.sleep(0.05)
            with pytest.raises(TimeoutError):
                async with Patience.waiting(5):
                    await asyncio.Event().wait()
            assert Patience.is_spent()
        assert time.monotonic() - began < 3
        assert not Patience.is_spent()

    async def test_what_can_be_done_without_leaves_enough_to_the_stores(self) -> None:
        assert Patience.spare_seconds(2.0) == math.inf
        with Patience.of_request(2.5):
            assert 0 < Patience.spare_seconds(2.0) <= 0.5
            async with Patience.waiting(5):
                await asyncio.sleep(0.6)
            assert Patience.spare_seconds(2.0) == 0

    async def test_tasks_of_the_request_share_it_and_other_requests_do_not(
        self,
    ) -> None:
        async def wait() -> None:
            async with Patience.waiting(5):
                await asyncio.Event().wait()

        async def request() -> bool:
            with Patience.of_request(0.02):
                with pytest.raises(TimeoutError):
                    await asyncio.create_task(wait())
                return Patience.is_spent()

        async def other() -> bool:
            with Patience.of_request(60):
                await asyncio.sleep(0.05)
                return Patience.is_spent()

        assert await asyncio.gather(request(), other()) == [True, False]

    async def test_what_is_no_wait_for_a_store_costs_nothing(self) -> None:
        with Patience.of_request(0.02):
            await asyncio.sleep(0.05)
            assert not Patience.is_spent()
