"""What `make faults` runs: `python -m tests.faults.selection` prints it, word by word."""

import sys

from tests.faults.matrix import MATRIX


class Selection:
    """Every test that a row of the matrix names, and what tries faults as a whole."""

    WHOLE = (
        "tests/e2e/test_demo_and_run.py",
        "tests/e2e/test_faults_processes.py",
        "tests/e2e/test_faults_stores.py",
        "tests/e2e/test_large_upload.py",
        "tests/e2e/test_staging_in_store.py",
        "tests/integration/test_fleet.py",
        "tests/integration/test_freshness.py",
        "tests/integration/test_interleavings.py",
        "tests/unit/test_embedded_stack.py",
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
