"""The application of this process as clients reach it, without a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import httpx
from django.conf import settings

from backend.config.api_container import ApiContainer
from tests.calm import Calm
from tests.documented import DocumentedProblems


class ApiInProcess:
    """Every refusal must be one that its operation documents."""

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[httpx.AsyncClient]:
        async with cls.of(ApiContainer(settings.ENVIRONMENT)) as http:
            yield http

    @staticmethod
    @cache
    def document() -> dict[str, Any]:
        """The same whatever is configured, and dear to make."""
        return ApiContainer(settings.ENVIRONMENT).api.document.content

    @classmethod
    @asynccontextmanager
    async def of(
        cls, container: ApiContainer, address: str = "127.0.0.1"
    ) -> AsyncIterator[httpx.AsyncClient]:
        """Closes the container at the end; `address` is where clients come from."""
        Calm.make(container)
        documented = DocumentedProblems(cls.document())
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(
                app=container.application,  # type: ignore[arg-type]
                client=(address, 4711),
            ),
            base_url="http://localhost",
            event_hooks={"response": [documented.check_later]},
        ) as http:
            yield http
        await container.close()
