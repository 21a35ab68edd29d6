"""Draws how long answers take at each size: `growth_picture.py PNG <curves.json`."""

import json
import statistics
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot


def main() -> None:
    figure, axes = pyplot.subplots(figsize=(8, 5), dpi=120)
    for way, sizes in json.load(sys.stdin).items():
        sizes.sort()
        rows = [size for size, _ in sizes]
        medians = [statistics.median(times) for _, times in sizes]
        below = [m - min(t) for m, (_, t) in zip(medians, sizes, strict=True)]
        above = [max(t) - m for m, (_, t) in zip(medians, sizes, strict=True)]
        axes.errorbar(
            rows, medians, yerr=[below, above], marker="o", capsize=3, label=way
        )
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("media")
    axes.set_ylabel("ms per answer from PostgreSQL (median, least and most)")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(sys.argv[1])


if __name__ == "__main__":
    main()
