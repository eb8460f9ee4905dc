"""What a study knows it computes once: what the model gives, hulls, and what is asked of them."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import nn

from hullspace import DecisionPartition, FeatureSpace, FeatureSplit, Hull, study
from hullspace.features import Images

N_TRAIN, N_TEST = 60, 20
TRAIN, TEST = np.split(
    np.random.default_rng(0).uniform(size=(N_TRAIN + N_TEST, 1, 4, 4)).astype(np.float32), [N_TRAIN]
)


def make_model():
    """Return a small network that has images of all its classes, with a hidden layer "1"."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = nn.Sequential(
            nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3)
        )
    with torch.no_grad():
        model[5].weight *= 5.0
        model[5].bias -= model(torch.from_numpy(TRAIN)).median(0).values
    return model


def key(array):
    array = np.ascontiguousarray(array)
    return array.shape, array.dtype.str, array.tobytes()


@dataclass
class Counts:
    """How often an image passed through the model, a hull was prepared, a row was asked about."""

    images: Counter = field(default_factory=Counter)
    hulls: Counter = field(default_factory=Counter)
    rows: Counter = field(default_factory=Counter)

    def passes(self, images):
        """Return how often the images passed through the model."""
        return {self.images[key(image)] for image in images}

    def twice(self, features):
        """Return the questions that were asked more than once about some of the features."""
        there = Counter(map(key, features))  # different images may have the same features
        return {asked[0] for asked, n in self.rows.items() if 0 < there[asked[2]] < n}


@pytest.fixture
def counts(monkeypatch):
    found = Counts()
    extract, prepare = FeatureSpace.extract, Hull.__init__

    def counting_extract(self, images, **options):
        found.images.update(map(key, getattr(images, "images", images)))
        return extract(self, images, **options)

    def counting_prepare(self, points, **options):
        prepare(self, points, **options)
        found.hulls[key(points)] += 1

    monkeypatch.setattr(FeatureSpace, "extract", counting_extract)
    monkeypatch.setattr(Hull, "__init__", counting_prepare)
    for kind, name in (
        (Hull, "contains"),
        (Hull, "project"),
        (Hull, "gauge"),
        (DecisionPartition, "boundary_points"),
        (DecisionPartition, "ambiguity"),
    ):
        monkeypatch.setattr(kind, name, counting(getattr(kind, name), name, found.rows))
    return found


def counting(ask, name, rows):
    def asked(self, queries, *arguments, **options):
        # Flip points to the nearest class and to all, and ties of two and of three, differ.
        question = (name, *arguments, options.get("to"))
        of = key(self.points) if isinstance(self, Hull) else id(self)
        rows.update((question, of, key(row)) for row in queries)
        return ask(self, queries, *arguments, **options)

    return asked


CHAPTERS = (
    "data", "partition", "guaranteed", "extrapolation", "ambiguity", "adversarial", "linear",
    "spaces", "methods",
)  # fmt: skip


@pytest.mark.parametrize("labelled", ["by chance", "by the model"])
def test_everything_is_found_once(counts, labelled):
    model = make_model()
    with torch.no_grad():
        labels = [model(torch.from_numpy(x)).argmax(1).numpy() for x in (TRAIN, TEST)]
    if labelled == "by chance":
        labels = [np.random.default_rng(1).permutation(part) for part in labels]
    found = study(
        model, Images(TRAIN, labels[0]), Images(TEST, labels[1]), layers=("1",), sample=4,
        chapters=CHAPTERS, progress=False,
    )  # fmt: skip
    assert found.missing == {}
    flips = found.adversarial.flips["2-norm"]
    # The flips' features are known, but not the outputs of the layer.
    for images in (TRAIN, TEST, flips.images[flips.reached]):
        assert counts.passes(images) == {1}
    # Hulls: of all, and of each class by what the model says and, where that differs, by label.
    train = found.split.train
    for points in (train.features, TRAIN.reshape(N_TRAIN, -1)):
        assert counts.hulls[key(points)] == 1
    for classes in (train.predictions, train.labels):
        for c in range(3):
            assert counts.hulls[key(train.features[classes == c])] == 1
            assert counts.hulls[key(TRAIN.reshape(N_TRAIN, -1)[train.labels == c])] == 1
    assert counts.twice(found.split.test.features) == set()


def test_what_was_given_is_not_computed(counts):
    model = make_model()
    space = FeatureSpace.from_torch(model, TRAIN[:1])
    split = FeatureSplit(*(space.extract(part, progress=False) for part in (TRAIN, TEST)))
    rows = np.arange(N_TRAIN), np.arange(5, N_TEST)
    counts.images.clear()
    study(
        space, TRAIN, TEST[5:], features=split, rows=rows, sample=4,
        chapters=["partition", "extrapolation", "spaces"], progress=False,
    )  # fmt: skip
    # A look at some of the images, or here at all: are the features theirs?
    assert counts.passes(TRAIN) == counts.passes(TEST[5:]) == {1}
    train, predictions = split.train.features, split.train.predictions
    for points in (train, *(train[predictions == c] for c in range(3))):
        assert counts.hulls[key(points)] == 1
    assert counts.twice(split.test.features) == set()
