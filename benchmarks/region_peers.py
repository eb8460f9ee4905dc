"""Linear regions elsewhere: programs that list them, and their answers in one form.

relucent is imported where it is installed. relu_edge_subdivision and SplineCam are no packages and
are taken from the path of a checkout. SplineCam needs graph-tool, which PyPI lacks: it runs in an
interpreter of its own that has NumPy, torch, networkx, igraph and graph-tool, as
``python region_peers.py CHECKOUT PROBLEM.npz``. So nothing here imports hullspace.

All compute in double precision. Times are CPU seconds, those of child processes included.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import types
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Layers:
    """Weights and biases of linear layers with ReLU between them."""

    weights: list[Floats]
    biases: list[Floats]

    @property
    def n_inputs(self) -> int:
        """Inputs of the first layer."""
        return self.weights[0].shape[1]


@dataclass(frozen=True)
class Found:
    """What a peer found.

    Attributes
    ----------
    n_regions : int
        Regions, of which there are more where the search was limited.
    seconds : float
        CPU time of the peer itself.
    extraction : float
        CPU time of taking the regions' patterns and interior points from what the peer returns.
    patterns : (n_regions, ceil(n_hidden / 8)) uint8, or None
        Packed activation patterns, lowest bit first.
    points : (n_regions, n_inputs) float64, or None
        A point inside each region.
    """

    n_regions: int
    seconds: float
    extraction: float = 0.0
    patterns: Bytes | None = None
    points: Floats | None = None


def default_layers(widths: Sequence[int]) -> Layers:
    """Layers as torch makes them by default from seed 0."""
    import torch

    torch.manual_seed(0)
    made = [torch.nn.Linear(*pair) for pair in pairwise(widths)]
    return Layers(
        [layer.weight.detach().double().numpy() for layer in made],
        [layer.bias.detach().double().numpy() for layer in made],
    )


def module(layers: Layers) -> Any:
    """Make the same network of torch's modules."""
    import torch

    parts: list[Any] = []
    for weight, bias in zip(layers.weights, layers.biases, strict=True):
        linear = torch.nn.Linear(*weight.shape[::-1], dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight))
            linear.bias.copy_(torch.from_numpy(bias))
        parts += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*parts[:-1]).eval()


def cpu_seconds() -> float:
    """CPU time of this process and of children that have ended."""
    return sum(os.times()[:4])


def relucent_regions(layers: Layers, radius: float | None, most: float = float("inf")) -> Found:
    """Regions that meet the box [-radius, radius]^n or all space, by one worker of relucent."""
    import relucent

    found = relucent.Complex(module(layers))
    box = {} if radius is None else {"cube_radius": radius, "cube_mode": "intersect"}
    # Not at the origin, which lies on hyperplanes of special arrangements and is refused there.
    first = np.random.default_rng(0).uniform(-0.5, 0.5, size=(1, layers.n_inputs))
    start = cpu_seconds()
    found.bfs(first, nworkers=1, max_polys=most, verify=False, verbose=0, **box)
    seconds = cpu_seconds() - start
    signs = np.stack([region.ss_np.ravel() for region in found])
    return Found(len(found), seconds, patterns=_pack(signs))


def relucent_region(layers: Layers, x: Floats) -> Found:
    """Count the irredundant constraints of the region of one input."""
    import relucent

    start = cpu_seconds()
    facets = relucent.Complex(module(layers)).point2poly(x[None]).shis
    return Found(len(facets), cpu_seconds() - start)


def _pack(signs: npt.NDArray[np.int8]) -> Bytes:
    return np.packbits(signs > 0, axis=1, bitorder="little")


@contextlib.contextmanager
def _imports_from(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


@contextlib.contextmanager
def _double_precision() -> Iterator[None]:
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        torch.set_default_dtype(before)


def edge_subdivision_regions(checkout: Path, layers: Layers, radius: float) -> Found:
    """Regions in the box [-radius, radius]^n.

    The peer returns vertices with their signs; `regions_of_vertices` makes regions of them. It
    would also subdivide along the outputs, which are therefore left out.
    """
    with _imports_from(checkout):
        networks = importlib.import_module("NN")
        subdivision = importlib.import_module("edge_subdivision")

    class Double(networks.Net):  # the box comes in single precision, which holds it exactly
        def eval_block(self, x: Any, device: str = "cpu") -> Any:
            return super().eval_block(x.double(), device)

    hidden = Layers(layers.weights[:-1], layers.biases[:-1])
    with _double_precision():
        network = Double([hidden.n_inputs, *(len(bias) for bias in hidden.biases)])
        for mine, theirs in zip(module(hidden)[::2], network.fcs, strict=True):
            theirs.load_state_dict(mine.state_dict())
        start = time.process_time()
        vertices, _, signs = subdivision.skeletal_subdivision(
            network, bbox=(-radius, radius), device="cpu", verbose=False
        )
        middle = time.process_time()
    patterns, points = regions_of_vertices(vertices.numpy(), signs.numpy())
    seconds = (middle - start, time.process_time() - middle)
    return Found(len(patterns), *seconds, patterns, points)


def regions_of_vertices(vertices: Floats, signs: npt.NDArray[np.int8]) -> tuple[Bytes, Floats]:
    """Patterns of the regions around vertices, and the means of each region's vertices.

    In an arrangement in general position a vertex lies on as many hyperplanes as there are
    dimensions, and a region is there for every choice of its sides of them. The first two signs
    for each dimension are those of the box. Patterns are compared by random sums of 64 bits.
    """
    count, d = vertices.shape
    on = np.nonzero(signs == 0)[1]
    if len(on) != count * d:
        raise ValueError("a vertex lies on more hyperplanes than there are dimensions")
    on = on.reshape(count, d)
    weights = np.random.default_rng(0).integers(2**64, size=signs.shape[1], dtype=np.uint64)
    sums = np.where(signs > 0, weights, np.uint64(0)).sum(axis=1)
    owners, keys, sides = [], [], []
    for choice in product((1, -1), repeat=d):
        side = np.array(choice, np.int8)
        inside = ((side > 0) | (on >= 2 * d)).all(axis=1)
        owners.append(np.flatnonzero(inside))
        keys.append((sums + np.where(side > 0, weights[on], np.uint64(0)).sum(axis=1))[inside])
        sides.append(np.broadcast_to(side, (len(owners[-1]), d)))
    owner = np.concatenate(owners)
    _, first, region = np.unique(np.concatenate(keys), return_index=True, return_inverse=True)
    places = vertices[owner]
    points = np.column_stack([np.bincount(region, column) for column in places.T])
    full = signs[owner[first]]
    np.put_along_axis(full, on[owner[first]], np.concatenate(sides)[first], axis=1)
    return _pack(full[:, 2 * d :]), points / np.bincount(region)[:, None]


def splinecam_regions(
    python: str, checkout: Path, layers: Layers, plane: Floats, bounds: tuple[float, float]
) -> Found:
    """Regions of a planar slice, in an interpreter that has graph-tool.

    The columns of `plane` are the two directions and the origin; both coordinates are in `bounds`.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        arrays = {f"w{k}": weight for k, weight in enumerate(layers.weights)}
        arrays |= {f"b{k}": bias for k, bias in enumerate(layers.biases)}
        np.savez(path, plane=plane, bounds=bounds, **arrays)
        done = subprocess.run(
            [python, __file__, str(checkout), str(path)],
            check=False,
            capture_output=True,
            text=True,
            # Its functions are not in the language that today's torch compiles.
            env={**os.environ, "PYTORCH_JIT": "0"},
        )
    if done.returncode:
        errors = re.findall(r"^\w*(?:Error|Exception)\b.*", done.stderr, re.MULTILINE)
        raise RuntimeError(errors[-1] if errors else f"SplineCam ended with {done.returncode}")
    return Found(**json.loads(done.stdout.strip().rsplit("\n", 1)[-1]))


def _splinecam_modules(checkout: Path) -> tuple[Any, Any, Any]:
    """Import what computes, without what plots and loads models, which needs more packages."""
    package = types.ModuleType("splinecam")
    package.__path__ = [str(checkout / "splinecam")]
    sys.modules["splinecam"] = package
    names = ("graph", "utils", "wrappers")
    graph, utils, wrappers = (importlib.import_module(f"splinecam.{name}") for name in names)
    return graph, utils, wrappers


def _splinecam(checkout: Path, layers: Layers, plane: Floats, bounds: Floats) -> Found:
    """Refine polygons layer by layer, on the CPU (SplineCam's own loop asks for a GPU)."""
    import torch

    torch.set_num_threads(1)
    graph, utils, wrappers = _splinecam_modules(checkout)
    options = {"dtype": torch.float64, "device": "cpu"}
    with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
        model = wrappers.model_wrapper(
            module(layers), (layers.n_inputs,), T=torch.from_numpy(plane), **options
        )
        low, high = bounds
        corners = [[low, low], [high, low], [high, high], [low, high]]
        polygons = [torch.tensor(corners, dtype=torch.float64)]
        start = time.process_time()
        maps = model.layers[0].get_weights()[None]
        for k in range(1, len(model.layers) - 1):
            polygons, parents = graph.to_next_layer_partition(polygons, maps, k, model, **options)
            means = utils.get_region_means(polygons, 2, device="cpu")
            active = model.layers[k].get_activation_pattern(model.layers[:k].forward(means))
            parents = torch.tensor([int(parent) for parent in parents])
            maps = utils.get_Abw(active, model.layers[k].get_weights(), maps[parents])
        return Found(len(polygons), time.process_time() - start)


def main() -> None:
    """Run SplineCam on a problem in a file."""
    with np.load(sys.argv[2]) as data:
        count = sum(name.startswith("w") for name in data.files)
        layers = Layers(*([data[f"{kind}{k}"] for k in range(count)] for kind in "wb"))
        found = _splinecam(Path(sys.argv[1]), layers, data["plane"], data["bounds"])
    print(json.dumps({"n_regions": found.n_regions, "seconds": found.seconds}))


if __name__ == "__main__":
    main()
