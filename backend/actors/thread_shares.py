import dramatiq
from dramatiq import Middleware, Worker


class ThreadShares(Middleware):
    """Gives each queue of a worker process an equal share of its threads.

    Dramatiq has one pool for all queues and fetches from each twice what the pool could
    do, so one kind of job that hangs soon holds every thread. It counts a message as
    fetched until it is done, so a queue limited to its share leaves the rest to others.
    """

    def before_worker_boot(self, broker: dramatiq.Broker, worker: Worker) -> None:
        """Its consumers do not exist yet, and will read this limit later."""
        queues = worker.consumer_whitelist or broker.get_declared_queues()
        worker.queue_prefetch = max(1, worker.worker_threads // len(queues))
