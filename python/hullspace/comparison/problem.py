"""What every part of a comparison is given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_threads
from hullspace.comparison.representations import SPACES, Representation, as_images, represent
from hullspace.facts import Asking, FeatureFacts, PointFacts, PreparedHulls
from hullspace.features import FeatureSpace
from hullspace.features.store import as_labels
from hullspace.partition import DecisionPartition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hullspace.comparison.statistics import Bootstrap
    from hullspace.features import FeatureSet

_Ints = npt.NDArray[np.int64]

# In spaces of up to this many dimensions distances to hulls take well below a millisecond a sample
# and are computed for all; in others for the sample.
CHEAP_FEATURES = 512
# Part of the sample that the searches which take the longest look at: one image in so many.
_EVERY = 4


@dataclass(frozen=True)
class Problem:
    """A model, its images in each space, and the sample for what is costly.

    Attributes
    ----------
    space : FeatureSpace
        The model.
    facts : FeatureFacts
        What the model makes of the images, and what is known of that.
    representations : dict of str to Representation
        The spaces.
    layers : tuple of str
        Those of them that are hidden layers.
    pool : str
        How the outputs of layers are pooled.
    images : (n_test, ...) array
        The test images.
    rows : (n_rows,) int64
        Test images that the costly parts look at, ascending.
    bootstrap : Bootstrap
        Makes the estimates.
    bounds : (float, float)
        Of pixels.
    """

    space: FeatureSpace
    facts: FeatureFacts
    representations: dict[str, Representation]
    layers: tuple[str, ...]
    pool: Literal["none", "mean"]
    images: npt.NDArray[Any]
    rows: _Ints
    bootstrap: Bootstrap
    bounds: tuple[float, float]

    @property
    def train(self) -> FeatureSet:
        """What the model makes of the training images."""
        return self.facts.train

    @property
    def test(self) -> FeatureSet:
        """What the model makes of the test images."""
        return self.facts.test

    @property
    def partition(self) -> DecisionPartition:
        """The partition of the model's feature space."""
        return self.facts.partition

    @property
    def random_state(self) -> int:
        """Seed of what is drawn."""
        return self.bootstrap.random_state

    @property
    def n_threads(self) -> int | None:
        """For the core."""
        return self.facts.asking.n_threads

    @property
    def asking(self) -> Asking:
        """How questions are put that nobody else will ask."""
        return Asking(self.facts.asking.tolerance, self.n_threads)

    def points(self, where: Representation) -> PointFacts:
        """Return what is known of the hulls in a space; only that of features is kept."""
        if where.name == "features":
            return self.facts.points
        return self.point_facts(where.train, where.test)

    def point_facts(self, train: npt.NDArray[Any], test: npt.NDArray[Any]) -> PointFacts:
        """Return facts to be found about test rows and hulls of training rows."""
        return PointFacts(PreparedHulls(train, self.asking), test)

    def encode(
        self, images: npt.NDArray[Any], features: npt.NDArray[Any] | None = None
    ) -> dict[str, npt.NDArray[Any]]:
        """Put other images in every space, and in that of features in any case.

        The model runs once; where their features, (n, n_features), are known, for layers alone.
        """
        found = {
            name: where.encode(images)
            for name, where in self.representations.items()
            if name != "features" and name not in self.layers
        }
        if self.layers or features is None:
            seen = self.space.extract(images, layers=self.layers, pool=self.pool, progress=False)
            found |= {layer: seen.layers[layer] for layer in self.layers}
            features = seen.features if features is None else features
        return {**found, "features": features}

    @property
    def train_classes(self) -> _Ints:
        """Label of each training image where known, else the model's class."""
        return classes_of(self.train)

    @property
    def test_classes(self) -> _Ints:
        """Label of each test image where known, else the model's class."""
        return classes_of(self.test)

    @property
    def few(self) -> _Ints:
        """Where in the sample, (n_few,), the images are that the longest searches look at."""
        return few_of(len(self.rows))

    def rng(self, *purpose: int) -> np.random.Generator:
        """Random numbers of one purpose, whatever else was drawn."""
        return np.random.default_rng([self.random_state, *purpose])


def few_of(n: int) -> _Ints:
    """Return where in a sample of n images those are that the longest searches look at."""
    return np.arange(0, n, _EVERY)


def make_problem(
    space: FeatureSpace,
    images: tuple[Any, Any],
    labels: tuple[npt.ArrayLike | None, npt.ArrayLike | None],
    *,
    spaces: Sequence[str],
    layers: Sequence[str],
    pool: Literal["none", "mean"],
    wavelet: str,
    sample: int | npt.ArrayLike,
    bounds: tuple[float, float],
    bootstrap: Bootstrap,
    n_threads: int | None,
) -> Problem:
    """Check what a comparison is given, run the model, and put the images in every space."""
    if not isinstance(space, FeatureSpace):
        raise TypeError(f"space must be a FeatureSpace, got {type(space).__name__}")
    as_threads(n_threads)
    names, layers = _as_names(spaces, SPACES, "spaces"), _as_names(layers, None, "layers")
    if not (names or layers):
        raise ValueError("spaces must name at least one space")
    edges = as_bounds(bounds)
    train, test = _checked(images, edges)
    rows = sampled_rows(sample, len(test), bootstrap.random_state)
    sets = (
        _extract(space, train, labels[0], "train_labels", layers, pool),
        _extract(space, test, labels[1], "test_labels", layers, pool),
    )
    partition = partial(DecisionPartition.from_head, space.head, features=sets[0].features)
    facts = FeatureFacts(*sets, partition, Asking(n_threads=n_threads))
    found = represent(space, (train, test), sets, names, layers, pool, wavelet)
    return Problem(space, facts, found, layers, pool, test, rows, bootstrap, edges)


def known_problem(
    space: FeatureSpace,
    images: tuple[Any, Any],
    facts: FeatureFacts,
    *,
    layers: Sequence[str],
    sample: npt.ArrayLike,
    bootstrap: Bootstrap,
) -> Problem:
    """Put images in every space of which all is known that the model makes of them."""
    layers, bounds = _as_names(layers, None, "layers"), (0.0, 1.0)
    train, test = _checked(images, bounds)
    rows = sampled_rows(sample, len(test), bootstrap.random_state)
    sets = facts.train, facts.test
    found = represent(space, (train, test), sets, SPACES, layers, "none", "haar")
    return Problem(space, facts, found, layers, "none", test, rows, bootstrap, bounds)


def notes_of(problem: Problem) -> list[str]:
    """Say what is not known of the images."""
    return [
        f"classes of the {which} images are the model's: there are no {name}"
        for which, name, part in (
            ("training", "train_labels", problem.train),
            ("test", "test_labels", problem.test),
        )
        if part.labels is None
    ]


def _checked(
    images: tuple[Any, Any], bounds: tuple[float, float]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    train = as_images(images[0], "train_images", bounds)
    test = as_images(images[1], "test_images", bounds)
    if train.shape[1:] != test.shape[1:]:
        raise ValueError(
            f"test_images must have shape (n, {', '.join(map(str, train.shape[1:]))}) like "
            f"train_images, got {test.shape}"
        )
    return train, test


def _extract(
    space: FeatureSpace,
    images: npt.NDArray[Any],
    labels: npt.ArrayLike | None,
    name: str,
    layers: Sequence[str],
    pool: Literal["none", "mean"],
) -> FeatureSet:
    known = None if labels is None else as_labels(labels, name, len(images), space.head)
    return space.extract(images, labels=known, layers=layers, pool=pool, progress=False)


def sampled_rows(sample: int | npt.ArrayLike, n: int, random_state: int) -> _Ints:
    """Return the rows of a sample, ascending: drawn, where `sample` is their number."""
    array = np.asarray(sample)
    if array.dtype.kind not in "iu":
        raise TypeError(f"sample must be a number or indices of test images, got {sample!r}")
    if array.ndim == 0:
        if array < 1:
            raise ValueError(f"sample must be at least 1, got {array}")
        rng = np.random.default_rng([random_state, 0])
        array = np.sort(rng.choice(n, min(int(array), n), replace=False))
    elif array.ndim != 1 or not len(array) or array[0] < 0 or array[-1] >= n:
        raise ValueError(f"sample must hold indices of the {n} test images, got {sample!r}")
    rows: _Ints = array.astype(np.int64)
    if (np.diff(rows) <= 0).any():
        raise ValueError("sample must hold different indices in ascending order")
    return rows


def as_bounds(bounds: Any) -> tuple[float, float]:
    """Return the smallest and the largest value of a pixel."""
    low, high = (float(value) for value in bounds) if np.shape(bounds) == (2,) else (0.0, 0.0)
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(f"bounds must be two finite numbers in ascending order, got {bounds!r}")
    return low, high


def _as_names(value: Any, known: Sequence[str] | None, name: str) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{name} must be a sequence of strings, got {value!r}")
    names = tuple(dict.fromkeys(value))
    for item in names:
        if known is not None and item not in known:
            raise ValueError(f"{name} must be among {', '.join(known)}, got {item!r}")
        if known is None and item in SPACES:
            raise ValueError(f"{name} must not have the name of a space, got {item!r}")
    return names


def classes_of(part: FeatureSet) -> _Ints:
    """Labels where known, else predictions."""
    return part.predictions if part.labels is None else part.labels


def lengths(rows: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Euclidean lengths of rows, in double precision."""
    found: npt.NDArray[np.float64] = np.linalg.norm(np.asarray(rows, dtype=np.float64), axis=-1)
    return found


def quotient(
    above: npt.NDArray[np.float64], below: npt.NDArray[np.float64] | float
) -> npt.NDArray[np.float64]:
    """Divide; NaN where that means nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        result: npt.NDArray[np.float64] = np.divide(above, below)
    result[~np.isfinite(result)] = np.nan
    return result
