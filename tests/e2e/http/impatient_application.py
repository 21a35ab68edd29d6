"""What uvicorn runs in production, with a patience that tests can wait for."""

import os
from dataclasses import replace

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")
django.setup()

from backend.config.api_container import ApiContainer  # noqa: E402 - after setup

container = ApiContainer.current()
container.logs.configure()
# Half a minute and a kibibyte a second otherwise.
container.upload_limits = replace(
    container.upload_limits, receive_seconds=0.5, least_bytes_per_second=1024
)
application = container.application
