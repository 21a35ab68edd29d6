"""What `dramatiq backend.config.worker` loads in each worker process."""

import multiprocessing
import os
import signal

import django
import dramatiq

from backend.config.single_stop import SingleStop
from backend.fleet.kernel import Kernel

# Orphans would continue beside the successors of their master.
if (master := multiprocessing.parent_process()) is not None:
    Kernel.end_with_parent(master.is_alive)
    SingleStop(signal.SIGTERM).install()

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")
django.setup()

from backend.config.settings import ENVIRONMENT  # noqa: E402 - needs Django set up
from backend.config.worker_container import WorkerContainer  # noqa: E402

container = WorkerContainer(ENVIRONMENT)
container.configure_logs()
broker = container.broker
dramatiq.set_broker(broker)
