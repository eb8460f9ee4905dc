"""Guaranteed radii in pixels: what each method proves, and how long it takes.

Usage: ``python benchmarks/radii.py [--images 20] [--seconds 20] [--threads 2] [--exact]
[NETWORK ...]``; the networks are all of `NETWORKS` by default. Medians over the first test images;
beside them images of another class, which a search along gradients finds, bound the truth from
above. Every point of a random sample within the radii must have the image's class, and every radius
must be below the distance of that other image: otherwise the run ends. Times are wall-clock seconds
for each image and norm, with what a method begins with, two images side by side.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

import hullspace
from hullspace.bounds.norms import Euclidean, Largest
from hullspace.networks import ReluNetwork
from hullspace.regions.nearest.crossing import approach

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HULLSPACE_DATA", ROOT.parent / "shared" / "data"))
Case = tuple[ReluNetwork, np.ndarray, dict[str, object]]
QUICK = ("region", "intervals", "bounds")


def digits() -> Case:
    """Digits of 8 x 8 pixels: three convolutions with max pooling and two linear layers."""
    model, _, images = hullspace.datasets.digits_model(progress=False)
    shape = images.test_images.shape[1:]
    return ReluNetwork.from_torch(model, shape), images.test_images, {"methods": QUICK}


def mnist() -> Case:
    """Two layers of 256 units, of VNN-COMP 2021."""
    from regions_local import mnist as load

    network, images, _ = load()
    return network, images, {"methods": QUICK}


def _resnet() -> tuple[ReluNetwork, np.ndarray]:
    folder = DATA / "cifar10_resnet20"
    network = ReluNetwork.from_onnx(folder / "resnet20.onnx")
    with np.load(folder / "images.npz") as file:
        return network, file["test_images"].transpose(0, 3, 1, 2) / 255.0


def resnet() -> Case:
    """Return the ResNet-20 with its normalization, rounding bounded."""
    network, images = _resnet()
    return network, images, {"methods": QUICK, "n_images": 2}


def resnet_unrounded() -> Case:
    """Return the same, rounding left out."""
    network, images = _resnet()
    return network, images, {"methods": QUICK, "n_images": 4, "bound_rounding": False}


NETWORKS = {
    "digits": digits,
    "mnist": mnist,
    "resnet": resnet,
    "resnet-unrounded": resnet_unrounded,
}


def flips(network: ReluNetwork, images: np.ndarray, norm: float) -> np.ndarray:
    """Distances of images of another class, by steps along linearizations."""
    kind, found = (Euclidean if norm == 2 else Largest), []
    for x in images:
        label = int(network(x[None])[0].argmax())
        targets = np.delete(np.arange(network.n_outputs), label)
        starts = np.zeros((len(targets), len(x)))
        _, distances = approach(network, x, kind(-x, 1.0 - x, 0.0), label, targets, starts, 30)
        found.append(distances.min())
    return np.array(found)


def check(network: ReluNetwork, images: np.ndarray, found: object) -> None:
    """Try random images within the radii, and compare with the flips."""
    generator = np.random.default_rng(0)
    for norm, bracket in found.brackets.items():
        assert bracket.consistent.all(), (norm, bracket.lower, bracket.upper)
        for x, label, radius in zip(images, found.classes, bracket.lower, strict=True):
            steps = generator.normal(size=(20, len(x)))
            steps = np.sign(steps) if norm == np.inf else steps
            steps *= 0.999 * radius / np.linalg.norm(steps, norm, axis=1, keepdims=True)
            nearby = network(np.clip(x + steps, 0.0, 1.0))
            assert (nearby.argmax(axis=1) == label).all()


def measure(name: str, arguments: argparse.Namespace, table: Table) -> None:
    """Add the rows of one network."""
    network, images, options = NETWORKS[name]()
    n = min(arguments.images, options.pop("n_images", arguments.images))
    if arguments.exact:
        options["methods"] = (*options["methods"], "exact")
    rows = np.asarray(images[:n], dtype=np.float64).reshape(n, -1)
    found = hullspace.pixels.guaranteed_radius(
        network,
        rows,
        flips={norm: flips(network, rows, norm) for norm in (2, np.inf)},
        time_limit=arguments.seconds,
        n_threads=arguments.threads,
        **options,
    )
    check(network, rows, found)
    for k, method in enumerate(options["methods"]):
        cells = []
        for bracket in found.brackets.values():
            statuses = [status.name for status in bracket.statuses[k]]
            common = max(set(statuses), key=statuses.count)
            share = np.median(bracket.radii[k] / bracket.upper)
            count = f"{common} {statuses.count(common)}/{n}"
            cells += [f"{np.median(bracket.radii[k]):.3g}", f"{share:.1%}", count]
        table.add_row(name, method, *cells, f"{np.mean(found.seconds[:, k]):.3g}")
    uppers = [f"{np.median(bracket.upper):.3g}" for bracket in found.brackets.values()]
    table.add_row(name, "found", uppers[0], "", "", uppers[1], "", "", "", end_section=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=f"of {', '.join(NETWORKS)}")
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0, help="for each image and norm")
    parser.add_argument("--threads", type=int, default=2, help="images side by side")
    parser.add_argument("--exact", action="store_true", help="exact distances, too")
    arguments = parser.parse_args()
    unknown = set(arguments.networks) - set(NETWORKS)
    if unknown:
        parser.error(f"no such network: {', '.join(sorted(unknown))}")
    table = Table(title="Radii proven: medians", title_justify="left")
    names = ["network", "method"]
    names += [
        f"{what} {norm}" for norm in ("2", "inf") for what in ("norm", "of found,", "status,")
    ]
    for name in (*names, "s, one norm"):
        table.add_column(name, justify="left" if name in names[:2] else "right")
    with threadpool_limits(1):
        for name in arguments.networks or NETWORKS:
            measure(name, arguments, table)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
