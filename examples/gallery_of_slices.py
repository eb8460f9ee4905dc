"""Draw a gallery of planar slices through the linear regions of networks.

``python examples/gallery_of_slices.py --out gallery`` trains the study's network for scikit-learn's
digits and lays planes through three images each. ``--network FILE.onnx``, as often as wanted, adds
a slice of another network, for instance one of ACAS Xu or for MNIST.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

import hullspace
from hullspace import datasets, regions
from hullspace.studies import figures
from hullspace.studies.chapters.linear.draw import plane_figure
from hullspace.studies.chapters.linear.find import median_margins
from hullspace.studies.chapters.linear.plane import plane_through

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

MNIST_INPUTS = 784


def draw_digits(folder: Path, kind: str, epochs: int, n_slices: int) -> list[Path]:
    """Draw slices through three test images of different classes each."""
    split = datasets.load_digits_split()
    model = datasets.train_digits_network(split, epochs=epochs)
    network = hullspace.ReluNetwork.from_torch(model, split.test_images.shape[1:])
    left, paths = np.ones(len(split.test_images), dtype=bool), []
    logits = network(split.test_images)
    for k in range(n_slices):
        right = logits.argmax(axis=1) == split.test_labels
        chosen = median_margins(logits, right & left)
        plane = plane_through(network, split.test_images[chosen], split.class_names, places=chosen)
        if plane is None:
            continue
        left &= ~np.isin(split.test_labels, plane.classes)  # other classes next time
        path = folder / f"digits-{k + 1}.{kind}"
        save(plane_figure(plane, split.class_names), path)
        paths.append(path)
        print(f"{path}: {len(plane.cut):,} regions, {plane.covered:.1%} of the area")
    return paths


def draw_network(file: Path, folder: Path, kind: str, n_regions: int) -> Path:
    """Draw a slice of a network from an ONNX file: through three digits, or two of its inputs."""
    network = hullspace.ReluNetwork.from_onnx(file)
    if network.n_inputs == MNIST_INPUTS:
        images = mnist_like()
        cut = regions.slice_through(
            network, images.reshape(3, *network.input_shape), max_regions=n_regions, names="abc"
        )
    else:
        cut = slice_of_two_inputs(network, n_regions)
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axes = cut.plot(figure.subplots())
    whole = "all" if cut.status == hullspace.Status.COMPLETE else "incomplete, the first"
    axes.set_title(f"{file.stem}: {whole} {len(cut):,} linear regions")
    path = folder / f"{file.stem}.{kind}"
    save(figure, path)
    print(f"{path}: {len(cut):,} regions")
    return path


def slice_of_two_inputs(network: hullspace.ReluNetwork, n_regions: int) -> regions.RegionSlice:
    """Cut a network along its first two inputs, in a square that has no more regions than that."""
    origin, (first, second) = np.zeros(network.n_inputs), np.eye(network.n_inputs)[:2]
    for half in (0.5, 0.25, 0.125, 0.0625):
        cut = regions.slice_regions(
            network, origin, first, second, (-half, half), max_regions=n_regions
        )
        if cut.status == hullspace.Status.COMPLETE:
            break
    return cut


def mnist_like() -> npt.NDArray[np.float64]:
    """Return three of scikit-learn's digits as 28 x 28 pixels."""
    images = datasets.load_digits_split().test_images[:3, 0].astype(np.float64)
    larger = np.repeat(np.repeat(images, 3, axis=1), 3, axis=2)
    return np.pad(larger, ((0, 0), (2, 2), (2, 2)))


def save(figure: Figure, path: Path) -> None:
    """Write a figure, the same each time."""
    figure.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)


def main(arguments: Sequence[str] | None = None) -> list[Path]:
    """Draw what the command line says; return the pictures' paths."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("gallery"), help="folder of the pictures")
    parser.add_argument("--format", choices=("png", "svg"), default="png")
    parser.add_argument("--epochs", type=int, default=30, help="of the digits' training")
    parser.add_argument("--slices", type=int, default=3, help="of the digits' network")
    parser.add_argument("--network", type=Path, action="append", default=[], help="an ONNX file")
    parser.add_argument("--regions", type=int, default=10_000, help="most of an ONNX network")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with figures.style():
        paths = draw_digits(options.out, options.format, options.epochs, options.slices)
        for file in options.network:
            paths.append(draw_network(file, options.out, options.format, options.regions))
    return paths


if __name__ == "__main__":
    main()
