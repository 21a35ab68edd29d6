"""The API and a worker of this process, on the real stores."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import httpx
import pytest
from django.conf import settings

from backend.config.worker_container import WorkerContainer
from tests.accounts import Accounts
from tests.api_in_process import ApiInProcess
from tests.calm import Calm
from tests.shelf import Shelf


class Caller:
    """Somebody who is signed in, and what the API answers."""

    def __init__(self, http: httpx.AsyncClient, access: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {access}"}

    async def upload(self, video: Path, **fields: str) -> httpx.Response:
        """The fields come before the video."""
        content = await asyncio.to_thread(video.read_bytes)
        files = {"video": (video.name, content)}
        return await self._ask("POST", "/media/", data=fields, files=files)

    async def uploaded(self, video: Path) -> UUID:
        answer = await self.upload(video)
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["uuid"])

    async def delete(
        self, media_id: UUID, more: dict[str, str] | None = None
    ) -> httpx.Response:
        return await self._ask("DELETE", f"/media/{media_id}/", more)

    async def retry(self, media_id: UUID, body: Any) -> httpx.Response:
        return await self._ask("POST", f"/media/{media_id}/jobs/", json=body)

    async def get(self, media_id: UUID, part: str = "") -> httpx.Response:
        return await self._ask("GET", f"/media/{media_id}/{part}")

    async def patch(self, media_id: UUID, body: Any, **headers: str) -> httpx.Response:
        return await self._ask("PATCH", f"/media/{media_id}/", json=body, more=headers)

    async def get_with(self, path: str, **headers: str) -> httpx.Response:
        return await self._ask("GET", path, more=headers)

    async def list(self, **parameters: Any) -> httpx.Response:
        return await self._ask("GET", "/media/", params=parameters)

    async def search(self, title: str, **parameters: Any) -> httpx.Response:
        return await self._ask("GET", "/search", params={"title": title, **parameters})

    async def _ask(
        self,
        method: str,
        path: str,
        more: dict[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """`more` headers may be written as Python names."""
        headers = {n.replace("_", "-"): v for n, v in (more or {}).items()}
        headers |= self._headers
        return await self._http.request(method, path, headers=headers, **options)


class Service:
    """Speaks to the application as clients do; works when told to."""

    def __init__(self, http: httpx.AsyncClient, accounts: Accounts) -> None:
        self.http = http
        self._accounts = accounts
        self.worker = WorkerContainer(settings.ENVIRONMENT)
        Calm.make(self.worker)

    @classmethod
    @asynccontextmanager
    async def running(cls, accounts: Accounts) -> AsyncIterator[Self]:
        async with ApiInProcess.running() as http:
            service = cls(http, accounts)
            await service.worker.object_storage.prepare()
            yield service
        await service.worker.close()

    async def signed_in(
        self, email: str, role: str, http: httpx.AsyncClient | None = None
    ) -> Caller:
        """`http` is another client than the service's own."""
        tokens = await self._accounts.signed_in(email, role)
        return Caller(http or self.http, tokens.access)

    async def shelf(self, email: str) -> Shelf:
        """Where rows of this user are put past the API, and yet seen at once."""
        return await Shelf.of(email, self.worker.freshness)

    async def work(self, media_id: UUID) -> None:
        """One attempt of each open job of the media, in the order of the actors."""
        for actor in self.worker.actors:
            await actor.perform(media_id)


@pytest.fixture
async def service(accounts: Accounts) -> AsyncIterator[Service]:
    async with Service.running(accounts) as service:
        yield service
