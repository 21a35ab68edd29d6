"""What all workers have counted, as Prometheus reads it."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from backend.domain.tallies import Measure, Measures, Tally


class TallyCollector(Collector):
    """Every measure has its name there, also while nothing was counted of it."""

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self._tallies = tallies

    def collect(self) -> Iterator[Metric]:
        for measure in Measures.ALL:
            tallies = [one for one in self._tallies if one.series.measure is measure]
            yield self._family(measure, tallies)

    @classmethod
    def _family(cls, measure: Measure, tallies: Sequence[Tally]) -> Metric:
        if measure.is_level:
            return cls._gauge(measure, tallies)
        make = cls._histogram if measure.bounds else cls._counter
        return make(measure, tallies)

    @staticmethod
    def _gauge(measure: Measure, tallies: Sequence[Tally]) -> Metric:
        gauge = GaugeMetricFamily(
            f"mediaproject_{measure.text}", measure.told, labels=measure.labels
        )
        for tally in tallies:
            gauge.add_metric(tally.series.values, tally.total)
        return gauge

    @staticmethod
    def _counter(measure: Measure, tallies: Sequence[Tally]) -> Metric:
        counter = CounterMetricFamily(
            f"mediaproject_{measure.text}", measure.told, labels=measure.labels
        )
        for tally in tallies:
            counter.add_metric(tally.series.values, sum(tally.counts))
        return counter

    @staticmethod
    def _histogram(measure: Measure, tallies: Sequence[Tally]) -> Metric:
        histogram = HistogramMetricFamily(
            f"mediaproject_{measure.text}", measure.told, labels=measure.labels
        )
        bounds = [*map(floatToGoString, measure.bounds), "+Inf"]
        for tally in tallies:
            buckets = list(zip(bounds, tally.cumulated, strict=True))
            histogram.add_metric(tally.series.values, buckets, tally.total)
        return histogram
