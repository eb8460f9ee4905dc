"""Regions near one input: region_at and nearest_boundary.

Usage: ``python benchmarks/regions_local.py [--images 20] [--seconds 60] [--threads N] [--norm 2]
[TABLE ...]``; the tables are all of `TABLES` by default. Every answer is checked, and a wrong one
ends the run. Times are wall-clock seconds.

The networks of the first table have the usual random start: numbers uniform within 1 / sqrt(n_in).
The convolutional one has the shape of a ResNet-20 for 32 x 32 images, without its shortcuts. The
second table is of the first test images of MNIST and the 784-256-256-10 network of VNN-COMP 2021,
in the pixel box [0, 1].
"""

from __future__ import annotations

import argparse
import os
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

import hullspace
from hullspace.networks import Convolution, Dense, ReluNetwork, Stage, Term
from hullspace.regions import nearest_boundary, region_at

ROOT = Path(__file__).resolve().parents[1]
CHANNELS = [16] * 7 + [32] * 6 + [64] * 6
SIZES = [32] * 7 + [16] * 6 + [8] * 6


def random_network(sizes: list[int], seed: int = 0) -> ReluNetwork:
    """Make a network of linear layers with the usual start."""
    generator = np.random.default_rng(seed)
    weights, biases = [], []
    for n_in, n_out in pairwise(sizes):
        bound = 1.0 / np.sqrt(n_in)
        weights.append(generator.uniform(-bound, bound, (n_out, n_in)))
        biases.append(generator.uniform(-bound, bound, n_out))
    return ReluNetwork.from_arrays(weights, biases)


def convolutional_network() -> ReluNetwork:
    """Nineteen convolutions, as wide as those of a ResNet-20, and a linear layer."""
    generator = np.random.default_rng(0)
    stages, shape = [], (3, 32, 32)
    for k, (channels, size) in enumerate(zip(CHANNELS, SIZES, strict=True)):
        stride = shape[1] // size
        scale = np.sqrt(2.0 / (9 * shape[0]))
        kernels = generator.normal(size=(channels, shape[0], 3, 3)) * scale
        operator = Convolution(kernels, shape, (stride, stride), (1, 1, 1, 1))
        bias = np.repeat(0.1 * generator.normal(size=channels), size * size)
        stages.append(Stage((Term(k, operator),), bias, np.zeros(len(bias))))
        shape = (channels, size, size)
    n = int(np.prod(shape))
    head = Dense(generator.normal(size=(10, n)) / np.sqrt(n))
    stages.append(Stage((Term(len(stages), head),), np.zeros(10), np.ones(10)))
    return ReluNetwork(stages, (3, 32, 32))


def mnist() -> tuple[ReluNetwork, np.ndarray, np.ndarray]:
    """Load the network, the test images in [0, 1], and their labels."""
    import onnx

    folder = Path(os.environ.get("HULLSPACE_DATA", ROOT.parent / "shared" / "data")) / "mnist"
    graph = onnx.load(folder / "mnist-net_256x2.onnx").graph
    arrays = [onnx.numpy_helper.to_array(array) for array in graph.initializer]
    network = ReluNetwork.from_arrays(
        [array for array in arrays if array.ndim == 2],
        [array for array in arrays if array.ndim == 1],
    )
    with np.load(folder / "images.npz") as file:
        images = file["test_images"].reshape(-1, 784) / 255.0
        return network, images, file["test_labels"]


def region_row(name: str, network: ReluNetwork, *, rows: bool) -> list[str]:
    """Seconds of a region, and of the units that bound it."""
    x = np.random.default_rng(1).random(network.n_inputs)
    start = time.perf_counter()
    region = region_at(network, x)
    found = time.perf_counter()
    row = [name, f"{network.n_hidden:,}", f"{region.radius:.3g}", f"{found - start:.3f}"]
    if not rows:
        return [*row, "-", "-"]
    bounding = region.irredundant(n_threads=1)
    end = time.perf_counter()
    body = region.polyhedron()
    excess = bounding.witnesses @ body.A.T - body.b
    assert (np.argmax(excess, axis=1) == bounding.indices).all()
    assert ((excess > 0).sum(axis=1) >= 1).all()
    return [*row, f"{end - found:.3f}", f"{len(bounding):,}"]


def region_table(arguments: argparse.Namespace) -> None:
    """One region."""
    table = Table(title="One region", title_justify="left")
    for name in ("network", "units", "radius", "region_at, s", "irredundant, s", "of these units"):
        table.add_column(name, justify="left" if name == "network" else "right")
    for sizes in ([784, 64, 32, 10], [784, 256, 128, 10], [784, 512, 256, 10]):
        table.add_row(*region_row("-".join(map(str, sizes)), random_network(sizes), rows=True))
    if arguments.large:
        table.add_row(*region_row("19 convolutions", convolutional_network(), rows=False))
    Console(width=120).print(table)


def nearest_table(arguments: argparse.Namespace) -> None:
    """Nearest points where the class changes, image after image."""
    network, images, labels = mnist()
    table = Table(title="Nearest boundary, mnist-net_256x2", title_justify="left")
    for name in ("image", "label", "classes", "lower", "upper", "status", "nodes", "s"):
        table.add_column(name, justify="right")
    met, total = 0, 0.0
    for i in range(arguments.images):
        norm = np.inf if arguments.norm == "inf" else 2
        found = nearest_boundary(
            network, images[i], norm, time_limit=arguments.seconds, n_threads=arguments.threads
        )
        if np.isfinite(found.upper):
            outputs = network(found.point[None])[0]
            assert outputs[found.classes[0]] - outputs[found.classes[1]] <= 1e-8
        met += found.status == hullspace.Status.OPTIMAL
        total += found.seconds
        table.add_row(
            str(i),
            str(labels[i]),
            f"{found.classes[0]} {found.classes[1]}",
            f"{found.lower:.6f}",
            f"{found.upper:.6f}",
            found.status.name,
            f"{found.n_nodes:,}",
            f"{found.seconds:.1f}",
        )
    Console(width=120).print(table)
    print(f"bounds meet for {met} of {arguments.images} images, {total:.0f} s in all")


TABLES = {"region": region_table, "nearest": nearest_table}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)}")
    parser.add_argument("--images", type=int, default=20, help="MNIST images")
    parser.add_argument("--seconds", type=float, default=60.0, help="limit for each image")
    parser.add_argument("--threads", type=int, default=None, help="for each image")
    parser.add_argument("--norm", choices=["2", "inf"], default="2")
    parser.add_argument("--large", action="store_true", help="also the convolutional network")
    arguments = parser.parse_args()
    unknown = set(arguments.tables) - set(TABLES)
    if unknown:
        parser.error(f"no such table: {', '.join(sorted(unknown))}")
    print(f"{hullspace.build_info()['instruction_sets']['used']}, numpy {np.__version__}")
    with threadpool_limits(1):
        for table in arguments.tables or TABLES:
            TABLES[table](arguments)


if __name__ == "__main__":
    main()
