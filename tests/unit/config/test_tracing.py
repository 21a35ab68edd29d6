"""Traces cost nothing, and need no packages, where nobody asked for them."""

import sys

import pytest
from django.conf import settings
from structlog.testing import capture_logs

from backend.config.container import Container
from backend.use_cases.ports.metrics import UNOBSERVED
from backend.use_cases.ports.tracing import UNTRACED

ADAPTER = "backend.adapters.open_telemetry"


class TestTracer:
    @pytest.fixture(autouse=True)
    def without_packages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever imports them is told that they are not there."""
        for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.delitem(sys.modules, ADAPTER, raising=False)
        monkeypatch.setitem(sys.modules, "opentelemetry", None)

    def test_nothing_is_loaded_where_none_are_wanted(self) -> None:
        container = Container(settings.ENVIRONMENT)
        with capture_logs() as logged:
            assert container.tracer is UNTRACED
        assert container.store_observer is UNOBSERVED
        assert logged == []
        assert ADAPTER not in sys.modules

    def test_packages_that_are_missing_are_named_and_stop_nothing(self) -> None:
        wanted = {"otel_endpoint": "http://127.0.0.1:4318"}
        container = Container(settings.ENVIRONMENT.model_copy(update=wanted))
        with capture_logs() as logged:
            assert container.tracer is UNTRACED
        (line,) = logged
        assert line["event"] == "tracing.not_installed"
        assert "opentelemetry" in line["reason"]
