"""What a person sets in `.env` reaches the containers, and is nowhere dropped."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend.config.environment import Environment

ROOT = Path(__file__).resolve().parents[3]
# Decided by the containers themselves, or for tests and debugging only.
NOT_OURS_TO_SET = {
    *("DATABASE_URL", "MONGO_URL", "REDIS_URL", "S3_ENDPOINT_URL", "STAGING_DIR"),
    *("DEBUG", "FAILPOINTS_DIR", "STOCK_HANDLER"),
}
# Passed on to be warned of.
NOT_TO_BE_SET = {"METRICS_PORT"}
NAMES = {str(field.alias) for field in Environment.model_fields.values()}
# Read by the SDK itself.
OF_TRACES = {
    *("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_RESOURCE_ATTRIBUTES"),
    *("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"),
}
SETTABLE = NAMES - NOT_OURS_TO_SET | OF_TRACES


@pytest.fixture
def environment() -> dict[str, Any]:
    parsed = yaml.safe_load((ROOT / "compose.yml").read_text())
    variables: dict[str, Any] = parsed["x-application"]["environment"]
    return variables


def test_every_setting_is_passed_on(environment: dict[str, Any]) -> None:
    assert set(environment) >= SETTABLE
    assert set(environment) <= NAMES | OF_TRACES


def test_what_the_page_says_of_traces_can_be_set(environment: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    named = set(re.findall(r"`(OTEL_[A-Z_]+)", page))
    assert named >= OF_TRACES
    assert named <= set(environment)


def test_every_setting_is_in_the_example() -> None:
    text = (ROOT / ".env.example").read_text()
    shown = set(re.findall(r"^#?([A-Z0-9_]+)=", text, re.MULTILINE))
    assert shown >= SETTABLE - NOT_TO_BE_SET
    assert not shown & NOT_TO_BE_SET
