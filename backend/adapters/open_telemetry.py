"""Traces over OTLP. Import it only if its packages are installed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from backend.domain.health import StoreName
from backend.use_cases.ports.metrics import StoreObserver
from backend.use_cases.ports.tracing import Attributes, Span, Tracer

HEADER = "traceparent"
PATH = "/v1/traces"
FLUSH_MILLISECONDS = 1_000


class OpenSpan:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def note(self, name: str, attributes: Attributes) -> None:
        self._span.update_name(name)
        self._span.set_attributes(attributes)


class OpenTelemetryTracer:
    """The `Tracer` port. Spans are sent in batches by a thread of the SDK.

    It must be made after a fork. The SDK reads other `OTEL_…` variables itself, such as
    sampling and headers.
    """

    def __init__(self, endpoint: str, service: str, version: str) -> None:
        resource = Resource.create(
            {"service.name": service, "service.version": version}
        )
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + PATH)
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(service, version)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self, name: str, attributes: Attributes, parent: str = ""
    ) -> Iterator[Span]:
        context = self._context(parent)
        with self._tracer.start_as_current_span(
            name, context=context, attributes=attributes
        ) as span:
            yield OpenSpan(span)

    def passed(self, name: str, seconds: float, attributes: Attributes) -> None:
        now = time.time_ns()
        began = now - int(seconds * 1_000_000_000)
        span = self._tracer.start_span(name, attributes=attributes, start_time=began)
        span.end(now)

    def traceparent(self) -> str:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get(HEADER, "")

    def close(self) -> None:
        self._provider.force_flush(FLUSH_MILLISECONDS)

    def _context(self, parent: str) -> Context | None:
        return self._propagator.extract({HEADER: parent}) if parent else None


class TracedStores:
    """A `StoreObserver` that also records operations as spans of their caller."""

    def __init__(self, observer: StoreObserver, tracer: Tracer) -> None:
        self._observer = observer
        self._tracer = tracer

    def asked(
        self, store: StoreName, operation: str, seconds: float, *, answered: bool
    ) -> None:
        self._observer.asked(store, operation, seconds, answered=answered)
        # Operations without a parent span are not recorded.
        if self._tracer.traceparent():
            outcome = {"outcome": "answered" if answered else "failed"}
            self._tracer.passed(f"{store.value} {operation}", seconds, outcome)
