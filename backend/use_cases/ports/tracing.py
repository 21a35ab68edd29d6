"""Tracing of requests through processes. Nothing here raises or blocks."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Attributes = Mapping[str, str | int]


class Span(Protocol):
    """An operation in progress."""

    def note(self, name: str, attributes: Attributes) -> None:
        """Set what is known only now, including the name."""


class Tracer(Protocol):
    """Spans within one another, also across processes by their `traceparent`."""

    def span(
        self, name: str, attributes: Attributes, parent: str = ""
    ) -> AbstractContextManager[Span]:
        """`parent` comes from another process; without it, the current span is the
        parent."""

    def passed(self, name: str, seconds: float, attributes: Attributes) -> None:
        """Record an operation that has just ended, with its duration."""

    def traceparent(self) -> str:
        """The `traceparent` of the current span in W3C form; empty if there is none."""

    def close(self) -> None:
        """Send what was not sent yet; waits at most a second."""


class _NoSpan:
    def note(self, name: str, attributes: Attributes) -> None:
        pass


class Untraced:
    """Traces nothing."""

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
