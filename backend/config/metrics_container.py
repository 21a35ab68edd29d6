"""What the API process builds to be counted."""

import asyncio
from functools import cached_property

from backend.adapters.prometheus_metrics import PrometheusMetrics
from backend.api.http.application import Mounted
from backend.api.http.asgi import AsgiApp
from backend.api.http.errors import Problems
from backend.api.http.metrics import METRICS_PATH, MeasuredRequests, MetricsPage
from backend.api.http.request_context import RequestContext
from backend.config.container import Container
from backend.orm.database_threads import DatabaseThreads
from backend.orm.figures import InstallationFigures

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
        return PrometheusMetrics()

    @cached_property
    def metrics_threads(self) -> DatabaseThreads:
        return DatabaseThreads(1, START_SECONDS, ANSWER_SECONDS)

    def measured(self, app: AsgiApp, problems: Problems) -> AsgiApp:
        """The page stands outside: scrapers call hosts by names that clients do not."""
        if not self.is_measured:
            return app
        token = self.environment.metrics_token.get_secret_value()
        figures = InstallationFigures(self.metrics_threads)
        page = MetricsPage(token, self.metrics, figures, problems)
        return Mounted(
            MeasuredRequests(app, self.metrics),
            METRICS_PATH,
            RequestContext(page, problems),
        )

    async def close(self) -> None:
        if (threads := vars(self).get("metrics_threads")) is not None:
            await asyncio.to_thread(threads.close)
        await super().close()
