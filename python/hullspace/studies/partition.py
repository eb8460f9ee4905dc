"""The analysis of the partition of feature space into decision regions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import comb
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.partition import DecisionPartition
from hullspace.status import Status
from hullspace.studies.samples import choose_samples
from hullspace.studies.slices import make_slice

if TYPE_CHECKING:
    from hullspace.features import FeatureSplit
    from hullspace.partition import (
        Adjacency,
        Ambiguity,
        ChebyshevBalls,
        Coverage,
        GuaranteedRegions,
        Shares,
    )
    from hullspace.studies.analyses import Settings
    from hullspace.studies.progress import Steps
    from hullspace.studies.slices import Slice

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# Beyond this many classes nothing is computed for all pairs of them.
MOST_CLASSES = 50
# Time grows with the third power of the number of features. In 64 of them, on two cores, these
# take about half a minute each: linear programs, projections, bounds of distances to sets of ties.
_FEATURES = 64
_PROGRAMS, _PROJECTIONS, _BOUNDS = 30_000, 2_000_000, 20_000_000
# With fewer images than this the chapter would say little.
_FEWEST_IMAGES = 100
# Points of the domain whose class is looked up, and those that are compared with hulls.
_VOLUME_SAMPLES, _COVERAGE_SAMPLES = 20_000, 2_000
# A flip point this much farther than the hyperplane is farther, not rounded.
_FARTHER = 1e-9


@dataclass(frozen=True)
class Scope:
    """What the chapter looks at: all of it, or as much as there is time for.

    Attributes
    ----------
    images : (n,) int64
        The test images.
    pairs : bool
        Whether neighbours, and flip points to every class, are found.
    ties : tuple of int
        The numbers of classes whose ties are looked for.
    """

    images: _Ints
    pairs: bool
    ties: tuple[int, ...]

    @classmethod
    def of(cls, n_classes: int, n_features: int, n_test: int) -> Scope | None:
        """Plan the chapter; None if nothing of it could be done in time."""
        effort = max(1.0, (n_features / _FEATURES) ** 3)
        n = min(n_test, int(_PROJECTIONS / (effort * n_classes)))
        if n < min(n_test, _FEWEST_IMAGES):
            return None
        images = np.arange(n) * n_test // max(n, 1)
        pairs = n_classes <= MOST_CLASSES and comb(n_classes, 2) * effort <= _PROGRAMS
        ties = tuple(
            k
            for k in (2, 3)
            if k <= n_classes
            and comb(n_classes, k) * effort <= _PROGRAMS
            and comb(n_classes, k) * effort * n <= _BOUNDS
        )
        return cls(images, pairs, ties if pairs else ())


@dataclass(frozen=True)
class FlipResult:
    """How far test images are from other classes, inside the domain.

    Attributes
    ----------
    predictions : (n,) int64
        The image's class, computed in double precision.
    nearest, targets : (n,) float64, int64
        Distance to the nearest flip point and the class across; infinity and -1 if there is none.
    closed_form : (n,) float64
        Distance to the nearest hyperplane where the class ties with another one, whether others
        are above them there and whether the domain allows it.
    distances : (n, n_classes) float64 or None
        Distance to the boundary with every class; infinity for the image's own class and for those
        that touch it nowhere. None if that was left out.
    pair_closed_form : (n, n_classes) float64 or None
        Distance to the hyperplanes.
    undecided : int
        Flip points at which the solver gave up.
    """

    predictions: _Ints
    nearest: _Floats
    targets: _Ints
    closed_form: _Floats
    distances: _Floats | None
    pair_closed_form: _Floats | None
    undecided: int

    @property
    def farther(self) -> npt.NDArray[np.bool_]:
        """Where the nearest boundary is farther than the nearest hyperplane."""
        return _is_farther(self.nearest, self.closed_form)

    @property
    def pairs_farther(self) -> npt.NDArray[np.bool_]:
        """Where the boundary with a class is farther than the hyperplane; needs `distances`."""
        assert self.distances is not None  # noqa: S101 - the caller has looked
        assert self.pair_closed_form is not None  # noqa: S101
        return _is_farther(self.distances, self.pair_closed_form)

    def pair_medians(self, n_classes: int) -> _Floats:
        """Median distance from the images of each class (rows) to each class (columns).

        NaN on the diagonal, without images and where no image of the class can get there.
        """
        medians = np.full((n_classes, n_classes), np.nan)
        if self.distances is None:
            return medians
        for c in np.unique(self.predictions):
            rows = self.distances[self.predictions == c]
            there = np.isfinite(rows).any(axis=0)
            medians[c, there] = np.median(rows[:, there], axis=0)
        return medians


@dataclass(frozen=True)
class PartitionResult:
    """The decision regions inside a domain, and where the test images are in them.

    Attributes
    ----------
    scope : Scope
        What was looked at; `flips`, `coverage` and `ambiguity` have one entry for each of
        ``scope.images``.
    partition : DecisionPartition
        The regions. The domain is the range of the training and test features, widened.
    balls : ChebyshevBalls
        The largest ball of each region.
    domain_radius : float
        The radius of the largest ball of the domain.
    volumes : Shares
        Each region's share of the domain.
    adjacency : Adjacency or None
        Which regions are neighbours; None if that was left out.
    flips : FlipResult
        Distances to the boundaries.
    guaranteed : GuaranteedRegions
        The hulls of the training features of each class.
    coverage : Coverage
        The test images in the guaranteed regions of their true classes.
    ambiguity : dict of int to Ambiguity
        Distances to ties of 2 and 3 classes.
    slices : tuple of Slice
        Planes through three test images, through the means of the training features of three
        classes, and through the centers of the largest balls of three regions.
    """

    scope: Scope
    partition: DecisionPartition
    balls: ChebyshevBalls
    domain_radius: float
    volumes: Shares
    adjacency: Adjacency | None
    flips: FlipResult
    guaranteed: GuaranteedRegions
    coverage: Coverage
    ambiguity: dict[int, Ambiguity]
    slices: tuple[Slice, ...]


def partition_study(
    split: FeatureSplit, settings: Settings, steps: Steps
) -> PartitionResult | None:
    """Describe the partition; None if there are too many classes and features for that."""
    scope = Scope.of(split.head.n_classes, split.head.n_features, len(split.test))
    if scope is None:
        return None
    partition = DecisionPartition.from_head(split.head, domain="observed", features=_range(split))
    threads = settings.n_threads
    z = split.test.features[scope.images].astype(np.float64)
    step = steps.add("partition: regions", split.head.n_classes)
    balls = partition.chebyshev(n_threads=threads)
    whole = partition.domain.polyhedron.chebyshev_center(n_threads=threads)
    volumes = partition.volume_fractions(_VOLUME_SAMPLES, settings.seed)
    steps.finish(step)
    adjacency = _neighbours(partition, scope, settings, steps)
    flips = _flips(partition, z, scope, settings, steps)
    step = steps.add("partition: guaranteed regions", len(z))
    guaranteed = partition.guaranteed(split.train.features, split.train.labels, n_threads=threads)
    coverage = _coverage(guaranteed, split, scope, settings)
    steps.finish(step)
    ambiguity = _ambiguity(partition, z, scope, settings, steps)
    found = PartitionResult(
        scope, partition, balls, whole.radius, volumes, adjacency, flips, guaranteed, coverage,
        ambiguity, (),
    )  # fmt: skip
    return replace(found, slices=_slices(found, split, settings, steps))


def _range(split: FeatureSplit) -> npt.NDArray[np.floating]:
    """Return the smallest and largest values of each feature: all that a box needs."""
    sets = (split.train.features, split.test.features)
    return np.vstack([extreme(f, axis=0) for f in sets for extreme in (np.min, np.max)])


def _neighbours(
    partition: DecisionPartition, scope: Scope, settings: Settings, steps: Steps
) -> Adjacency | None:
    if not scope.pairs:
        return None
    step = steps.add("partition: neighbours", comb(partition.n_classes, 2))
    adjacency = partition.adjacency(n_threads=settings.n_threads)
    steps.finish(step)
    return adjacency


def _flips(
    partition: DecisionPartition, z: _Floats, scope: Scope, settings: Settings, steps: Steps
) -> FlipResult:
    step = steps.add("partition: flip points", len(z))
    parts = [
        partition.boundary_points(
            z[rows], to="all" if scope.pairs else "nearest", n_threads=settings.n_threads
        )
        for rows in steps.chunks(step, len(z))
    ]
    predictions, distances, bounds, targets, status = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("predictions", "distances", "lower_bounds", "targets", "status")
    )
    undecided = int(np.count_nonzero(status == Status.LIMIT))
    if not scope.pairs:
        return FlipResult(predictions, distances, targets, bounds, None, None, undecided)
    nearest = distances.min(axis=1)
    across = np.where(np.isfinite(nearest), distances.argmin(axis=1), -1)
    return FlipResult(
        predictions, nearest, across, bounds.min(axis=1), distances, bounds, undecided
    )


def _is_farther(distances: _Floats, bounds: _Floats) -> npt.NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):  # infinities compare as they should
        return np.asarray(distances > bounds * (1.0 + _FARTHER) + _FARTHER)


def _coverage(
    guaranteed: GuaranteedRegions, split: FeatureSplit, scope: Scope, settings: Settings
) -> Coverage:
    labels = split.test.labels
    return guaranteed.coverage(
        split.test.features[scope.images],
        None if labels is None else labels[scope.images],
        n_samples=_COVERAGE_SAMPLES,
        random_state=settings.seed,
        n_threads=settings.n_threads,
    )


def _ambiguity(
    partition: DecisionPartition, z: _Floats, scope: Scope, settings: Settings, steps: Steps
) -> dict[int, Ambiguity]:
    found = {}
    for k in scope.ties:
        step = steps.add(f"partition: ties of {k} classes", len(z))
        found[k] = partition.ambiguity(z, k, n_threads=settings.n_threads)
        steps.finish(step)
    return found


def _slices(
    found: PartitionResult, split: FeatureSplit, settings: Settings, steps: Steps
) -> tuple[Slice, ...]:
    """Lay planes through three images, the means of their classes, and the centers of balls."""
    step = steps.add("partition: slices", 3)
    images = found.scope.images
    z = split.test.features[images].astype(np.float64)
    logits = found.partition.head.logits(z)
    truth = split.test.labels
    correct = np.ones(len(images), bool)
    if truth is not None:
        correct = np.asarray((split.test.predictions == truth)[images])
    rows = choose_samples(z, logits, found.flips.nearest, correct, found.ambiguity.get(3))
    names, predictions = split.names, found.flips.predictions
    classes = np.unique(predictions[rows])
    seen = classes[found.guaranteed.n_points[classes] > 0]
    solid = classes[found.balls.radii[classes] > 0.0]
    planes = (
        ("test image", z[rows], [f"test image {i}" for i in images[rows]]),
        (
            "mean of a class",
            _means(found.guaranteed, seen),
            [f"the mean of {names[c]}" for c in seen],
        ),
        (
            "center of a ball",
            found.balls.centers[solid],
            [f"the center of {names[c]}" for c in solid],
        ),
    )
    parts = (found.partition, found.guaranteed, found.balls)
    made = [make_slice(*parts, *plane, settings) for plane in planes]
    steps.finish(step)
    return tuple(cut for cut in made if cut is not None)


def _means(guaranteed: GuaranteedRegions, classes: _Ints) -> _Floats:
    """Means of the training features of classes that have any."""
    means = [guaranteed.hull(int(c)).points.mean(axis=0, dtype=np.float64) for c in classes]
    return np.array(means)
