"""The whole programme of arXiv 2202.04052 on a pre-trained ResNet-20 and CIFAR-10.

    python examples/cifar10_resnet20.py DATA --out cifar10

`DATA` is a folder with ``resnet20.safetensors`` (the weights of akamaster/pytorch_resnet_cifar10),
``images.npz`` (training and test images as bytes, their labels, and their rows among the features)
and ``features.npz`` (the last hidden layer of all 60,000 images). The report, the tables and the
arrays go to the folder of ``--out``.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

import hullspace
from hullspace.features import Images, normalization

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Block(nn.Module):
    """Two convolutions around which the input goes, thinned out and padded where widths differ."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.stride, self.padding = stride, (n_out - n_in) // 2

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_in, h, w) to (n, n_out, h / stride, w / stride)."""
        out = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        if self.padding:
            x = functional.pad(
                x[:, :, :: self.stride, :: self.stride],
                (0, 0, 0, 0, self.padding, self.padding),
            )
        return functional.relu(out + x)


class ResNet20(nn.Module):
    """The residual network for 32 x 32 pixels of He et al. (arXiv 1512.03385, section 4.2)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(Block(16, 16, 1), Block(16, 16, 1), Block(16, 16, 1))
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
        self.linear = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 3, 32, 32) to (n, 10)."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def load(
    folder: Path,
) -> tuple[hullspace.FeatureSpace, Images, Images, hullspace.FeatureSplit, tuple]:
    """Return the model's feature space, images, features, and the images' rows among these."""
    model = ResNet20()
    model.load_state_dict(load_file(folder / "resnet20.safetensors"))
    space = hullspace.FeatureSpace.from_torch(
        model.eval(), torch.zeros(1, 3, 32, 32), preprocess=normalization(MEAN, STD)
    )
    with np.load(folder / "images.npz") as file:
        train, test = (
            Images(
                file[f"{part}_images"].transpose(0, 3, 1, 2).astype(np.float32) / 255.0,
                file[f"{part}_labels"].astype(np.int64),
                tuple(CLASSES),
            )
            for part in ("train", "test")
        )
        rows = file["train_index"], file["test_index"]
    split = hullspace.FeatureSplit.load(folder / "features.npz")
    named = hullspace.FeatureSplit(split.train, split.test, tuple(CLASSES))
    return space, train, test, named, rows


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("cifar10"))
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--chapters", nargs="+")
    options = parser.parse_args()
    start = time.perf_counter()
    space, train, test, split, rows = load(options.data)
    study = hullspace.study(
        space,
        train,
        test,
        features=split,
        rows=rows,
        layers=("layer2", "layer3"),
        chapters=options.chapters,
        sample=options.sample,
        title="ResNet-20 on CIFAR-10",
    )
    study.save(options.out)
    for finding in study.findings():
        print(f"- {finding}")
    print(f"{time.perf_counter() - start:.0f} s; everything is in {options.out}")


if __name__ == "__main__":
    main()
