"""Values of a process and its host at the moment of the scrape."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from backend.use_cases.ports.metrics import PoolUse

PoolReader = Callable[[], PoolUse]


class PoolCollector(Collector):
    """How many connections to PostgreSQL are in use, and how many wait for one."""

    def __init__(self, pools: Mapping[str, PoolReader]) -> None:
        self._pools = pools

    def collect(self) -> Iterator[Metric]:
        size = self._gauge("size", "The most connections allowed.")
        busy = self._gauge("busy", "Connections in use.")
        waiting = self._gauge("waiting", "How many wait for a connection.")
        for name, reader in self._pools.items():
            use = reader()
            size.add_metric([name], use.size)
            busy.add_metric([name], use.busy)
            waiting.add_metric([name], use.waiting)
        yield from (size, busy, waiting)

    @staticmethod
    def _gauge(name: str, text: str) -> GaugeMetricFamily:
        full = f"mediaproject_database_pool_{name}"
        return GaugeMetricFamily(full, text, labels=["pool"])


class StagingCollector(Collector):
    """The staging folder of this host; nothing if it cannot be read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        try:
            sizes = list(self._sizes())
            free = shutil.disk_usage(self._folder).free
        except OSError:
            return
        yield self._gauge("files", "Files in the staging folder.", len(sizes))
        yield self._gauge("bytes", "Bytes in the staging folder.", sum(sizes))
        yield self._gauge(
            "free_bytes", "Free bytes on the disk of the staging folder.", free
        )

    def _sizes(self) -> Iterator[int]:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                try:
                    yield entry.stat(follow_symlinks=False).st_size
                except FileNotFoundError:
                    continue

    @staticmethod
    def _gauge(name: str, text: str, value: float) -> Metric:
        return GaugeMetricFamily(f"mediaproject_staging_{name}", text, value=value)
