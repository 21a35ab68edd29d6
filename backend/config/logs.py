"""Log lines: one event a line, with the request it belongs to and without secrets."""

import logging
import re
import sys
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# A JWT, or whatever follows the word Bearer.
TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]*\.?[\w-]*|(?<=[Bb]earer )\S+")
SECRET_NAME = re.compile(
    r"password|secret|token|authorization|access_key|refresh|cookie", re.IGNORECASE
)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
HIDDEN = "[hidden]"


class Redaction:
    """Hides secrets by name and tokens by look, also inside tracebacks."""

    def __call__(
        self, logger: WrappedLogger, method: str, event: EventDict
    ) -> EventDict:
        return {name: self._shown(name, value) for name, value in event.items()}

    def _shown(self, name: str, value: Any) -> Any:
        if SECRET_NAME.search(name):
            return HIDDEN
        if isinstance(value, str):
            return TOKEN.sub(HIDDEN, value)
        if isinstance(value, dict):
            return {n: self._shown(str(n), inner) for n, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._shown("", inner) for inner in value]
        return value


class OneLine:
    """Escapes control characters, so that lines cannot be forged or coloured.

    A traceback keeps its lines; each is indented, so none looks like an event.
    """

    def __call__(
        self, logger: WrappedLogger, method: str, event: EventDict
    ) -> EventDict:
        return {name: self._escaped(name, value) for name, value in event.items()}

    def _escaped(self, name: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if name != "exception":
            return self._plain(value)
        return "\n".join("    " + self._plain(line) for line in value.split("\n"))

    @staticmethod
    def _plain(text: str) -> str:
        return CONTROL.sub(lambda found: repr(found.group())[1:-1], text)


class Logs:
    """Sends structlog and the standard library through one set of processors."""

    def __init__(self, form: Literal["console", "json"], level: str = "INFO") -> None:
        self._form = form
        self._level = level

    def configure(self) -> None:
        """Replace whatever is configured, uvicorn's own handlers included."""
        shared = self._shared()
        structlog.configure(
            processors=[
                *shared,
                structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
            cache_logger_on_first_use=True,
        )
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=shared, processors=self._final()
            )
        )
        logging.basicConfig(handlers=[handler], level=self._level, force=True)
        logging.captureWarnings(True)
        self._adopt("uvicorn", "uvicorn.error", "uvicorn.access", "django", "dramatiq")

    @staticmethod
    def _shared() -> list[Processor]:
        return [
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ]

    def _final(self) -> list[Processor]:
        renderer: Processor = (
            structlog.processors.JSONRenderer()
            if self._form == "json"
            else structlog.dev.ConsoleRenderer(colors=False)
        )
        return [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            Redaction(),
            *([] if self._form == "json" else [OneLine()]),
            renderer,
        ]

    @staticmethod
    def _adopt(*names: str) -> None:
        for name in names:
            logger = logging.getLogger(name)
            # uvicorn's `--no-access-log` cuts its access log off: it stays so.
            if logger.hasHandlers():
                logger.handlers.clear()
                logger.propagate = True
