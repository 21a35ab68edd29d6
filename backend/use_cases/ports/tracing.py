"""Who follows one request through processes. Nothing here raises or blocks."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Attributes = Mapping[str, str | int]


class Span(Protocol):
    """Something that is under way."""

    def note(self, name: str, attributes: Attributes) -> None:
        """What is known of it only now, its name too."""


class Tracer(Protocol):
    """Spans within one another, also across processes by their `traceparent`."""

    def span(
        self, name: str, attributes: Attributes, parent: str = ""
    ) -> AbstractContextManager[Span]:
        """`parent` is that of another process; without, the span at hand."""

    def passed(self, name: str, seconds: float, attributes: Attributes) -> None:
        """Something that has just ended and took so long."""

    def traceparent(self) -> str:
        """That of the span at hand, as W3C writes it; empty if there is none."""

    def close(self) -> None:
        """Send what was not sent yet; waits for a second at most."""


class _NoSpan:
    def note(self, name: str, attributes: Attributes) -> None:
        pass


class Untraced:
    """Where nobody follows."""

    _SPAN = nullcontext(_NoSpan())

    def span(
        self, name: str, attributes: Attributes, parent: str = ""
    ) -> AbstractContextManager[Span]:
        return self._SPAN

    def passed(self, name: str, seconds: float, attributes: Attributes) -> None:
        pass

    def traceparent(self) -> str:
        return ""

    def close(self) -> None:
        pass


UNTRACED = Untraced()
