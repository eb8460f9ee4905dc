"""Linear regions of networks, against programs that list them too.

Usage: ``python benchmarks/regions.py [--edge-subdivision PATH] [--splinecam PATH] [TABLE ...]``;
the tables are all of `TABLES` by default. A peer is left out, with a sentence, where it is absent:
relucent comes with the `bench` extra (its solver's free licence limits the size of networks),
relu_edge_subdivision and SplineCam are checkouts of their repositories. ``--splinecam-python``
names an interpreter that has what SplineCam needs.

Networks are those that torch makes by default from seed 0, all in double precision. Everything runs
on one thread, and times are CPU time, which other work on the machine changes least; only the table
`threads` and those with time limits look at the clock. relucent finds the first regions of each
network only (``--peer-regions``). Counts are compared with known ones and with the peers', patterns
with those at the interior points and with the peers', and a difference ends the run.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

import hullspace
import hullspace.regions
import region_peers as peers
from common import best_time
from hullspace.networks import ReluNetwork
from region_columns import (
    Setting,
    edge_cells,
    peers_counts,
    relucent_cells,
    relucent_region_cells,
    splinecam_cells,
)
from region_problems import (
    ARRANGEMENTS,
    BOXES,
    FIRST,
    HALF_WIDTHS,
    KEPT,
    LARGE,
    MANY,
    ONE_REGION,
    PLANE,
    SPACES,
    acas_path,
    convolutional_network,
    mine,
    mnist,
    named,
    network_of,
    plane_through_images,
    rate,
    show,
    times_faster,
)


def boxes_table(s: Setting) -> None:
    """Regions in [-1, 1]^n, with patterns and interior points."""
    rows = []
    for widths, count in BOXES.items():
        layers = peers.default_layers(widths)
        found, seconds = mine(network_of(layers), (-1.0, 1.0))
        assert len(found) == count, f"{named(widths)}: {len(found)} regions, not {count}"
        own = rate(count, seconds)
        others = edge_cells(s, layers, found) + relucent_cells(s, layers, 1.0, found)
        rows.append(
            [named(widths), f"{count:,}", found.method, own, *others, *times_faster(own, others)]
        )
    edge = "edge subdivision"
    columns = ["network", "regions", "method", "regions/s", edge, "and extraction", "relucent"]
    columns += [f"x {edge}", "x and extraction", "x relucent"]
    show("All regions in [-1, 1]^n", columns, rows)


def spaces_table(s: Setting) -> None:
    """Regions of all of space."""
    rows = []
    for widths, count in SPACES.items():
        layers = peers.default_layers(widths)
        found, seconds = mine(network_of(layers), None)
        assert len(found) == count, f"{named(widths)}: {len(found)} regions, not {count}"
        own = rate(count, seconds)
        others = relucent_cells(s, layers, None, found)
        rows.append([named(widths), f"{count:,}", own, *others, *times_faster(own, others)])
    columns = ["network", "regions", "regions/s", "relucent", "x relucent"]
    show("All regions of space", columns, rows)


def large_table(s: Setting) -> None:
    """Take the first regions where there are too many to list."""
    rows = []
    for widths in LARGE:
        layers = peers.default_layers(widths)
        found, seconds = mine(network_of(layers), (-1.0, 1.0), max_regions=FIRST)
        assert len(found) == FIRST
        own = rate(FIRST, seconds)
        others = relucent_cells(s, layers, 1.0, None)
        rows.append([named(widths), found.method, own, *others, *times_faster(own, others)])
    columns = ["network", "method", "regions/s", "relucent", "x relucent"]
    show(f"The first {FIRST:,} regions in [-1, 1]^n", columns, rows)


def planes_table(s: Setting) -> None:
    """Planar regions: a network of two inputs, and slices through three images."""
    problems = [(named(PLANE), peers.default_layers(PLANE), np.eye(2, 3), (-1.0, 1.0))]
    images = plane_through_images()
    if images is not None:
        problems += [
            (f"mnist-net_256x2, {bounds}", *images, bounds)
            for bounds in ((0.0, 1.0), (-1.0, 2.0), (-10.0, 10.0))
        ]
    rows = []
    for name, layers, plane, bounds in problems:
        network = network_of(layers)
        u, v, origin = plane.T
        times: list[float] = []
        while len(times) < 3:
            start = time.process_time()
            found = hullspace.slice_regions(network, origin, u, v, bounds, n_threads=1)
            times.append(time.process_time() - start)
        own = rate(len(found), min(times))
        whole = "-"
        if len(origin) == 2:
            complex_, seconds = mine(network, (-1.0, 1.0))
            assert len(complex_) == len(found), "the slice and the enumeration differ"
            whole = rate(len(complex_), seconds)
        theirs = splinecam_cells(s, layers, plane, bounds)
        rows.append([name, f"{len(found):,}", own, whole, *theirs, *times_faster(own, theirs[1:])])
    columns = ["plane", "regions", "slice_regions/s", "enumerate_regions/s"]
    columns += ["SplineCam's regions", "SplineCam", "x SplineCam"]
    show("Regions of planes", columns, rows)


def region_table(s: Setting) -> None:
    """One region of networks with many inputs, and that without its redundant constraints."""
    problems: list[tuple[str, ReluNetwork, peers.Layers | None]] = []
    for widths in ONE_REGION:
        layers = peers.default_layers(widths)
        problems.append((named(widths), network_of(layers), layers))
    problems.append(("19 convolutions", convolutional_network(), None))
    columns = ["network", "units", "radius", "region_at, s", "irredundant, s", "facets"]
    columns += ["relucent, s", "x relucent"]
    show("One region", columns, [region_cells(s, *problem) for problem in problems])


def region_cells(
    s: Setting, name: str, network: ReluNetwork, layers: peers.Layers | None
) -> list[str]:
    """Seconds of a region, and of its facets where the units' hyperplanes fit into memory."""
    x = np.random.default_rng(0).uniform(size=network.n_inputs)
    start = time.process_time()
    region = hullspace.regions.region_at(network, x)
    found = time.process_time() - start
    cells = [name, f"{network.n_hidden:,}", f"{region.radius:.3g}", f"{found:.3f}"]
    if layers is None:
        return [*cells, "-", "-", "-", "-"]
    start = time.process_time()
    facets = region.irredundant(n_threads=1)
    seconds = time.process_time() - start
    body = region.polyhedron()
    excess = facets.witnesses @ body.A.T - body.b
    assert (np.argmax(excess, axis=1) == facets.indices).all(), "a witness is beyond another facet"
    assert (excess.max(axis=1) > 0).all(), "a witness is within the region"
    cells += [f"{seconds:.3f}", f"{len(facets):,}"]
    return [*cells, *relucent_region_cells(s, layers, x, len(facets), found + seconds)]


def threads_table(_: Setting) -> None:
    """Two threads over one, by the clock."""
    complete = ((3, 32, 32, 1), MANY, (5, 16, 16, 16, 1))
    problems: list[tuple[tuple[int, ...], int | None]] = [(widths, None) for widths in complete]
    problems += [(widths, FIRST) for widths in LARGE]
    rows = []
    for widths, most in problems:
        network = network_of(peers.default_layers(widths))
        runs = [
            partial(
                hullspace.enumerate_regions, network, (-1.0, 1.0), max_regions=most, n_threads=n
            )
            for n in (1, 2)
        ]
        counts = {len(run()) for run in runs}
        assert len(counts) == 1, "the number of threads changes the count"
        one, two = (best_time(run) for run in runs)
        cells = [f"{value:.3f}" for value in (one, two, one / two)]
        rows.append([named(widths), f"{counts.pop():,}", *cells])
    show("Threads", ["network", "regions", "1 thread, s", "2 threads, s", "ratio"], rows)


def memory_table(_: Setting) -> None:
    """Bytes that regions take, kept and in batches of which none is, in fresh processes (Linux)."""
    script, rows = Path(__file__).with_name("region_memory.py"), []
    for widths in KEPT:
        command = [sys.executable, str(script), *map(str, widths)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        count, row, stays, most, streamed = map(int, done.stdout.split())
        each = [f"{stays / count:.0f}", f"{most / count:.0f}", f"{stays / count / row:.2f}"]
        cells = [named(widths), f"{count:,}", str(row), *each]
        rows.append([*cells, *(f"{size / 1e6:.1f}" for size in (stays, streamed))])
    columns = ["network", "regions", "pattern and point", "resident", "at most", "ratio"]
    show("Bytes of each region", [*columns, "all, MB", "streaming, MB"], rows)


def acas_table(s: Setting) -> None:
    """ACAS Xu 1_1 in boxes around the origin of the normalized input, within a time limit."""
    if s.acas_limit <= 0 or not acas_path().exists():
        print(f"ACAS Xu left out: no time for it, or {acas_path()} is absent")
        return
    network, rows = ReluNetwork.from_onnx(acas_path()), []
    for half in HALF_WIDTHS:
        start = time.perf_counter()
        found = hullspace.enumerate_regions(
            network, (-half, half), n_threads=1, time_limit=s.acas_limit
        )
        seconds = time.perf_counter() - start
        cells = (f"{len(found):,}", found.status.name, f"{seconds:,.1f}", str(found.too_thin))
        rows.append([f"{half}", *cells, rate(len(found), seconds)])
    columns = ["half-width", "regions", "status", "seconds", "too thin", "regions/s"]
    show(f"ACAS Xu 1_1, at most {s.acas_limit:g} s each", columns, rows)


def nearest_table(s: Setting) -> None:
    """Nearest points of another class for MNIST images, by the clock."""
    data = None if s.nearest_limit <= 0 else mnist()
    if data is None:
        print("nearest boundaries left out")
        return
    network, images = data
    rows, met = [], 0
    for k, image in enumerate(images[: s.images]):
        found = hullspace.regions.nearest_boundary(
            network, image, s.norm, time_limit=s.nearest_limit, n_threads=1
        )
        assert found.lower <= found.upper
        first, second = found.classes
        if np.isfinite(found.upper):
            outputs = network(found.point[None])[0]
            assert outputs[first] - outputs[second] <= 1e-8, "the point keeps its class"
        met += found.status.name == "OPTIMAL"
        bounds = (f"{found.lower:.6f}", f"{found.upper:.6f}")
        cells = [found.status.name, *bounds, f"{found.n_nodes:,}", f"{found.seconds:.1f}"]
        rows.append([str(k), f"{first} {second}", *cells])
    title = (
        f"Nearest boundary, norm {s.norm:g}, at most {s.nearest_limit:g} s each: "
        f"{met} of {len(rows)}"
    )
    columns = ["test image", "classes", "status", "lower bound", "upper bound", "nodes", "seconds"]
    show(title, columns, rows)


def degenerate_table(s: Setting) -> None:
    """Lines in special position, as networks of one layer: what hullspace and the peers count."""
    rows = []
    for name, (count, lines) in ARRANGEMENTS.items():
        numbers = np.array(lines, dtype=np.float64)
        layers = peers.Layers(
            [numbers[:, :2], np.ones((1, len(lines)))], [numbers[:, 2], np.zeros(1)]
        )
        found, _ = mine(network_of(layers), (-1.0, 1.0))
        assert len(found) == count, f"{name}: {len(found)} regions, not {count}"
        rows.append([name, str(count), str(len(found)), *peers_counts(s, layers)])
    columns = ["lines in [-1, 1]^2", "regions", "hullspace", "edge subdivision", "relucent"]
    show("Special position", [*columns, "SplineCam"], rows)


TABLES = {
    "boxes": boxes_table,
    "spaces": spaces_table,
    "large": large_table,
    "planes": planes_table,
    "region": region_table,
    "threads": threads_table,
    "memory": memory_table,
    "degenerate": degenerate_table,
    "acas": acas_table,
    "nearest": nearest_table,
}


def setting_of(arguments: argparse.Namespace) -> Setting:
    """Say which peers are left out."""
    relucent = importlib.util.find_spec("relucent") is not None
    if not relucent:
        print("relucent is not installed and left out; pip install '.[bench]'")
    for name in ("edge_subdivision", "splinecam"):
        if getattr(arguments, name) is None:
            option = name.replace("_", "-")
            print(f"{option} is left out; --{option} takes the path of a checkout")
    return Setting(
        relucent,
        arguments.edge_subdivision,
        arguments.splinecam,
        arguments.splinecam_python,
        arguments.peer_regions,
        arguments.acas,
        arguments.nearest,
        arguments.images,
        float(arguments.norm),
    )


def main() -> None:
    """Measure and print."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)}")
    parser.add_argument("--edge-subdivision", type=Path, metavar="PATH")
    parser.add_argument("--splinecam", type=Path, metavar="PATH")
    parser.add_argument("--splinecam-python", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--peer-regions", type=int, default=300, help="that relucent looks for")
    parser.add_argument("--acas", type=float, default=60.0, help="seconds of each box; 0 for none")
    parser.add_argument("--nearest", type=float, default=60.0, help="seconds of each; 0 for none")
    parser.add_argument("--images", type=int, default=20, help="in the table nearest")
    parser.add_argument("--norm", choices=["2", "inf"], default="2", help="in the table nearest")
    arguments = parser.parse_args()
    unknown = set(arguments.tables) - set(TABLES)
    if unknown:
        parser.error(f"no such table: {', '.join(sorted(unknown))}")
    print(f"{hullspace.build_info()['instruction_sets']['used']}, numpy {np.__version__}, 1 thread")
    setting = setting_of(arguments)
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for table in arguments.tables or TABLES:
            TABLES[table](setting)


if __name__ == "__main__":
    main()
