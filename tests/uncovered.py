"""Processes whose covered lines nobody counts."""

import os


class Uncovered:
    """Counting takes time. What these processes run is counted where it runs in ours, or
    in the one stack that counts for all."""

    @staticmethod
    def environment(**more: str) -> dict[str, str]:
        """Ours without what starts the counting, and more."""
        ours = {n: v for n, v in os.environ.items() if not n.startswith("COVERAGE")}
        return {**ours, **more}
