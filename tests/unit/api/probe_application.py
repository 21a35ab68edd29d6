"""The real layers around operations that do what the tests ask for."""

import os
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")
django.setup()

import ninja  # noqa: E402 - needs the settings
from django.conf import settings  # noqa: E402

from backend.adapters.jwt_token_issuer import JwtTokenIssuer  # noqa: E402
from backend.api.api import Api  # noqa: E402
from backend.api.http.application import (  # noqa: E402
    Application,
    HttpOptions,
    HttpStack,
)
from backend.api.http.errors import ErrorTranslator, Problems  # noqa: E402
from backend.api.http.protocol import BoundedHttpProtocol  # noqa: E402
from backend.api.system_controller import SystemController  # noqa: E402
from backend.config.environment import Environment  # noqa: E402
from backend.config.logs import Logs  # noqa: E402
from backend.orm.database_lines import DatabaseLines  # noqa: E402
from backend.orm.live_sessions import PostgresLiveSessions  # noqa: E402
from tests.fakes.callers import UncachedCallers  # noqa: E402
from tests.unit.api.probe_controller import ProbeController  # noqa: E402


class ImpatientHttpProtocol(BoundedHttpProtocol):
    head_seconds = 1.0
    unwanted_seconds = 1.0


environment = Environment.load()
Logs(environment.log_format).configure()
problems = Problems(ErrorTranslator())
controllers = [SystemController("0"), ProbeController()]
api = Api(controllers, problems, "0", docs=True)
options = HttpOptions(
    allowed_hosts=["127.0.0.1"],
    body_limit_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    static_folders=[Path(ninja.__file__).parent / "static"],
    body_deadline_seconds=1.0,
    stock_handler=environment.stock_handler,
)
lines = DatabaseLines()
callers = UncachedCallers(PostgresLiveSessions(lines))
stack = HttpStack(api, JwtTokenIssuer(), callers, problems, options, answers=None)
application = Application(stack.build(), [], [lines.close])
