"""How a run is shared out among processes."""

import pytest
from xdist.scheduler import LoadScopeScheduling


class Lanes(LoadScopeScheduling):
    """Tests of one lane run one after the other, in one process. A file is a lane.

    Listed are others, and those that take longest: they come first, so that nobody waits
    for them at the end. The first start of a test's id that fits decides.
    """

    LANES = (
        # They take stores away and look at the clock: never beside each other. One stack
        # is shaken for all of them.
        ("tests/e2e/test_faults_", "faults"),
        ("tests/e2e/test_deletion.py::TestDeletionUnderFaults", "faults"),
        ("tests/e2e/test_freshness.py::TestRedisAway", "faults"),
        ("tests/e2e/test_health.py::TestStoreAway", "faults"),
        ("tests/e2e/test_miniatures.py::TestKilledApi", "faults"),
        # Their stack costs as much as all of them.
        ("tests/faults/", "fault stack"),
        ("tests/unit/test_embedded_stack.py", "launcher"),
        ("tests/e2e/test_demo_and_run.py", "demo"),
        # Files that share what is dear to start: a stack. Those that look for what is left
        # behind come before those that leave work to it.
        ("tests/e2e/http/", "stack"),
        ("tests/e2e/", "stack"),
        ("tests/unit/api/", "api"),
    )

    @classmethod
    def sort(cls, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: cls._rank(item.nodeid))

    def _split_scope(self, nodeid: str) -> str:
        """The lane of a test."""
        rank = self._rank(nodeid)
        if rank < len(self.LANES):
            return self.LANES[rank][1]
        return nodeid.partition("::")[0]

    @classmethod
    def _rank(cls, nodeid: str) -> int:
        fits = (nodeid.startswith(start) for start, _ in cls.LANES)
        return next((rank for rank, is_it in enumerate(fits) if is_it), len(cls.LANES))
