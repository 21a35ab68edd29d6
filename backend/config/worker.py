"""What `dramatiq backend.config.worker` loads in each worker process."""

import os

import django
import dramatiq

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")
django.setup()

from backend.config.settings import ENVIRONMENT  # noqa: E402 - needs Django set up
from backend.config.worker_container import WorkerContainer  # noqa: E402

container = WorkerContainer(ENVIRONMENT)
container.logs.configure()
broker = container.broker
dramatiq.set_broker(broker)
