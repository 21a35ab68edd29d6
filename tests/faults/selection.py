"""What `make faults` runs: `python -m tests.faults.selection` prints it, word by word."""

import sys

from tests.faults.matrix import MATRIX


class Selection:
    """Every test that a row of the matrix names, and what tries faults as a whole."""

    WHOLE = (
        (
            "tests/e2e/test_demo_and_run.py::TestRun::"
            "test_killed_outright_it_leaves_nothing_running_and_nothing_damaged"
        ),
        "tests/e2e/test_faults_processes.py",
        "tests/e2e/test_faults_stores.py",
        (
            "tests/e2e/test_large_upload.py::TestLargeUpload::"
            "test_it_takes_little_memory_and_pings_go_on[2GiB]"
        ),
        "tests/e2e/test_staging_in_store.py",
        "tests/integration/test_fleet.py::TestDeath",
        (
            "tests/integration/test_freshness.py::TestFreshness::"
            "test_what_is_wrong_would_be_seen"
        ),
        "tests/integration/test_interleavings.py",
        (
            "tests/unit/test_embedded_stack.py::TestRun::"
            "test_a_wish_to_stop_that_is_heard_twice_damages_nothing"
        ),
        "tests/faults",
    )

    @classmethod
    def nodes(cls) -> list[str]:
        """Each test once, by the names that pytest takes."""
        named = {method for row in MATRIX for method in row.methods}
        return [*cls.WHOLE, *sorted(name for name in named if not cls._is_whole(name))]

    @classmethod
    def _is_whole(cls, name: str) -> bool:
        return any(name.startswith((f"{place}::", f"{place}/")) for place in cls.WHOLE)


if __name__ == "__main__":
    sys.stdout.write(" ".join(Selection.nodes()) + "\n")
