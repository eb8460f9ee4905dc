"""Fixtures that several test modules share."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from hullspace import datasets, study

# Before torch is imported: threads that wait for one another take most of the time of small
# networks, and nearly all of it where other work is going on.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def digits():
    """Features of the digits' network and the images that they belong to."""
    return datasets.digits_features(progress=False)


@pytest.fixture(scope="session")
def digits_study(digits):
    """The study of the digits, with images."""
    split, images = digits
    return study(split, title="Digits", images=images.test_images, progress=False)


@pytest.fixture(scope="session")
def digits_report(tmp_path_factory):
    """What ``hullspace study digits`` writes in a process of its own, with all its chapters."""
    folder = tmp_path_factory.mktemp("digits")
    features = folder / "digits.safetensors"
    command = [sys.executable, "-m", "hullspace", "study", "digits", "--out", str(folder / "all")]
    done = subprocess.run(
        [*command, "--save-features", str(features), "--threads", "2", "--sample", "20"],
        capture_output=True,
        text=True,
        check=True,
    )
    return SimpleNamespace(folder=folder / "all", features=features, done=done)
