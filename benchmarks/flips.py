"""Back to pixels: flips against Foolbox and against exact boundaries, and inversions.

Usage: ``python benchmarks/flips.py [--images N] [--threads 1] [TABLE ...]``; the tables are all of
`TABLES` by default. Needs Foolbox 3.3 for the first three (``pip install foolbox``), and
real data for ResNet-20 and MNIST (see README.md); what is absent is left out, and said so.

A flip counts as at least as near as the best of the peers when its distance is at most 1 + 1e-6
times the smallest distance that any of them found, each with the settings named in the table. An
image that a peer does not flip has infinite distance there.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from hullspace import FeatureSpace, ReluNetwork, datasets, pixels
from hullspace.regions import nearest_boundary

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "python"))
DATA = Path(os.environ.get("HULLSPACE_DATA", ROOT.parent / "shared" / "data"))

if TYPE_CHECKING:
    from collections.abc import Callable

Problem = tuple[FeatureSpace, Tensor]


def digits(n: int) -> Problem:
    """Load the digits' network, which is trained, and n test images."""
    model, _, images = datasets.digits_model(progress=False)
    x = torch.from_numpy(images.test_images[:n])
    return FeatureSpace.from_torch(model, x[:1]), x


def mnist_model() -> nn.Sequential:
    """Load the 784-256-256-10 network of VNN-COMP 2021."""
    import onnx

    graph = onnx.load(DATA / "mnist" / "mnist-net_256x2.onnx").graph
    arrays = [torch.tensor(onnx.numpy_helper.to_array(array)) for array in graph.initializer]
    layers: list[nn.Module] = []
    weights, biases = ([a for a in arrays if a.ndim == n] for n in (2, 1))
    for weight, bias in zip(weights, biases, strict=True):
        layer = nn.Linear(weight.shape[1], weight.shape[0])
        layer.weight.data, layer.bias.data = weight, bias
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def mnist(n: int) -> Problem:
    """Load the MNIST network and n test images."""
    with np.load(DATA / "mnist" / "images.npz") as file:
        x = torch.tensor(file["test_images"][:n]).reshape(n, -1).float() / 255
    return FeatureSpace.from_torch(mnist_model(), x[:1]), x


def resnet(n: int) -> Problem:
    """Load the ResNet-20 and n test images of CIFAR-10."""
    from safetensors.torch import load_file

    from models import ResNet20

    model = ResNet20()
    model.load_state_dict(load_file(DATA / "cifar10_resnet20" / "resnet20.safetensors"))
    mean, std = (
        torch.tensor(values).view(1, 3, 1, 1)
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    with np.load(DATA / "cifar10_resnet20" / "images.npz") as file:
        x = torch.tensor(file["test_images"][:n]).permute(0, 3, 1, 2).float() / 255
    space = FeatureSpace.from_torch(model, x[:1], preprocess=lambda images: (images - mean) / std)
    return space, x


# Images by default, and steps of Carlini and Wagner's attack.
PROBLEMS: dict[str, tuple[Callable[[int], Problem], int, int]] = {
    "digits": (digits, 100, 300),
    "mnist": (mnist, 100, 300),
    "resnet": (resnet, 32, 100),
}


class _Logits(nn.Module):
    """What Foolbox attacks."""

    def __init__(self, space: FeatureSpace) -> None:
        super().__init__()
        self.space = space

    def forward(self, x: Tensor) -> Tensor:
        return self.space.logits(self.space.features(x))


def peer_distances(
    space: FeatureSpace, x: Tensor, attack: Any, norm: float
) -> tuple[np.ndarray, float]:
    """Distances of the images that an attack of Foolbox finds, and seconds."""
    import foolbox

    model = foolbox.PyTorchModel(_Logits(space).eval(), bounds=(0, 1), device=x.device)
    with torch.no_grad():
        labels = _Logits(space)(x).argmax(1)
    start = time.perf_counter()
    found, _, changed = attack(model, x, labels, epsilons=None)
    seconds = time.perf_counter() - start
    moves = (found - x).flatten(1)
    distances = torch.linalg.vector_norm(moves, ord=norm, dim=1)
    distances[~changed] = np.inf
    return distances.numpy(), seconds


def flip_table(name: str, arguments: argparse.Namespace) -> None:
    """One network against the peers, in both norms."""
    from foolbox import attacks

    make, n_images, cw_steps = PROBLEMS[name]
    space, x = make(arguments.images or n_images)
    peers = {
        2: {
            "DeepFool": attacks.L2DeepFoolAttack(),
            "FMN, 100 steps": attacks.L2FMNAttack(),
            f"Carlini-Wagner, 9 x {cw_steps}": attacks.L2CarliniWagnerAttack(steps=cw_steps),
        },
        np.inf: {
            "DeepFool": attacks.LinfDeepFoolAttack(),
            "FMN, 100 steps": attacks.LInfFMNAttack(),
        },
    }
    for norm, chosen in peers.items():
        table = _table(
            f"{name}, norm {norm:g}, {len(x)} images",
            ("method", "flipped", "median distance", "ms per image", "hullspace <=", "ratio"),
        )
        start = time.perf_counter()
        ours = pixels.flip(space, x, norm=norm)
        seconds = time.perf_counter() - start
        found = {"hullspace": (ours.distances, seconds)}
        for label, attack in chosen.items():
            found[label] = peer_distances(space, x, attack, norm)
        best = np.min([found[label][0] for label in chosen], axis=0)
        found["best of the peers"] = (best, sum(found[label][1] for label in chosen))
        for label, (distances, taken) in found.items():
            table.add_row(label, *_compared(ours.distances, distances, taken))
        Console(width=120).print(table)
        within = np.mean(ours.distances <= best * 1.01)
        print(
            f"{ours.n_forward:.0f} evaluations, {ours.n_backward:.0f} of them with gradients, per "
            f"image; ties up to {np.nanmax(ours.ties):.1e}; {within:.0%} within 1 % of the best"
        )


def _compared(ours: np.ndarray, theirs: np.ndarray, seconds: float) -> list[str]:
    flipped = np.isfinite(theirs)
    ratio = np.median(ours[flipped] / theirs[flipped]) if flipped.any() else np.nan
    return [
        f"{flipped.mean():.0%}",
        f"{np.median(theirs):.5g}",
        f"{1e3 * seconds / len(ours):,.0f}",
        f"{np.mean(ours <= theirs * (1 + 1e-6)):.0%}",
        f"{ratio:.4f}",
    ]


def exact_table(_: argparse.Namespace) -> None:
    """Small networks, whose nearest boundaries are known."""
    from pixel_cases import relu_space

    table = _table(
        "Flips against exact nearest boundaries, random networks in double precision",
        ("network", "norm", "images", "within 1e-4", "within 1 %", "largest ratio", "missed"),
    )
    for widths, n_networks in (((2, 16, 16, 3), 10), ((5, 20, 20, 3), 5), ((10, 24, 24, 4), 3)):
        for norm in (2, np.inf):
            ratios = np.concatenate(
                [_ratios(relu_space(*widths, seed=seed), norm, seed) for seed in range(n_networks)]
            )
            assert (ratios >= 1 - 1e-6).all()
            table.add_row(
                "-".join(map(str, widths)),
                f"{norm:g}",
                str(len(ratios)),
                f"{np.mean(ratios <= 1 + 1e-4):.0%}",
                f"{np.mean(ratios <= 1.01):.0%}",
                f"{ratios[np.isfinite(ratios)].max():.4f}",
                str(np.count_nonzero(np.isinf(ratios))),
            )
    Console(width=120).print(table)


def _ratios(model: tuple[FeatureSpace, ReluNetwork], norm: float, seed: int) -> np.ndarray:
    """Distances found over exact ones, where the class changes at all."""
    space, network = model
    x = np.random.default_rng(seed).uniform(size=(10, network.n_inputs))
    exact = [nearest_boundary(network, point, norm, time_limit=10) for point in x]
    upper = np.array([found.upper if found.gap <= 1e-5 else np.nan for found in exact])
    ours = pixels.flip(space, x, norm=norm).distances
    return (ours / upper)[np.isfinite(upper)]


def inversion_table(arguments: argparse.Namespace) -> None:
    """Features of other images: how many are reached."""
    table = _table(
        "Inversion to the features of the next test image",
        ("network", "images", "starts", "reached", "median residual", "gradients", "ms per image"),
    )
    for name, (make, n_images, _) in PROBLEMS.items():
        if not _is_there(name):
            continue
        space, x = make(arguments.images or n_images)
        with torch.no_grad():
            targets = space.features(x).roll(-1, 0)
        for n_starts in (1, 3):
            start = time.perf_counter()
            found = pixels.invert(space, targets, x, n_starts=n_starts)
            seconds = time.perf_counter() - start
            table.add_row(
                name,
                str(len(x)),
                str(n_starts),
                f"{found.reached.mean():.0%}",
                f"{np.median(found.relative):.2g}",
                f"{found.n_backward:.0f}",
                f"{1e3 * seconds / len(x):,.0f}",
            )
    Console(width=120).print(table)


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column in {"method", "network"} else "right")
    return table


def _is_there(name: str) -> bool:
    folder = {"mnist": "mnist", "resnet": "cifar10_resnet20"}.get(name, "")
    if (DATA / folder).exists() or not folder:
        return True
    print(f"{name}: {DATA / folder} is absent")
    return False


TABLES = (*PROBLEMS, "exact", "inversion")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)}")
    parser.add_argument("--images", type=int, default=None, help="per network")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    arguments = parser.parse_args()
    unknown = set(arguments.tables) - set(TABLES)
    if unknown:
        parser.error(f"no such table: {', '.join(sorted(unknown))}")
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} threads")
    for name in arguments.tables or TABLES:
        if name == "exact":
            exact_table(arguments)
        elif name == "inversion":
            inversion_table(arguments)
        elif _is_there(name):
            try:
                flip_table(name, arguments)
            except ModuleNotFoundError as error:
                print(f"{name}: {error.name} is not installed")


if __name__ == "__main__":
    main()
