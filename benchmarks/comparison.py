"""How long the comparison of feature space with pixel space takes, part by part.

Prints every estimate as well; layers are averaged over space.

    python benchmarks/comparison.py --layers layer2 --sample 300
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise

import numpy as np
from rich.console import Console
from rich.table import Table

from common import data_path
from hullspace import SpaceComparison, compare_spaces
from resnet20 import load_space


def main() -> None:
    """Compare the spaces of the ResNet-20 on CIFAR-10 and print times and estimates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=int, default=10_000)
    parser.add_argument("--test", type=int, default=2_000)
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--layers", nargs="*", default=[])
    parser.add_argument("--no-search", action="store_true")
    options = parser.parse_args()
    folder = data_path().parent
    if not (folder / "images.npz").exists():
        raise SystemExit(f"needs {folder / 'images.npz'}; set HULLSPACE_DATA")
    with np.load(folder / "images.npz") as file:
        arrays = {name: file[name] for name in file.files}
    parts = [
        (
            arrays[f"{part}_images"][rows].transpose(0, 3, 1, 2) / np.float32(255),
            arrays[f"{part}_labels"][rows],
        )
        for part, n in (("train", options.train), ("test", options.test))
        for rows in [np.random.default_rng(0).permutation(len(arrays[f"{part}_labels"]))[:n]]
    ]
    clock = Clock()
    found = compare_spaces(
        load_space(folder),
        *(images for images, _ in parts),
        *(labels for _, labels in parts),
        layers=options.layers,
        pool="mean",
        sample=options.sample,
        flips=False if options.no_search else None,
        progress=clock.start,
    )
    clock.start("end")
    show(found, clock)
    check(found)


class Clock:
    """CPU time of each part, which other programs on the machine change less than its seconds."""

    def __init__(self) -> None:
        self.starts: dict[str, float] = {}

    def start(self, part: str) -> None:
        """Note when a part starts, and say so."""
        self.starts[part] = time.process_time()
        print(f"{self.starts[part]:7.1f} CPU seconds: {part}", flush=True)

    def spent(self) -> dict[str, float]:
        """CPU seconds of each part."""
        parts = list(self.starts)
        return {a: self.starts[b] - self.starts[a] for a, b in pairwise(parts)}


def show(found: SpaceComparison, clock: Clock) -> None:
    """Print the times of the parts and every estimate."""
    spent = clock.spent()
    table = Table("part", "seconds", "CPU seconds")
    for part, seconds in found.seconds.items():
        table.add_row(part, f"{seconds:.1f}", f"{spent[part]:.1f}")
    table.add_row("all", f"{sum(found.seconds.values()):.1f}", f"{sum(spent.values()):.1f}")
    Console().print(table)
    for estimate in found.estimates:
        print(f"{estimate.name} ({estimate.space}): {estimate}")


def check(found: SpaceComparison) -> None:
    """Assert what must hold whatever the data."""
    for share in found.spaces.values():
        assert (share.distances <= share.neighbour_distances * (1 + 1e-6)).all()
        assert not (share.outside & ~share.outside_class).any()
    for estimate in found.estimates:
        assert np.isnan(estimate.value) or not estimate.value > estimate.high + 1e-12, estimate
        assert np.isnan(estimate.value) or not estimate.value < estimate.low - 1e-12, estimate


if __name__ == "__main__":
    main()
