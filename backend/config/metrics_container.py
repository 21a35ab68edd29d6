"""What the API process builds for its metrics."""

import asyncio
from collections.abc import Sequence
from functools import cached_property

from backend.adapters.process_gauges import PoolCollector, StagingCollector
from backend.adapters.prometheus_metrics import PrometheusMetrics
from backend.api.http.application import AtPath
from backend.api.http.asgi import AsgiApp
from backend.api.http.errors import Problems
from backend.api.http.metrics import METRICS_PATH, MeasuredRequests, MetricsPage
from backend.api.http.request_context import RequestContext
from backend.config.container import Container
from backend.orm.database_threads import DatabaseThreads
from backend.orm.figures import InstallationFigures
from backend.use_cases.ports.metrics import UNOBSERVED, CacheObserver, StoreObserver

# A few people look at a page now and then.
ADMIN_THREADS = 2
# Scrapes come every 15 s or so, and give up after 10.
START_SECONDS = 1.0
ANSWER_SECONDS = 3.0


class MetricsContainer(Container):
    """Builds nothing, and costs nothing, unless there is a token."""

    @property
    def is_measured(self) -> bool:
        return bool(self.environment.metrics_token.get_secret_value())

    @cached_property
    def metrics(self) -> PrometheusMetrics:
        pools = {
            "requests": lambda: self.database_threads.use,
            "reads": lambda: self.database_lines.use,
            "admin": lambda: self.admin_threads.use,
        }
        return PrometheusMetrics([PoolCollector(pools), *self._staging_collectors])

    @property
    def _staging_collectors(self) -> Sequence[StagingCollector]:
        """None for the object store, which the comparison of the stores lists
        anyway."""
        if self.stages_in_store:
            return []
        return [StagingCollector(self.environment.staging_dir)]

    @cached_property
    def admin_threads(self) -> DatabaseThreads:
        """Its own thread, so that the API keeps all of its threads."""
        return DatabaseThreads(ADMIN_THREADS)

    @cached_property
    def cache_observer(self) -> CacheObserver:
        return self.metrics.cache if self.is_measured else UNOBSERVED

    @cached_property
    def store_observer(self) -> StoreObserver:
        return self.traced(self.metrics.stores if self.is_measured else UNOBSERVED)

    @cached_property
    def metrics_threads(self) -> DatabaseThreads:
        return DatabaseThreads(1, START_SECONDS, ANSWER_SECONDS)

    def measured(self, app: AsgiApp, problems: Problems) -> AsgiApp:
        """The page is outside the host guard: scrapers use host names that clients do
        not."""
        if not self.is_measured:
            return app
        token = self.environment.metrics_token.get_secret_value()
        figures = InstallationFigures(self.metrics_threads)
        page = MetricsPage(token, self.metrics, figures, problems)
        return AtPath(
            MeasuredRequests(app, self.metrics.requests),
            METRICS_PATH,
            RequestContext(page, problems),
        )

    async def close(self) -> None:
        if (threads := vars(self).get("metrics_threads")) is not None:
            await asyncio.to_thread(threads.close)
        await super().close()
