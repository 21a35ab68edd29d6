"""The composition root of the API process."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import ninja
from django.conf import settings

from backend.api.api import Api
from backend.api.auth_controller import AuthController
from backend.api.controller import Controller
from backend.api.http.application import Application, HttpOptions, HttpStack
from backend.api.http.errors import ErrorTranslator, Problems
from backend.api.media_controller import MediaController
from backend.api.system_controller import SystemController
from backend.api.upload.receiver import UploadLimits, UploadReceiver
from backend.config.container import Container
from backend.orm.media_repository import MediaRepository
from backend.use_cases.ingest_media import IngestMedia
from backend.use_cases.refresh_session import RefreshSession
from backend.use_cases.sign_in import SignIn
from backend.use_cases.sign_out import SignOut
from backend.use_cases.sign_up import SignUp


class ApiContainer(Container):
    """Builds the controllers and the ASGI layers around them."""

    _of_this_process: ClassVar[Self | None] = None

    @classmethod
    def current(cls) -> Self:
        """The one of this process, shared by `asgi.py` and `urls.py`."""
        if cls._of_this_process is None:
            cls._of_this_process = cls(settings.ENVIRONMENT)
        return cls._of_this_process

    @cached_property
    def application(self) -> Application:
        stack = HttpStack(
            self.api, self.token_issuer, self.account_ledger, self.problems, self._http
        )
        return Application(stack.build(), [self._warm], [self.close])

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
            self.auth_controller,
            self.media_controller,
        ]

    @cached_property
    def auth_controller(self) -> AuthController:
        ledger, hasher, tokens = (
            self.account_ledger,
            self.password_hasher,
            self.token_issuer,
        )
        return AuthController(
            SignUp(ledger, hasher, is_open=self.environment.signup == "open"),
            SignIn(ledger, hasher, tokens),
            RefreshSession(ledger, tokens),
            SignOut(ledger, tokens),
            ledger,
        )

    @cached_property
    def media_controller(self) -> MediaController:
        return MediaController(
            UploadReceiver(
                self.staging, UploadLimits(self.environment.max_video_bytes)
            ),
            IngestMedia(self.media_ledger, self.doorbell),
            MediaRepository(self.database_threads),
            self.document_store,
            self.cdn_addresses,
        )

    @property
    def _http(self) -> HttpOptions:
        return HttpOptions(
            allowed_hosts=settings.ALLOWED_HOSTS,
            body_limit_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
            static_folders=[Path(ninja.__file__).parent / "static"],
            static_prefix=settings.STATIC_URL,
            stock_handler=self.environment.stock_handler,
        )

    async def _warm(self) -> None:
        """Done now, so that the first request does not wait for it."""
        _ = self.api.document.rendered
