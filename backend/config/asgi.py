"""What uvicorn runs: `uvicorn backend.config.asgi:application`."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")
django.setup()

from backend.config.api_container import ApiContainer  # noqa: E402 - after setup

container = ApiContainer.current()
container.configure_logs()
application = container.application
