"""Real data, where present: ../shared/data from the project's root, or HULLSPACE_DATA."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


def data_file(name: str) -> Path:
    """Return the path of a data file; skip the test, saying which file lacks, without it."""
    folder = Path(os.environ.get("HULLSPACE_DATA", ROOT.parent / "shared" / "data"))
    path = folder / name
    if not path.exists():
        pytest.skip(f"needs {path}; set HULLSPACE_DATA to the folder with {name}")
    return path


def real_features() -> tuple[np.ndarray, np.ndarray]:
    """Return the (50000, 64) training and (10000, 64) test features of a ResNet-20."""
    with np.load(data_file("cifar10_resnet20/features.npz")) as file:
        return file["train_features"], file["test_features"]
