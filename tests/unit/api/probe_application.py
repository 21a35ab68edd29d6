"""The real layers around operations that do what the tests ask for."""

import asyncio
import os
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")
django.setup()

import ninja  # noqa: E402 - needs the settings

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
from backend.orm.account_ledger import DjangoAccountLedger  # noqa: E402
from backend.orm.database_threads import DatabaseThreads  # noqa: E402
from tests.fakes.freshness import InMemoryFreshness  # noqa: E402
from tests.unit.api.probe_controller import ProbeController  # noqa: E402


class ImpatientHttpProtocol(BoundedHttpProtocol):
    head_seconds = 1.0
    unwanted_seconds = 1.0


async def disconnect() -> None:
    await asyncio.to_thread(threads.close)


environment = Environment.load()
Logs(environment.log_format).configure()
problems = Problems(ErrorTranslator())
controllers = [SystemController("0"), ProbeController()]
api = Api(controllers, problems, "0", docs=True)
options = HttpOptions(
    allowed_hosts=["127.0.0.1"],
    body_limit_bytes=1024 * 1024,
    static_folders=[Path(ninja.__file__).parent / "static"],
    body_deadline_seconds=0.4,
    stock_handler=environment.stock_handler,
)
threads = DatabaseThreads()
accounts = DjangoAccountLedger(threads, InMemoryFreshness())
stack = HttpStack(api, JwtTokenIssuer(), accounts, problems, options)
application = Application(stack.build(), [], [disconnect])
