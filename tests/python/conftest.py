"""Fixtures that several test modules share."""

import pytest

from hullspace import datasets, study


@pytest.fixture(scope="session")
def digits():
    """Features of the digits' network and the images that they belong to."""
    return datasets.digits_features(progress=False)


@pytest.fixture(scope="session")
def digits_study(digits):
    """The study of the digits, with images."""
    split, images = digits
    return study(split, title="Digits", images=images.test_images, progress=False)
