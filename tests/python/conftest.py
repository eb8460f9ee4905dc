"""Fixtures that several test modules share."""

import os

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
