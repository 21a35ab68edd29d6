"""The composition root of the API process."""

import asyncio
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import django.contrib.admin
import ninja
from django.conf import settings

import backend.admin
from backend.admin.operations import JobOperator
from backend.admin.pages import AdminPages
from backend.admin.site import MediaProjectAdminSite
from backend.api.api import Api
from backend.api.consistency_controller import ConsistencyController
from backend.api.controller import Controller
from backend.api.health_controller import HealthController
from backend.api.http.application import Application, HttpOptions, HttpStack
from backend.api.http.errors import ErrorTranslator, Problems
from backend.api.http.tracing import TracedRequests
from backend.api.system_controller import SystemController
from backend.config.accounts_container import AccountsContainer
from backend.config.health_container import HealthContainer
from backend.config.media_container import MediaContainer
from backend.config.operations_container import OperationsContainer
from backend.orm.consistency_repository import ConsistencyRepository
from backend.use_cases.ports.tracing import UNTRACED


class ApiContainer(
    AccountsContainer, MediaContainer, HealthContainer, OperationsContainer
):
    """Builds the API of all controllers, the admin and the ASGI layers around them."""

    SERVICE = "mediaproject-api"

    _of_this_process: ClassVar[Self | None] = None

    @classmethod
    def current(cls) -> Self:
        """The container of this process, shared by `asgi.py` and `urls.py`."""
        if cls._of_this_process is None:
            cls._of_this_process = cls(settings.ENVIRONMENT)
        return cls._of_this_process

    @cached_property
    def application(self) -> Application:
        stack = HttpStack(
            self.api,
            self.token_issuer,
            self.callers,
            self.problems,
            self._http,
            self.answer_cache,
            self.admin_pages,
        )
        http = self.measured(stack.build(), self.problems)
        if self.tracer is not UNTRACED:
            http = TracedRequests(http, self.tracer)
        return Application(http, [self._warm], [self.close])

    @cached_property
    def api(self) -> Api:
        docs = self.environment.docs == "on"
        return Api(self.controllers, self.problems, self.version, docs)

    @cached_property
    def problems(self) -> Problems:
        return Problems(ErrorTranslator())

    @cached_property
    def controllers(self) -> Sequence[Controller]:
        return [
            SystemController(self.version),
            HealthController(self.check_health),
            self.consistency_controller,
            self.auth_controller,
            self.media_controller,
            self.media_list_controller,
            self.media_detail_controller,
            self.miniature_controller,
            self.content_controller,
            self.job_controller,
            self.user_controller,
            self.role_controller,
        ]

    @cached_property
    def consistency_controller(self) -> ConsistencyController:
        return ConsistencyController(ConsistencyRepository(self.database_threads))

    @cached_property
    def admin_pages(self) -> AdminPages:
        site = MediaProjectAdminSite(
            self.check_password,
            self.cdn_addresses,
            JobOperator(self.job_operations, self.retry_failed_jobs, self.resume_jobs),
            docs=self.environment.docs == "on",
        )
        image = self.cdn_addresses.address("")
        return AdminPages(site, self.admin_threads, image)

    async def close(self) -> None:
        if "admin_threads" in vars(self):
            await asyncio.to_thread(self.admin_threads.close)
        await super().close()

    @property
    def _http(self) -> HttpOptions:
        return HttpOptions(
            allowed_hosts=settings.ALLOWED_HOSTS,
            body_limit_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
            static_folders=[
                Path(package.__path__[0]) / "static"
                for package in (ninja, django.contrib.admin, backend.admin)
            ],
            static_prefix=settings.STATIC_URL,
            trusted_proxies=self.environment.trusted_proxies,
            stock_handler=self.environment.stock_handler,
        )

    async def _warm(self) -> None:
        """Done at the start, so that the first request does not wait for it."""
        _ = self.api.document.rendered
        if self.stages_in_store:
            await asyncio.to_thread(self.s3_staging.warm)
