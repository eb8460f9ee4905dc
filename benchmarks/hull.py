"""Hull operations against one matrix product and against solvers, in one run.

Usage: ``python benchmarks/hull.py [--queries 1000] [--nnls 10] [--highs 2] [--threads N]``.
Every answer is compared as well; a wrong one ends the run with an error.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import textwrap
import time

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

import hullspace
from common import best_time, highs_contains, load_features, nnls_distance, one_product
from hullspace import certificates

MEMORY_SCRIPT = """
    import sys, threading, time
    from pathlib import Path
    import numpy as np
    from common import load_features
    import hullspace
    _, points, queries = load_features(10_000)
    queries = np.resize(queries, (int(sys.argv[1]), points.shape[1]))
    hull = hullspace.Hull(points)
    resident = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    before, sizes, done = resident(), [], threading.Event()
    def sample():
        while not done.wait(0.002):
            sizes.append(resident())
    sampler = threading.Thread(target=sample)
    sampler.start()
    p = hull.project(queries)
    done.set()
    sampler.join()
    weights = (p.weights.data, p.weights.indices, p.weights.indptr)
    results = sum(a.nbytes for a in (p.points, p.distances, p.gaps, p.status, *weights))
    print((max(sizes) - before - results) / 1e6)
"""


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--nnls", type=int, default=10, help="queries given to scipy's NNLS")
    parser.add_argument("--highs", type=int, default=2, help="queries given to HiGHS")
    parser.add_argument("--memory", type=int, default=40_000, help="queries of the memory test")
    parser.add_argument("--threads", type=int, default=hullspace.build_info()["threads"])
    return parser.parse_args()


def extra_memory(n_queries: int) -> float:
    """Megabytes that projecting needs beyond data and results, in a fresh process (Linux)."""
    command = [sys.executable, "-c", textwrap.dedent(MEMORY_SCRIPT), str(n_queries)]
    done = subprocess.run(command, cwd=sys.path[0], check=True, capture_output=True, text=True)
    return float(done.stdout)


def peer_times(hull, queries, projection, membership, arguments):
    """Seconds per query of NNLS and HiGHS, with their answers compared."""
    start = time.perf_counter()
    for i in range(arguments.nnls):
        distance = nnls_distance(hull.points, queries[i])
        assert abs(distance - projection.distances[i]) <= 1e-6 * hull.scale, "NNLS disagrees"
    nnls_time = (time.perf_counter() - start) / max(arguments.nnls, 1)
    start = time.perf_counter()
    for i in range(arguments.highs):
        assert highs_contains(hull.points, queries[i]) == membership.inside[i], "HiGHS disagrees"
    return nnls_time, (time.perf_counter() - start) / max(arguments.highs, 1)


def main() -> None:
    """Measure and print."""
    arguments = parse_arguments()
    name, points, queries = load_features(arguments.queries)
    n_queries, threads = len(queries), arguments.threads
    with threadpool_limits(threads):
        product = one_product(points, queries)
    hull = hullspace.Hull(points)
    projection = hull.project(queries, n_threads=threads)
    membership = hull.contains(queries, n_threads=threads)
    assert certificates.check(points, queries, projection).all()
    assert certificates.check(points, queries, membership).all()
    measured = {
        "Hull(points)": best_time(lambda: hullspace.Hull(points, n_threads=threads)),
        "project": best_time(lambda: hull.project(queries, n_threads=threads)),
        "project, 1 thread": best_time(lambda: hull.project(queries, n_threads=1)),
        "contains": best_time(lambda: hull.contains(queries, n_threads=threads)),
        "certificates.check": best_time(lambda: certificates.check(points, queries, membership)),
    }
    nnls_time, highs_time = peer_times(hull, queries, projection, membership, arguments)
    table = Table(
        title=f"{n_queries:,} queries, {len(points):,} x {points.shape[1]} points ({name})"
    )
    for column in ("what", "seconds", "ms per query", "products"):
        table.add_column(column, justify="left" if column == "what" else "right")
    rows = {
        "one product": product,
        **measured,
        "NNLS (scipy), projection": nnls_time * n_queries,
        "HiGHS (scipy), membership": highs_time * n_queries,
    }
    for label, seconds in rows.items():
        values = (seconds, 1e3 * seconds / n_queries, seconds / product)
        table.add_row(label, *(f"{value:,.4g}" for value in values))
    console = Console()
    console.print(table)
    info = hullspace.build_info()
    console.print(f"{threads} threads, {info['instruction_sets']['used']}, numpy {np.__version__}")
    per_query = {key: measured[key] / n_queries for key in ("project", "contains")}
    console.print(f"project is {nnls_time / per_query['project']:,.0f} times as fast as NNLS")
    console.print(f"contains is {highs_time / per_query['contains']:,.0f} times as fast as HiGHS")
    megabytes = extra_memory(arguments.memory)
    console.print(f"extra memory for {arguments.memory:,} queries: {megabytes:.0f} MB")


if __name__ == "__main__":
    main()
