"""What the benchmark of linear regions asks, and how it times, compares and prints."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

import hullspace
from common import data_path
from hullspace.networks import Convolution, Dense, ReluNetwork, Stage, Term
from region_peers import Layers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from region_peers import Found

    Floats = npt.NDArray[np.float64]

# Counts in [-1, 1]^n that at least two independent programs agree on.
BOXES = {
    (2, 10, 5, 1): 42,
    (3, 16, 16, 1): 1_276,
    (3, 32, 32, 1): 11_512,
    (5, 20, 1): 6_182,
    (5, 16, 16, 16, 1): 43_121,
}
SPACES = {(2, 10, 5, 1): 124, (2, 16, 16, 1): 572, (2, 32, 32, 1): 2_268, (3, 16, 16, 1): 5_028}
LARGE = ((8, 32, 32, 1), (16, 64, 64, 1))
FIRST = 10_000
PLANE = (2, 64, 64, 64, 1)
ONE_REGION = ((784, 64, 32, 10), (784, 256, 128, 10), (784, 512, 256, 10))
MANY = (3, 64, 64, 1)
KEPT = (MANY, (3, 128, 128, 1))
HALF_WIDTHS = (0.05, 0.1, 0.2)

# Lines in [-1, 1]^2, as rows (a, b, c) of a x + b y + c = 0, and the regions that they make.
ARRANGEMENTS: dict[str, tuple[int, list[tuple[float, float, float]]]] = {
    "a duplicated line": (7, [(1, 0, -0.1), (0, 1, -0.2), (1, 1, -0.5), (2, 2, -1)]),
    "three concurrent lines": (6, [(1, 0, -0.25), (0, 1, -0.25), (1, -1, 0)]),
    "parallels 1e-8 apart": (10, [(1, 0, -0.1), (1, 0, -0.1 - 1e-8), (0, 1, -0.2), (1, 1, -0.5)]),
    "parallels 1e-12 apart": (10, [(1, 0, -0.1), (1, 0, -0.1 - 1e-12), (0, 1, -0.2), (1, 1, -0.5)]),
    "a grid of 3 x 3": (16, [(1, 0, k / 4 - 0.125) for k in range(3)]
                        + [(0, 1, k / 4 - 0.125) for k in range(3)]),
    "a dead unit": (7, [(1, 0, -0.1), (0, 1, -0.2), (1, 1, -0.5), (0, 0, -1)]),
    "both axes": (4, [(1, 0, 0), (0, 1, 0)]),
    "lines through corners": (4, [(1, 1, 0), (1, -1, 0)]),
    "lines along sides": (2, [(1, 0, -1), (0, 1, 1), (1, 0, -0.1)]),
}  # fmt: skip


def network_of(layers: Layers) -> ReluNetwork:
    """Give the layers to hullspace."""
    return ReluNetwork.from_arrays(layers.weights, layers.biases)


def convolutional_network() -> ReluNetwork:
    """Nineteen convolutions, as wide as those of a ResNet-20, and a linear layer."""
    generator = np.random.default_rng(0)
    stages, shape = [], (3, 32, 32)
    for channels, size in [(16, 32)] * 7 + [(32, 16)] * 6 + [(64, 8)] * 6:
        stride = shape[1] // size
        scale = np.sqrt(2.0 / (9 * shape[0]))
        kernels = generator.normal(size=(channels, shape[0], 3, 3)) * scale
        operator = Convolution(kernels, shape, (stride, stride), (1, 1, 1, 1))
        bias = np.repeat(0.1 * generator.normal(size=channels), size * size)
        stages.append(Stage((Term(len(stages), operator),), bias, np.zeros(len(bias))))
        shape = (channels, size, size)
    n = int(np.prod(shape))
    head = Dense(generator.normal(size=(10, n)) / np.sqrt(n))
    stages.append(Stage((Term(len(stages), head),), np.zeros(10), np.ones(10)))
    return ReluNetwork(stages, (3, 32, 32))


def mine(network: ReluNetwork, domain: object, **options: Any) -> tuple[Any, float]:
    """Regions, and the CPU seconds of the best of up to three runs."""
    times: list[float] = []
    while len(times) < 3 and sum(times) < 2.0:
        start = time.process_time()
        found = hullspace.enumerate_regions(network, domain, n_threads=1, **options)
        kept = found.patterns, found.interior_points
        times.append(time.process_time() - start)
    assert np.array_equal(network.pattern(kept[1]), kept[0]), "patterns are not those of the points"
    assert len(np.unique(kept[0], axis=0)) == len(found), "a region was found twice"
    return found, min(times)


def assert_same(found: Any, other: Found, *, complete: bool) -> None:
    """Compare patterns: all of them, or those that a limited search found."""
    if complete:
        assert other.n_regions == len(found), f"{len(found)} regions, a peer {other.n_regions}"
    if other.patterns is not None:
        both = np.unique(np.concatenate([found.patterns, other.patterns]), axis=0)
        assert len(both) == len(found), "a peer found other regions"


def rate(count: int, seconds: float) -> str:
    """Regions a second."""
    return f"{count / max(seconds, 1e-9):,.0f}"


def named(widths: Sequence[int]) -> str:
    """Write 3-16-16-1."""
    return "-".join(map(str, widths))


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; a dash is what was left out."""
    table = Table(title=title, title_justify="left")
    for k, column in enumerate(columns):
        table.add_column(column, justify="right" if k else "left", no_wrap=not k)
    for row in rows:
        table.add_row(*row)
    Console(width=130).print(table)


def times_faster(own: str, others: Sequence[str]) -> list[str]:
    """How many times as fast as others, of rates as written."""
    number = float(own.replace(",", ""))
    return [
        "-" if text == "-" else f"{number / max(float(text.replace(',', '')), 1):,.1f}"
        for text in others
    ]


def acas_path() -> Path:
    """Where ACAS Xu 1_1 is looked for."""
    return data_path().parent.parent / "acasxu" / "ACASXU_run2a_1_1_batch_2000.onnx"


def mnist() -> tuple[ReluNetwork, Floats] | None:
    """Load the MNIST network and its test images as rows in [0, 1]; None, said, without data."""
    folder = data_path().parent.parent / "mnist"
    if not folder.exists():
        print(f"nothing measured on MNIST: {folder} is absent")
        return None
    network = ReluNetwork.from_onnx(folder / "mnist-net_256x2.onnx")
    with np.load(folder / "images.npz") as data:
        return network, data["test_images"].reshape(-1, network.n_inputs) / 255.0


def plane_through_images() -> tuple[Layers, Floats] | None:
    """Layers of the MNIST network; two directions and the origin of a plane through images."""
    found = mnist()
    if found is None:
        return None
    network, (a, b, c) = found[0], found[1][:3]
    layers = Layers(
        [stage.terms[0].operator.matrix for stage in network.stages],
        [stage.bias for stage in network.stages],
    )
    return layers, np.column_stack([b - a, c - a, a])
