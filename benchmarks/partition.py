"""The partition of feature space on the reference features, against one matrix product.

Usage: ``python benchmarks/partition.py [--threads N]``. Answers are asserted: flip points tie, and
nothing is above them. Without the data the benchmark says so and ends.
"""

from __future__ import annotations

import argparse

import numpy as np
from threadpoolctl import threadpool_limits

import hullspace
from common import best_time, data_path, one_product, print_table


def assert_ties(partition: hullspace.DecisionPartition, flips: object) -> None:
    """At every flip point two logits tie and none is above."""
    found = np.isfinite(flips.distances)
    logits = partition.head.logits(flips.points[found])
    places = np.broadcast_to(flips.predictions[:, None], found.shape)[found]
    rows = np.arange(len(logits))
    mine, theirs = logits[rows, places], logits[rows, flips.targets[found]]
    allowed = 1e-9 * np.abs(logits).max(axis=1)
    assert (np.abs(mine - theirs) <= allowed).all()
    assert (logits.max(axis=1) - mine <= allowed).all()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=hullspace.build_info()["threads"])
    threads = parser.parse_args().threads
    if not data_path().exists():
        print(f"nothing measured: {data_path()} is absent")
        return
    split = hullspace.FeatureSplit.load(data_path())
    train, test = split.train.features, split.test.features
    partition = hullspace.DecisionPartition.from_head(split.head, features=train)
    flips = partition.boundary_points(test, "all", n_threads=threads)
    assert_ties(partition, flips)

    def chapter() -> None:
        hullspace.study_features(split, chapters=["partition"], n_threads=threads, progress=False)

    seconds = {
        f"flip points, {np.isfinite(flips.distances).sum():,}": best_time(
            lambda: partition.boundary_points(test, "all", n_threads=threads)
        ),
        "nearest flip points": best_time(
            lambda: partition.boundary_points(test, n_threads=threads)
        ),
        "ambiguity, 3 classes": best_time(
            lambda: partition.ambiguity(test, 3, n_threads=threads), 1
        ),
        "adjacency": best_time(lambda: partition.adjacency(n_threads=threads)),
        "the study's partition chapter": best_time(chapter, 1),
    }
    with threadpool_limits(threads):
        product = one_product(train, test)
    title = f"{len(test):,} features, {partition.n_classes} classes, {threads} threads"
    print_table(title, seconds, len(test), product)


if __name__ == "__main__":
    main()
