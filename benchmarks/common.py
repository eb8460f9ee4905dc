"""What the benchmarks share: real data, the unit of time, and peers."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linprog, nnls

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

ROOT = Path(__file__).resolve().parent.parent


def load_features(n_queries: int) -> tuple[str, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return (name, points, queries): the CIFAR-10 features where present, else synthetic ones."""
    folder = Path(os.environ.get("HULLSPACE_DATA", ROOT.parent / "shared" / "data"))
    path = folder / "cifar10_resnet20" / "features.npz"
    if path.exists():
        with np.load(path) as data:
            return (
                "ResNet-20 on CIFAR-10",
                data["train_features"],
                data["test_features"][:n_queries],
            )
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(64, 64))
    values = np.maximum(generator.normal(size=(50_000 + n_queries, 64)) @ mixing, 0)
    values = values.astype(np.float32)
    name = f"synthetic ReLU features ({path} is absent)"
    return name, values[n_queries:], values[:n_queries]


def best_time(action: Callable[[], object], repeats: int = 3) -> float:
    """Seconds of the fastest of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def one_product(points: npt.NDArray[np.float32], queries: npt.NDArray[np.float32]) -> float:
    """Seconds of one matrix product of all points with all queries, in cache-sized blocks."""
    out = np.empty((2048, 256), np.float32)

    def run() -> None:
        for j in range(0, len(queries), 256):
            block = queries[j : j + 256].T
            for i in range(0, len(points), 2048):
                rows = points[i : i + 2048]
                np.matmul(rows, block, out=out[: len(rows), : block.shape[1]])

    return best_time(run)


def nnls_distance(points: npt.NDArray[np.floating], query: npt.NDArray[np.floating]) -> float:
    """Distance to the hull by non-negative least squares with a penalty row for the sum."""
    shifted = (points.astype(np.float64) - query).T
    penalty = 1e3 * np.abs(shifted).max()
    matrix = np.vstack([shifted, np.full(shifted.shape[1], penalty)])
    weights, _ = nnls(matrix, np.append(np.zeros(len(query)), penalty), maxiter=100_000)
    return float(np.linalg.norm(shifted @ (weights / weights.sum())))


def highs_contains(points: npt.NDArray[np.floating], query: npt.NDArray[np.floating]) -> bool:
    """Membership as a feasibility linear program."""
    matrix = np.vstack([points.T.astype(np.float64), np.ones(len(points))])
    result = linprog(np.zeros(len(points)), A_eq=matrix, b_eq=np.append(query, 1.0), method="highs")
    return bool(result.status == 0)
