"""Batches of linear programs and projections against solvers that take one at a time.

Usage: ``python benchmarks/polyhedron.py [--batch 1000] [--shapes 5x50 ...] [TABLE ...]``; the
tables are all of `TABLES` by default. Every answer is compared, to 1e-8 relative, and a wrong one
ends the run. Everything runs on one thread of one process, and times are that process's CPU time,
which other work on the machine changes least.

The problems of a shape (features x constraints) are all different: a box of half width 1 about a
normally distributed centre (two rows for each feature), cut by rows in random directions at
distances from the centre that are uniform in [0.3, 1]. HiGHS and Clarabel solve a sample of the
same problems. SciPy's time is that of `linprog`; that of highspy leaves out building its models
and is the better of starting afresh and starting from the last basis.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

import hullspace
import program_peers as peers
from hullspace import certificates

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Shape = tuple[int, int]

SHAPES = [(5, 50), (10, 80), (64, 265), (64, 528), (784, 3068)]
# Problems of a shape that the peers solve; a batch of hullspace is smaller from 784 features on.
SAMPLES = {5: 200, 10: 100, 64: 10, 784: 1}
LARGE = 784
FEW = 4


def problems(n_features: int, n_rows: int, count: int) -> tuple[Floats, Floats]:
    """Cut boxes: (count, n_rows, n_features) rows and (count, n_rows) bounds."""
    generator = np.random.default_rng([n_features, n_rows])
    cuts = generator.normal(size=(count, n_rows - 2 * n_features, n_features))
    cuts /= np.linalg.norm(cuts, axis=2, keepdims=True)
    centers = generator.normal(size=(count, n_features))
    distances = generator.uniform(0.3, 1.0, size=cuts.shape[:2])
    sides = np.broadcast_to(np.eye(n_features), (count, n_features, n_features))
    A = np.concatenate([sides, -sides, cuts], axis=1)
    bounds = np.einsum("kij,kj->ki", cuts, centers) + distances
    return A, np.concatenate([1.0 + centers, 1.0 - centers, bounds], axis=1)


def assert_equal(found: npt.ArrayLike, expected: npt.ArrayLike) -> None:
    """Compare answers to 1e-8, relative."""
    found, expected = np.asarray(found), np.asarray(expected)
    error = np.abs(found - expected) / np.abs(expected)
    assert (error <= 1e-8).all(), f"answers differ by {error.max():.1e}"


def timed(action: Callable[[], object]) -> float:
    """CPU seconds of one run, or of the best of three where they are short."""
    times: list[float] = []
    while len(times) < 3 and sum(times) < 5.0:
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def show(title: str, columns: list[str], rows: list[list[float]], shapes: list[Shape]) -> None:
    """Print microseconds for each shape, and how many times the first column's the others take."""
    table = Table(title=title, title_justify="left")
    table.add_column("features x constraints")
    for name in columns:
        table.add_column(f"{name}, us", justify="right")
    for name in columns[1:]:
        table.add_column(f"x {name}", justify="right")
    for shape, row in zip(shapes, rows, strict=True):
        times = [f"{1e6 * seconds:,.1f}" for seconds in row]
        ratios = [f"{seconds / row[0]:,.0f}" for seconds in row[1:]]
        table.add_row(f"{shape[0]} x {shape[1]:,}", *times, *ratios)
    Console(width=120).print(table)


def centers_row(shape: Shape, batch: int, *, highspy: bool) -> list[float]:
    """Seconds of one largest ball: hullspace, linprog, highspy."""
    count = batch if shape[0] < LARGE else FEW
    A, b = problems(*shape, count)
    found = hullspace.chebyshev_centers(A, b, n_threads=1)
    assert certificates.check(A, b, found).all()
    row = [timed(lambda: hullspace.chebyshev_centers(A, b, n_threads=1)) / count]
    sample = min(SAMPLES.get(shape[0], 10), count)
    programs = [peers.ball_program(A[i], b[i]) for i in range(sample)]
    start = time.process_time()
    expected = [peers.linprog_value(*program) for program in programs]
    row.append((time.process_time() - start) / sample)
    assert_equal(found.radii[:sample], expected)
    if highspy:
        solver = peers.Highspy()
        models = [solver.model(*program) for program in programs]
        times = []
        for warm in (False, True)[: 1 + (sample > 1)]:
            values, seconds = solver.values(models, warm=warm)
            assert_equal(found.radii[:sample], values)
            times.append(seconds / sample)
        row.append(min(times))
    return row


def centers_table(shapes: list[Shape], batch: int) -> None:
    """Largest balls, each of a polyhedron of its own."""
    highspy = peers.optional("highspy") is not None
    rows = [centers_row(shape, batch, highspy=highspy) for shape in shapes]
    columns = ["chebyshev_centers", "scipy HiGHS", "highspy"][: 2 + highspy]
    show("Largest balls, each in another polyhedron", columns, rows, shapes)


def support_row(shape: Shape, batch: int, *, highspy: bool) -> list[float]:
    """Seconds of one direction: hullspace, linprog, highspy."""
    A, b = (part[0] for part in problems(*shape, 1))
    polyhedron = hullspace.Polyhedron(A, b)
    directions = np.random.default_rng(0).normal(size=(batch, shape[0]))
    found = polyhedron.support(directions, n_threads=1)
    assert certificates.check(polyhedron, directions, found).all()
    row = [timed(lambda: polyhedron.support(directions, n_threads=1)) / batch]
    sample = directions[: SAMPLES.get(shape[0], 10)]
    start = time.process_time()
    expected = [peers.linprog_value(direction, A, b) for direction in sample]
    row.append((time.process_time() - start) / len(sample))
    assert_equal(found.values[: len(sample)], expected)
    if highspy:
        values, seconds = peers.Highspy().supports(A, b, sample)
        assert_equal(found.values[: len(sample)], values)
        row.append(seconds / len(sample))
    return row


def support_table(shapes: list[Shape], batch: int) -> None:
    """Directions over one polyhedron; highspy keeps the model and starts from the last basis."""
    highspy = peers.optional("highspy") is not None
    small = [shape for shape in shapes if shape[0] < LARGE]
    rows = [support_row(shape, batch, highspy=highspy) for shape in small]
    columns = ["support", "scipy HiGHS", "highspy, warm"][: 2 + highspy]
    show("Many directions over one polyhedron", columns, rows, small)


def project_row(shape: Shape, batch: int, *, clarabel: bool) -> list[float]:
    """Seconds of one nearest point: hullspace, Clarabel."""
    A, b = (part[0] for part in problems(*shape, 1))
    polyhedron = hullspace.Polyhedron(A, b)
    center = polyhedron.chebyshev_center().center
    points = center + 2.0 * np.random.default_rng(0).normal(size=(batch, shape[0]))
    found = polyhedron.project(points, n_threads=1)
    assert certificates.check(polyhedron, points, found).all()
    row = [timed(lambda: polyhedron.project(points, n_threads=1)) / batch]
    if clarabel:
        sample = np.flatnonzero(found.distances > 0)[: SAMPLES.get(shape[0], 10)]
        start = time.process_time()
        expected = [peers.clarabel_distance(A, b, points[k]) for k in sample]
        row.append((time.process_time() - start) / len(sample))
        assert_equal(found.distances[sample], expected)
    return row


def project_table(shapes: list[Shape], batch: int) -> None:
    """Nearest points of one polyhedron."""
    clarabel = peers.optional("clarabel") is not None
    small = [shape for shape in shapes if shape[0] < LARGE]
    rows = [project_row(shape, batch, clarabel=clarabel) for shape in small]
    show("Many points onto one polyhedron", ["project", "Clarabel"][: 1 + clarabel], rows, small)


TABLES = {"centers": centers_table, "support": support_table, "project": project_table}


def as_shape(text: str) -> Shape:
    """Parse ``64x528``."""
    n_features, n_rows = (int(number) for number in text.split("x"))
    if n_rows <= 2 * n_features:
        raise ValueError("a shape needs more constraints than the sides of its box")
    return n_features, n_rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)}")
    parser.add_argument("--batch", type=int, default=1_000, help="problems a call")
    parser.add_argument("--shapes", type=as_shape, nargs="+", default=SHAPES)
    arguments = parser.parse_args()
    unknown = set(arguments.tables) - set(TABLES)
    if unknown:
        parser.error(f"no such table: {', '.join(sorted(unknown))}")
    print(f"{hullspace.build_info()['instruction_sets']['used']}, numpy {np.__version__}, 1 thread")
    with threadpool_limits(1):
        for table in arguments.tables or TABLES:
            TABLES[table](arguments.shapes, arguments.batch)


if __name__ == "__main__":
    main()
