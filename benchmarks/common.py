"""What the benchmarks share: real data, synthetic data, the unit of time, and tables."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

ROOT = Path(__file__).resolve().parent.parent
N_TRAIN = 50_000


def data_path() -> Path:
    """Where the CIFAR-10 features are looked for."""
    folder = Path(os.environ.get("HULLSPACE_DATA", ROOT.parent / "shared" / "data"))
    return folder / "cifar10_resnet20" / "features.npz"


def load_features(n_queries: int) -> tuple[str, Floats, Floats]:
    """Return (name, points, queries): the CIFAR-10 features where present, else synthetic ones."""
    if data_path().exists():
        with np.load(data_path()) as data:
            queries = data["test_features"][:n_queries]
            return "ResNet-20 on CIFAR-10", data["train_features"], queries
    points, queries = relu_features(N_TRAIN, 64), relu_features(n_queries, 64, seed=1)
    return f"synthetic ReLU features ({data_path()} is absent)", points, queries


def load_labels() -> npt.NDArray[np.int64]:
    """Labels of the points of `load_features`: ten classes of any kind where data are absent."""
    if data_path().exists():
        with np.load(data_path()) as data:
            return data["train_labels"].astype(np.int64)
    return np.arange(N_TRAIN) % 10


def relu_features(n_rows: int, n_features: int, seed: int = 0) -> Floats:
    """Correlated, nonnegative, partly sparse rows, like learned features."""
    mixing = np.random.default_rng(99).normal(size=(n_features, n_features)).astype(np.float32)
    mixing /= np.float32(n_features**0.5)
    generator = np.random.default_rng(seed)
    rows = np.empty((n_rows, n_features), np.float32)
    for first in range(0, n_rows, 4096):
        part = rows[first : first + 4096]
        generator.standard_normal(dtype=np.float32, out=part)
        np.maximum(part @ mixing, 0.0, out=part)
    return rows


def best_time(action: Callable[[], object], repeats: int = 3) -> float:
    """Seconds of the fastest of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def one_product(points: Floats, queries: Floats, repeats: int = 3) -> float:
    """Seconds of one matrix product of all points with all queries, in cache-sized blocks."""
    out = np.empty((2048, 256), np.float32)

    def run() -> None:
        for j in range(0, len(queries), 256):
            block = queries[j : j + 256].T
            for i in range(0, len(points), 2048):
                rows = points[i : i + 2048]
                np.matmul(rows, block, out=out[: len(rows), : block.shape[1]])

    return best_time(run, repeats)


def print_table(title: str, seconds: Mapping[str, float], count: int, product: float) -> None:
    """Print times in all, per query, and in matrix products."""
    table = Table(title=title, title_justify="left")
    for column in ("what", "seconds", "ms per query", "products"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for label, value in {"one product": product, **seconds}.items():
        numbers = (value, 1e3 * value / count, value / product)
        table.add_row(label, *(f"{number:,.4g}" for number in numbers))
    Console().print(table)
