"""Hulls and linear programs on a GPU, against products and the CPU.

Usage: ``python benchmarks/cuda.py [--device cuda:0] [--tables project,large,...]``; all tables of
`TABLES` by default. Data are resident: torch's tensors on the device, and times are those of device
events, the best of some runs after one that warms up. What the scans alone take is measured by
`cuda_kernels.cu`. Answers are compared with the CPU's, and a difference ends the run. Sizes can be
made smaller for a first look (``--points``, ``--queries``, ``--programs``).
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

import hullspace
import peers
import polyhedron
from common import load_features

if TYPE_CHECKING:
    from collections.abc import Callable

TABLES = ("project", "large", "frank-wolfe", "programs")
# Features of ImageNet's training images in the last hidden layer of a ResNet-50 have this shape.
LARGE = (1_281_167, 2048)
COMPARED = 200
TOLERANCE = 1e-6


class Gpu:
    """A device, its events, and a table of what was measured."""

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        name = torch.cuda.get_device_name(self.device)
        self.table = Table("what", "ms", "products", "asked", title=name, title_justify="left")

    def milliseconds(self, action: Callable[[], object], repeats: int = 3) -> float:
        """Device time of the fastest of some runs."""
        action()
        times = []
        for _ in range(repeats):
            start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            action()
            stop.record()
            stop.synchronize()
            times.append(start.elapsed_time(stop))
        return min(times)

    def add(self, what: str, milliseconds: float, product: float | None, asked: str) -> None:
        """Add a row."""
        ratio = "" if product is None else f"{milliseconds / product:.2f}"
        self.table.add_row(what, f"{milliseconds:,.2f}", ratio, asked)


def one_product(gpu: Gpu, points: torch.Tensor, queries: torch.Tensor) -> float:
    """Milliseconds of a float32 product of all points with all queries, in pieces that fit."""
    torch.backends.cuda.matmul.allow_tf32 = False
    n_rows = max(1, int(2e9 // (4 * len(queries))))
    out = torch.empty(min(n_rows, len(points)), len(queries), device=gpu.device)

    def run() -> None:
        for first in range(0, len(points), n_rows):
            rows = points[first : first + n_rows]
            torch.mm(rows, queries.T, out=out[: len(rows)])

    return gpu.milliseconds(run)


def assert_as_the_cpu(points: Any, queries: Any, distances: torch.Tensor) -> None:
    """Compare the first distances with the CPU's, to `TOLERANCE` of the scale."""
    hull = hullspace.Hull(points.cpu().numpy())
    expected = hull.project(queries[:COMPARED].cpu().numpy()).distances
    error = np.abs(distances[:COMPARED].cpu().numpy() - expected).max() / hull.scale
    assert error <= TOLERANCE, f"distances differ by {error:.1e} of the scale"


def project_table(gpu: Gpu, options: argparse.Namespace) -> None:
    """Projections and memberships of real features."""
    name, train, test = load_features(options.queries)
    points = torch.from_numpy(train[: options.points]).to(gpu.device)
    queries = torch.from_numpy(test).to(gpu.device)
    hull = hullspace.Hull(points)
    product = one_product(gpu, points, queries)
    shape = f"{len(queries):,} x {len(points):,} x {points.shape[1]}, {name}"
    gpu.add(f"float32 product, {shape}", product, product, "")
    found = hull.project(queries)
    assert_as_the_cpu(points, queries, found.distances)
    asked = "<= 30 ms, aim 8 ms"
    gpu.add("Hull(points)", gpu.milliseconds(lambda: hullspace.Hull(points)), product, "")
    gpu.add("project", gpu.milliseconds(lambda: hull.project(queries)), product, asked)
    gpu.add("contains", gpu.milliseconds(lambda: hull.contains(queries)), product, "")
    gpu.add("support", gpu.milliseconds(lambda: hull.support(queries)), product, "")


def large_features(gpu: Gpu, n_rows: int, n_features: int, seed: int) -> torch.Tensor:
    """Correlated, nonnegative, partly sparse rows, made on the device."""
    generator = torch.Generator(gpu.device).manual_seed(seed)
    mixing = torch.randn(n_features, n_features, generator=generator, device=gpu.device)
    generator.manual_seed(1000 + seed)
    out = torch.empty(n_rows, n_features, device=gpu.device)
    for first in range(0, n_rows, 65536):
        part = out[first : first + 65536]
        noise = torch.randn(*part.shape, generator=generator, device=gpu.device)
        torch.mm(noise, mixing / n_features**0.5, out=part).relu_()
    return out


def assert_optimal(points: Any, queries: Any, found: Any, scale: float) -> None:
    """Check in double precision that no point lies beyond the hyperplanes at the nearest ones."""
    normals, nearest = found.normals, found.points
    highest = torch.full((len(queries),), -torch.inf, dtype=torch.float64, device=points.device)
    for first in range(0, len(points), 8192):
        scores = points[first : first + 8192].double() @ normals.T
        highest = torch.maximum(highest, scores.amax(dim=0))
    reached = (normals * nearest).sum(dim=1)
    distances = (queries.double() - nearest).norm(dim=1)
    assert float((highest - reached).max()) <= TOLERANCE * scale, "points lie beyond"
    assert float((distances - found.distances).abs().max()) <= TOLERANCE * scale


def large_table(gpu: Gpu, options: argparse.Namespace) -> None:
    """Projections in a space as large as that of ImageNet's features."""
    n_points = min(LARGE[0], options.large_points)
    rows = large_features(gpu, n_points + options.queries, LARGE[1], seed=0)
    points, queries = rows[:n_points], rows[n_points:].contiguous()
    product = one_product(gpu, points, queries)
    shape = f"{len(queries):,} x {len(points):,} x {points.shape[1]:,}, generated"
    gpu.add(f"float32 product, {shape}", product, product, "")
    hull = hullspace.Hull(points)
    found = hull.project(queries)
    assert_optimal(points, queries, found, hull.scale)
    time = gpu.milliseconds(lambda: hull.project(queries), repeats=1)
    gpu.add("project", time, product, "<= 6 products, aim 2")


def frank_wolfe_table(gpu: Gpu, options: argparse.Namespace) -> None:
    """Batched conditional gradients in torch on the same GPU, until they are as accurate."""
    _, train, test = load_features(options.queries)
    points = torch.from_numpy(train[: options.points]).to(gpu.device)
    queries = torch.from_numpy(test).to(gpu.device)
    hull = hullspace.Hull(points)
    exact = hull.project(queries).distances.cpu().numpy()
    ours = gpu.milliseconds(lambda: hull.project(queries))
    n_steps = 100
    while True:
        time = gpu.milliseconds(
            lambda n=n_steps: peers.frank_wolfe_distances(points, queries, n), repeats=1
        )
        excess = peers.frank_wolfe_distances(points, queries, n_steps) - exact
        worst = float(np.median(excess) / hull.scale)
        what = f"Frank-Wolfe (torch), {n_steps} steps: {worst:.1e} of the scale too far (median)"
        gpu.add(f"{what}, {time / ours:,.0f} times project", time, None, ">= 100 times")
        if worst <= TOLERANCE or time > options.patience * 1e3:
            return
        n_steps *= 4


def programs_table(gpu: Gpu, options: argparse.Namespace) -> None:
    """Largest balls in many polyhedra of 64 features and 265 constraints."""
    A, b = polyhedron.problems(64, 265, min(1000, options.programs))
    repeats = -(-options.programs // len(A))
    rows = torch.from_numpy(A).to(gpu.device).repeat(repeats, 1, 1)[: options.programs]
    bounds = torch.from_numpy(b).to(gpu.device).repeat(repeats, 1)[: options.programs]
    found = hullspace.chebyshev_centers(rows, bounds)
    expected = hullspace.chebyshev_centers(A, b).radii
    polyhedron.assert_equal(found.radii[: len(A)].cpu().numpy(), expected)
    time = gpu.milliseconds(lambda: hullspace.chebyshev_centers(rows, bounds), repeats=1)
    what = f"chebyshev_centers, {options.programs:,} of 64 features and 265 constraints"
    gpu.add(what, time, None, "<= 1,000 ms for 100,000, aim 100 ms")


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--tables", default=",".join(TABLES), help="separated by commas")
    parser.add_argument("--points", type=int, default=50_000)
    parser.add_argument("--large-points", type=int, default=LARGE[0])
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--programs", type=int, default=100_000)
    parser.add_argument("--patience", type=float, default=30.0, help="seconds for Frank-Wolfe")
    options = parser.parse_args()
    found = hullspace.devices()
    if not found.available or not torch.cuda.is_available():
        raise SystemExit(f"no GPU: {found.reason or 'torch has no CUDA'}")
    gpu = Gpu(options.device)
    tables = dict(
        zip(TABLES, (project_table, large_table, frank_wolfe_table, programs_table), strict=True)
    )
    for name in options.tables.split(","):
        with torch.cuda.device(gpu.device):
            tables[name](gpu, options)
        torch.cuda.empty_cache()
    Console(width=140).print(gpu.table)


if __name__ == "__main__":
    main()
