"""How the time of hull questions grows with the numbers of points, features and queries.

Usage: ``python benchmarks/growth.py [--threads N] [--plot docs/images/growth.svg]``. Every row is
measured against one product of the same shapes, and one query against NNLS; distances of the two
must agree.
"""

from __future__ import annotations

import argparse
from dataclasses import astuple, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

import hullspace
import peers
from common import best_time, one_product, relu_features

N_POINTS = [12_500 * 2**i for i in range(7)]
N_FEATURES = [64 * 2**i for i in range(6)]
N_QUERIES = [1, 10, 100, 1_000, 10_000]
SHAPES = [
    *((n, 64, 1_000) for n in N_POINTS),
    *((50_000, d, 200) for d in N_FEATURES),
    *((12_500, d, 200) for d in (256, 2_048)),
    *((50_000, 64, q) for q in N_QUERIES),
]


@dataclass(frozen=True)
class Row:
    """One shape: seconds of everything."""

    n_points: int
    n_features: int
    n_queries: int
    product: float
    project: float
    contains: float
    one_query: float
    nnls: float


def measure(n_points: int, n_features: int, n_queries: int, threads: int) -> Row:
    """Time one shape, with answers compared."""
    points = relu_features(n_points, n_features)
    queries = relu_features(n_queries, n_features, seed=1)
    hull = hullspace.Hull(points, n_threads=threads)
    first = queries[:1]
    distances = []

    def nnls() -> None:
        distances.append(peers.nnls_distance(points, queries[0]))

    with threadpool_limits(threads):
        product = one_product(points, queries)
        nnls_seconds = best_time(nnls, 1)
    found = hull.project(queries)
    assert (found.status == hullspace.Status.OPTIMAL).all()
    assert abs(found.distances[0] - distances[0]) <= 1e-6 * hull.scale
    outside = found.distances - found.gaps > 0
    assert not hull.contains(queries).inside[outside].any()
    return Row(
        n_points,
        n_features,
        n_queries,
        product,
        best_time(lambda: hull.project(queries, n_threads=threads)),
        best_time(lambda: hull.contains(queries, n_threads=threads)),
        best_time(lambda: hullspace.Hull(points, n_threads=threads).project(first), 2),
        nnls_seconds,
    )


def print_rows(rows: list[Row]) -> None:
    """Print one line for each shape."""
    table = Table(title="Growth", title_justify="left")
    names = ("points", "features", "queries", "product, s", "project", "contains")
    for name in (*names, "one query with Hull(points), ms", "NNLS, ms"):
        table.add_column(name, justify="right")
    for row in rows:
        n_points, n_features, n_queries, product, *_ = astuple(row)
        table.add_row(
            *(f"{n:,}" for n in (n_points, n_features, n_queries)),
            f"{product:.4f}",
            f"{row.project / product:.2f}",
            f"{row.contains / product:.2f}",
            f"{1e3 * row.one_query:,.1f}",
            f"{1e3 * row.nnls:,.0f}",
        )
    Console(width=120).print(table)


def plot(rows: list[Row], path: Path) -> None:
    """Time per query against each size, with the product's."""
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "hullspace"
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained", sharey=True)
    panels = [
        ("n_points", "points, 64 features", [r for r in rows if r.n_features == 64]),
        ("n_features", "features, 50,000 points", [r for r in rows if r.n_points == 50_000]),
        ("n_queries", "queries, 50,000 x 64 points", rows[-len(N_QUERIES) :]),
    ]
    counts = {"n_points": 1_000, "n_features": 200}
    curves = [("project", "o-"), ("contains", "s-"), ("product", "k--")]
    for axis, (size, label, shown) in zip(axes, panels, strict=True):
        line = [r for r in shown if r.n_queries == counts.get(size, r.n_queries)]
        line.sort(key=lambda r: getattr(r, size))
        x = [getattr(r, size) for r in line]
        for name, style in curves:
            y = [1e3 * getattr(r, name) / r.n_queries for r in line]
            axis.loglog(x, y, style, label="one matrix product" if name == "product" else name)
        axis.loglog(x, [1e3 * r.nnls for r in line], "^:", label="NNLS (scipy)")
        axis.set_xlabel(label)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("ms per query")
    axes[0].legend()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=hullspace.build_info()["threads"])
    parser.add_argument("--plot", type=Path, help="an SVG or PNG file to draw")
    arguments = parser.parse_args()
    rows = [measure(*shape, arguments.threads) for shape in SHAPES]
    print_rows(rows)
    if arguments.plot:
        plot(rows, arguments.plot)


if __name__ == "__main__":
    main()
