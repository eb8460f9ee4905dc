"""Data and a small network that are there without a download."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.extras import require
from hullspace.features import FeatureSpace, FeatureSplit

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class ImageSplit:
    """Training and test images with their classes.

    Attributes
    ----------
    train_images, test_images : (n, channels, height, width) float32
        Pixels between 0 and 1.
    train_labels, test_labels : (n,) int64
        Classes.
    class_names : tuple of str
        Names of the classes.
    """

    train_images: npt.NDArray[np.float32]
    train_labels: npt.NDArray[np.int64]
    test_images: npt.NDArray[np.float32]
    test_labels: npt.NDArray[np.int64]
    class_names: tuple[str, ...]


def load_digits_split(*, random_state: int = 0, test_share: float = 0.25) -> ImageSplit:
    """Load scikit-learn's 1,797 scans of handwritten digits, split at random by class.

    Parameters
    ----------
    random_state : int, default 0
        Seed of the split.
    test_share : float, default 0.25
        Share of the images that are for testing.

    Returns
    -------
    ImageSplit
        8 x 8 pixels, one channel.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.

    Examples
    --------
    >>> import hullspace
    >>> hullspace.datasets.load_digits_split().train_images.shape
    (1347, 1, 8, 8)
    """
    digits = require("sklearn.datasets", "study").load_digits()
    images = (digits.images / 16.0).astype(np.float32)[:, None]
    split = require("sklearn.model_selection", "study").train_test_split
    train, test = split(
        np.arange(len(images)),
        test_size=test_share,
        stratify=digits.target,
        random_state=random_state,
    )
    labels = digits.target.astype(np.int64)
    names = tuple(str(name) for name in digits.target_names)
    return ImageSplit(images[train], labels[train], images[test], labels[test], names)


def train_digits_network(
    split: ImageSplit,
    *,
    n_features: int = 32,
    epochs: int = 30,
    random_state: int = 0,
    progress: bool = True,
) -> nn.Module:
    """Train a small convolutional network on 8 x 8 images of digits.

    Parameters
    ----------
    split : ImageSplit
        Its training images are used.
    n_features : int, default 32
        Width of the last hidden layer, which ends in a ReLU.
    epochs : int, default 30
        Passes over the training images, each shifted by up to a pixel.
    random_state : int, default 0
        Seed of the initial weights, the order of the images and the shifts. The generators that
        the caller uses are left as they were.
    progress : bool, default True
        Show a progress bar.

    Returns
    -------
    torch.nn.Module
        In evaluation mode, on the CPU.

    Raises
    ------
    ImportError
        If torch is not installed.
    """
    torch = require("torch", "study")
    tqdm = require("tqdm.auto", "study").tqdm
    images = torch.from_numpy(split.train_images)
    labels = torch.from_numpy(split.train_labels)
    batches = -(-len(images) // 64)
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would also seed the generators of the caller's GPUs.
        torch.default_generator.manual_seed(random_state)
        model: nn.Module = _digits_network(n_features, len(split.class_names))
        optimizer = torch.optim.Adam(model.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=3e-3, total_steps=epochs * batches
        )
        for _ in tqdm(range(epochs), desc="training", unit="epoch", disable=not progress):
            for rows in torch.randperm(len(images)).chunk(batches):
                optimizer.zero_grad()
                logits = model(_shifted(images[rows]))
                torch.nn.functional.cross_entropy(logits, labels[rows]).backward()
                optimizer.step()
                schedule.step()
    return model.eval()


def digits_features(
    *, random_state: int = 0, progress: bool = True
) -> tuple[FeatureSplit, ImageSplit]:
    """Train the network for the digits and extract its features.

    Parameters
    ----------
    random_state, progress
        As in `digits_model`.

    Returns
    -------
    FeatureSplit, ImageSplit
        The features, and the images that they belong to, in the same order.
    """
    _, split, images = digits_model(random_state=random_state, progress=progress)
    return split, images


def digits_model(
    *, random_state: int = 0, progress: bool = True
) -> tuple[nn.Module, FeatureSplit, ImageSplit]:
    """Train the network for the digits; return it with what `digits_features` returns.

    Parameters
    ----------
    random_state : int, default 0
        Seed of the split and the training.
    progress : bool, default True
        Show progress bars.

    Returns
    -------
    torch.nn.Module, FeatureSplit, ImageSplit
        The network from images to logits, its features, and the images.
    """
    images = load_digits_split(random_state=random_state)
    model = train_digits_network(images, random_state=random_state, progress=progress)
    space = FeatureSpace.from_torch(model, images.train_images[:1])
    train, test = (
        space.extract(pixels, labels=labels, progress=False)
        for pixels, labels in (
            (images.train_images, images.train_labels),
            (images.test_images, images.test_labels),
        )
    )
    return model, FeatureSplit(train, test, images.class_names), images


def _digits_network(n_features: int, n_classes: int) -> Any:
    nn = require("torch.nn", "study")
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * 4 * 4, n_features),
        nn.ReLU(),
        nn.Linear(n_features, n_classes),
    )


def _shifted(images: Tensor) -> Tensor:
    """Shift a batch by up to a pixel each way, the same for all its images."""
    torch = require("torch", "study")
    down, right = (int(x) for x in torch.randint(-1, 2, (2,)))
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1))
    height, width = images.shape[2:]
    moved: Tensor = padded[:, :, 1 + down : 1 + down + height, 1 + right : 1 + right + width]
    return moved
