import dramatiq
from dramatiq import Middleware, Worker


class PromptStop(Middleware):
    """Has an idle worker end in a few tenths of a second, not in two or three.

    Dramatiq's threads look up from an empty queue once a second, and when a worker
    stops, one kind of them is waited for after the other.
    """

    _LOOK_MILLISECONDS = 100

    def before_worker_boot(self, broker: dramatiq.Broker, worker: Worker) -> None:
        """Its threads do not exist yet, and will read this time later."""
        worker.worker_timeout = self._LOOK_MILLISECONDS
