"""The workflow of the hosted CI: it does what `.ci/run` does, and may do nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def workflow() -> dict[Any, Any]:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    parsed: dict[Any, Any] = yaml.safe_load(text)
    return parsed


@pytest.fixture
def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


class TestWorkflow:
    def test_it_runs_what_a_change_must_pass(self, steps: list[dict[str, Any]]) -> None:
        assert steps[-1]["run"] == ".ci/run"
        assert (ROOT / ".ci" / "run").stat().st_mode & 0o111

    def test_it_starts_for_every_change(self, workflow: dict[Any, Any]) -> None:
        # YAML 1.1 reads the word `on` as true.
        assert {"push", "pull_request"} <= set(workflow[True])

    def test_its_token_may_only_read(self, workflow: dict[Any, Any]) -> None:
        assert workflow["permissions"] == {"contents": "read"}
        assert all("permissions" not in job for job in workflow["jobs"].values())

    def test_each_job_has_an_end(self, workflow: dict[Any, Any]) -> None:
        assert all(
            0 < job["timeout-minutes"] <= 30 for job in workflow["jobs"].values()
        )

    def test_actions_are_named_by_their_commits(
        self, steps: list[dict[str, Any]]
    ) -> None:
        used = [step["uses"] for step in steps if "uses" in step]
        assert used
        assert [use for use in used if not re.search(r"@[0-9a-f]{40}$", use)] == []

    def test_the_clone_has_its_history(self, steps: list[dict[str, Any]]) -> None:
        (checkout,) = (step for step in steps if "checkout" in step.get("uses", ""))
        assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}
