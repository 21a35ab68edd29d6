"""Counts what happens in this process, and writes it as Prometheus reads it."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from backend.adapters.tally_collector import TallyCollector
from backend.domain.figures import Figures
from backend.domain.health import StoreName
from backend.domain.jobs import JobKind
from backend.domain.media import Ingested
from backend.domain.tallies import Measures

# Answers come within 5 s; uploads take as long as they take.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30, 300, 1800)
GONE = "gone"


class RequestMeters:
    """Requests of this process, by route and status."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "mediaproject_http_requests",
            "Finished requests; status gone: the client left before the answer.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "mediaproject_http_request_seconds",
            "From the head of a request to the end of its answer.",
            ["method", "route"],
            buckets=SECONDS,
            registry=registry,
        )
        # Finding a child by its labels costs more than counting.
        self._children: dict[tuple[str, str, int | None], tuple[Counter, Histogram]] = (
            {}
        )

    def answered(
        self, method: str, route: str, status: int | None, seconds: float
    ) -> None:
        key = method, route, status
        children = self._children.get(key)
        if children is None:
            shown = GONE if status is None else str(status)
            children = (
                self._requests.labels(method, route, shown),
                self._seconds.labels(method, route),
            )
            self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)


class UploadMeters:
    """Videos that this process has received."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._uploads = Counter(
            "mediaproject_uploads",
            "Videos received completely; deduplicated: their bytes were stored before.",
            ["deduplicated"],
            registry=registry,
        )
        self._bytes = Counter(
            "mediaproject_upload_bytes",
            "Bytes of the videos received completely.",
            ["deduplicated"],
            registry=registry,
        )
        for known in ("yes", "no"):  # A rate needs a zero to begin with.
            self._uploads.labels(known)
            self._bytes.labels(known)

    def ingested(self, size_bytes: int, ingested: Ingested) -> None:
        known = "yes" if ingested.deduplicated else "no"
        self._uploads.labels(known).inc()
        self._bytes.labels(known).inc(size_bytes)


class StoreMeter:
    """How long the stores take to answer this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "mediaproject_store_seconds",
            "How long stores took to answer this process.",
            ["store", "operation", "outcome"],
            buckets=Measures.STORE.bounds,
            registry=registry,
        )

    def asked(
        self, store: StoreName, operation: str, seconds: float, *, answered: bool
    ) -> None:
        outcome = "answered" if answered else "failed"
        self._seconds.labels(store.value, operation, outcome).observe(seconds)


class CacheMeter:
    """How often readers are answered from the cache."""

    def __init__(self, registry: CollectorRegistry) -> None:
        answers = Counter(
            "mediaproject_cached_answers",
            "Answers to readers; found: cached in Redis.",
            ["found"],
            registry=registry,
        )
        self._hits, self._misses = answers.labels("yes"), answers.labels("no")

    def cached(self, *, hit: bool) -> None:
        (self._hits if hit else self._misses).inc()


class PrometheusMetrics:
    """The meters of one process, in a registry of their own."""

    def __init__(self, collectors: Iterable[Collector] = ()) -> None:
        """The collectors tell what is true when they are asked."""
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        for collector in collectors:
            registry.register(collector)
        self.requests = RequestMeters(registry)
        self.uploads = UploadMeters(registry)
        self.stores = StoreMeter(registry)
        self.cache = CacheMeter(registry)

    def rendered(self, figures: Figures | None) -> bytes:
        """With the figures of the installation; None: PostgreSQL does not tell them."""
        once = CollectorRegistry()
        once.register(FiguresCollector(figures))
        once.register(TallyCollector(figures.tallies if figures else ()))
        return generate_latest(self._registry) + generate_latest(once)


class FiguresCollector(Collector):
    """Figures as gauges; what is not known has no value."""

    def __init__(self, figures: Figures | None) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        yield self._gauge(
            "mediaproject_database_answers",
            "Whether PostgreSQL has answered with the figures below.",
            0 if self._figures is None else 1,
        )
        figures = self._figures or Figures(is_known=False)
        yield self._jobs(figures)
        yield self._waits(figures)
        yield self._pauses(figures)
        yield self._findings(figures)
        yield self._gauge(
            "mediaproject_worker_heartbeat_age_seconds",
            "How long ago any worker was last alive.",
            figures.heartbeat_age_seconds,
        )
        yield self._gauge(
            "mediaproject_reconciled_age_seconds",
            "How long ago the stores were last compared.",
            figures.reconciled_age_seconds,
        )

    @staticmethod
    def _gauge(name: str, text: str, value: float | None) -> Metric:
        gauge = GaugeMetricFamily(name, text)
        if value is not None:
            gauge.add_metric([], value)
        return gauge

    @staticmethod
    def _jobs(figures: Figures) -> Metric:
        gauge = GaugeMetricFamily(
            "mediaproject_jobs",
            "Jobs that have not succeeded; code: the failure of their last attempt; "
            "failed: for good, even if a new one was "
            "opened since.",
            labels=["kind", "state", "code"],
        )
        for job in figures.jobs:
            gauge.add_metric([job.kind, job.status, job.code], job.count)
        return gauge

    @staticmethod
    def _waits(figures: Figures) -> Metric:
        gauge = GaugeMetricFamily(
            "mediaproject_job_oldest_wait_seconds",
            "How long the longest due job has waited for a worker.",
            labels=["kind"],
        )
        waits: dict[str, float] = {}
        for job in figures.jobs:
            if job.oldest_seconds is not None:
                waits[job.kind] = max(waits.get(job.kind, 0.0), job.oldest_seconds)
        for kind, seconds in waits.items():
            gauge.add_metric([kind], seconds)
        return gauge

    @staticmethod
    def _pauses(figures: Figures) -> Metric:
        gauge = GaugeMetricFamily(
            "mediaproject_job_kind_paused",
            "Whether this kind of job is paused.",
            labels=["kind"],
        )
        for kind in JobKind if figures.is_known else ():
            gauge.add_metric([kind.value], int(kind.value in figures.paused))
        return gauge

    @staticmethod
    def _findings(figures: Figures) -> Metric:
        gauge = GaugeMetricFamily(
            "mediaproject_reconcile_findings",
            "Findings of the latest comparison of the stores; applied: repaired.",
            labels=["kind", "applied"],
        )
        for finding in figures.findings:
            applied = "yes" if finding.applied else "no"
            gauge.add_metric([finding.kind, applied], finding.count)
        return gauge
