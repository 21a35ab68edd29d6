"""The event loop on which all attempts of a worker process run."""

import asyncio

import dramatiq
from dramatiq import Worker
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.middleware import AsyncIO

# Together with what dramatiq waits for, less than an orchestrator's usual ten.
LAST_WORD_SECONDS = 3.0


class AttemptsLoop(AsyncIO):
    """Dramatiq's loop, but it ends only when every attempt has finished.

    Dramatiq itself waits a second for an interrupted attempt and then ends its loop; a
    job that was not released by then waits for the end of its lease.
    """

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: Worker) -> None:
        thread = get_event_loop_thread()
        if thread is not None:
            thread.run_coroutine(self._last_words())
        super().after_worker_shutdown(broker, worker)  # type: ignore[no-untyped-call]

    @staticmethod
    async def _last_words() -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            # Cancelled attempts are just finishing.
            if not task.cancelling():
                task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_WORD_SECONDS)
