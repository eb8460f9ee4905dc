"""Fixtures that several test modules share."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

import hullspace
from emulation import emulated_library  # noqa: F401
from hullspace import datasets, study_features

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
    return study_features(split, title="Digits", images=images.test_images, progress=False)


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


def pytest_collection_modifyitems(items):
    """Let tests that need a device come first: a process opens one CUDA library, theirs."""
    items.sort(key=lambda item: "devices" not in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def devices(request):
    """The devices of this machine, or emulated ones; at least one."""
    count = "import hullspace; print(len(hullspace.devices()))"
    done = subprocess.run([sys.executable, "-c", count], capture_output=True, text=True, check=True)
    if int(done.stdout) == 0:
        os.environ["HULLSPACE_CUDA_LIBRARY"] = str(request.getfixturevalue("emulated_library"))
    available = hullspace.devices().available
    assert available, "a CUDA library was opened before that has no devices"
    return available
