import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from structlog.contextvars import bound_contextvars, get_contextvars

from backend.adapters.stoppable_threads import Stop, StoppableThreads, TransferStopped


class TestStoppableThreads:
    @pytest.fixture
    def threads(self) -> Iterator[StoppableThreads]:
        threads = StoppableThreads("test", most=1)
        yield threads
        threads.close()

    async def test_results_and_errors_come_back(
        self, threads: StoppableThreads
    ) -> None:
        assert await threads.run(lambda stop: 7) == 7
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda stop: 1 // 0)

    async def test_the_work_knows_the_request_of_its_caller(
        self, threads: StoppableThreads
    ) -> None:
        for request in ("one", "another"):
            with bound_contextvars(request_id=request):
                assert (await threads.run(lambda stop: get_contextvars())) == {
                    "request_id": request
                }

    async def test_a_cancelled_caller_waits_until_its_work_has_stopped(
        self, threads: StoppableThreads, caplog: pytest.LogCaptureFixture
    ) -> None:
        begun, ended = threading.Event(), threading.Event()

        def work(stop: Stop) -> None:
            begun.set()
            try:
                while True:
                    stop.check()
            except TransferStopped:
                ended.set()
                raise

        task = asyncio.create_task(threads.run(work))
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()
        del task
        gc.collect()
        assert caplog.records == []
        assert await threads.run(lambda stop: "the thread is free") is not None

    async def test_a_result_that_came_too_late_is_discarded(
        self, threads: StoppableThreads
    ) -> None:
        begun, go_on, discarded = threading.Event(), threading.Event(), list[str]()

        def work(stop: Stop) -> str:
            begun.set()
            go_on.wait(5)
            return "late"

        task = asyncio.create_task(threads.run(work, discarded.append))
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task
        await threads.run(lambda stop: None)
        assert discarded == ["late"]

    async def test_what_had_not_begun_never_begins(
        self, threads: StoppableThreads
    ) -> None:
        begun, go_on, ran = threading.Event(), threading.Event(), list[int]()

        def hold(stop: Stop) -> None:
            begun.set()
            go_on.wait(5)

        first = asyncio.create_task(threads.run(hold))
        await asyncio.to_thread(begun.wait, 5)
        second = asyncio.create_task(threads.run(lambda stop: ran.append(1)))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        go_on.set()
        await first
        await threads.run(lambda stop: None)
        assert ran == []

    async def test_no_more_than_the_pool_has_run_at_once(self) -> None:
        threads = StoppableThreads("test", most=3)
        barrier = threading.Barrier(3, timeout=5)
        together = [threads.run(lambda stop: barrier.wait()) for _ in range(9)]
        assert sorted(await asyncio.gather(*together)) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        names = {thread.name for thread in threading.enumerate()}
        assert len([name for name in names if name.startswith("test-")]) <= 3
        threads.close()

    async def test_nothing_begins_once_they_are_closed(
        self, threads: StoppableThreads
    ) -> None:
        threads.close()
        with pytest.raises(RuntimeError):
            await threads.run(lambda stop: 1)

    def test_a_process_ends_while_one_of_them_hangs(self) -> None:
        program = (
            "import threading\n"
            "from backend.adapters.stoppable_threads import DaemonThreads\n"
            "begun = threading.Event()\n"
            "hang = threading.Event()\n"
            "work = lambda: (begun.set(), hang.wait())\n"
            "DaemonThreads('test', 1).submit(work)\n"
            "begun.wait()\n"
        )
        ended = subprocess.run([sys.executable, "-c", program], timeout=10, check=True)
        assert ended.returncode == 0
