"""Small models and images whose comparison is known."""

import numpy as np
import torch
from torch import nn

from hullspace import FeatureSpace

CENTERS = np.array([[0.35, 0.35, 0.5], [0.65, 0.4, 0.5], [0.5, 0.65, 0.5]])


def blobs(n, seed=0, spread=0.06, centers=CENTERS):
    """Images of three pixels around a center for each class, within (0, 1)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % len(centers)
    images = centers[labels] + spread * rng.normal(size=(n, centers.shape[1]))
    return np.clip(images, 0.0, 1.0), labels


def identity_space(centers=CENTERS):
    """Features are the pixels, and the class is that of the nearest center."""
    weight = torch.tensor(2.0 * centers)
    model = nn.Sequential(nn.Linear(centers.shape[1], centers.shape[1]), nn.Linear(*weight.T.shape))
    model.double()
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(centers.shape[1]))
        model[0].bias.zero_()
        model[1].weight.copy_(weight)
        model[1].bias.copy_(-torch.tensor((centers**2).sum(axis=1)))
    return FeatureSpace.from_torch(model, torch.zeros(1, centers.shape[1], dtype=torch.float64))


def convolutional_space(seed=0):
    """A small network for images of 1 x 8 x 8 pixels, with a hidden layer named "1"."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 6), nn.ReLU(),
        nn.Linear(6, 3),
    )  # fmt: skip
    with torch.no_grad():
        # No class is far from any image.
        model[5].bias -= model(torch.tensor(random_images(50, 9))).mean(0)
    return FeatureSpace.from_torch(model, torch.zeros(1, 1, 8, 8))


def random_images(n, seed=0):
    return np.random.default_rng(seed).random((n, 1, 8, 8)).astype(np.float32)
