"""The partition of feature space, and where the test images are in it."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace import certificates
from hullspace.status import Status
from hullspace.studies.chapters.partition.slices import Slice, make_slice
from hullspace.studies.samples import choose_samples
from hullspace.studies.scope import TOO_MANY

if TYPE_CHECKING:
    from hullspace.partition import (
        Adjacency,
        Ambiguity,
        ChebyshevBalls,
        Coverage,
        DecisionPartition,
        GuaranteedRegions,
        Shares,
    )
    from hullspace.studies.knowledge import Knowledge
    from hullspace.studies.scope import Scope

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]

# Points of the domain whose class is looked up.
_VOLUME_SAMPLES = 20_000

# A flip point this much farther than the hyperplane is farther, not rounded.
_FARTHER = 1e-9


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
    checked : (n,) bool
        Whether the nearest flip point passed the independent check that none is nearer.
    """

    predictions: _Ints
    nearest: _Floats
    targets: _Ints
    closed_form: _Floats
    distances: _Floats | None
    pair_closed_form: _Floats | None
    undecided: int
    checked: npt.NDArray[np.bool_]

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
    balls_checked, adjacency_checked : (n_classes,), (n_classes, n_classes) or None, bool
        Whether the balls, and the facets, passed the independent check.
    domain_checked : bool
        Whether the largest ball of the domain did.
    coverage_checked : (n,) bool
        Whether membership and distance did for each image of `coverage`.
    ambiguity_checked : dict of int to (n,) bool
        Whether `ambiguity` did.
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
    balls_checked: _Bools
    adjacency_checked: _Bools | None
    domain_checked: bool
    coverage_checked: _Bools
    ambiguity_checked: dict[int, _Bools]
    slices: tuple[Slice, ...]

    @property
    def regions_proven(self) -> bool:
        """Whether all balls and facets passed the check."""
        facets = self.adjacency_checked
        others = ~np.eye(len(self.balls_checked), dtype=bool)
        all_facets = facets is None or bool(facets[others].all())
        return self.domain_checked and bool(self.balls_checked.all()) and all_facets


def lacks(known: Knowledge) -> str | None:
    """Say that there is no time for it."""
    return None if known.scope is not None else TOO_MANY


def find(known: Knowledge) -> PartitionResult:
    """Describe the partition."""
    scope, partition, settings = known.scope, known.partition, known.settings
    assert scope is not None  # noqa: S101 - said by `lacks`
    threads = settings.n_threads
    step = known.steps.add("partition: regions", partition.n_classes)
    balls = partition.chebyshev(n_threads=threads)
    whole = partition.domain.polyhedron.chebyshev_center(n_threads=threads)
    volumes = partition.volume_fractions(_VOLUME_SAMPLES, settings.random_state)
    known.steps.finish(step)
    adjacency = _neighbours(known, scope)
    flips = _flips(known, scope)
    ambiguity = {k: known.ambiguity(k) for k in scope.ties}
    coverage, covered = known.coverage

    def check(found: Any, of: Any = partition) -> _Bools:
        return certificates.check(of, None, found)

    return PartitionResult(
        scope, partition, balls, whole.radius, volumes, adjacency, flips, known.features.regions,
        coverage, {k: ties for k, (ties, _) in ambiguity.items()}, check(balls),
        None if adjacency is None else check(adjacency),
        bool(check(whole, partition.domain.polyhedron).all()), covered,
        {k: checked for k, (_, checked) in ambiguity.items()}, _slices(known, scope, balls, flips),
    )  # fmt: skip


def _neighbours(known: Knowledge, scope: Scope) -> Adjacency | None:
    if not scope.pairs:
        return None
    step = known.steps.add("partition: neighbours", comb(known.partition.n_classes, 2))
    adjacency = known.partition.adjacency(n_threads=known.settings.n_threads)
    known.steps.finish(step)
    return adjacency


def _flips(known: Knowledge, scope: Scope) -> FlipResult:
    decisions = known.features.decisions
    pairs = decisions.pairs(scope.images) if scope.pairs else None
    nearest = decisions.nearest(scope.images)
    status = nearest.status if pairs is None else pairs.status
    return FlipResult(
        nearest.predictions,
        nearest.distances,
        nearest.targets,
        nearest.lower_bounds,
        None if pairs is None else pairs.distances,
        None if pairs is None else pairs.lower_bounds,
        int(np.count_nonzero(status == Status.LIMIT)),
        nearest.checked,
    )


def _is_farther(distances: _Floats, bounds: _Floats) -> npt.NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):  # infinities compare as they should
        return np.asarray(distances > bounds * (1.0 + _FARTHER) + _FARTHER)


def _slices(
    known: Knowledge, scope: Scope, balls: ChebyshevBalls, flips: FlipResult
) -> tuple[Slice, ...]:
    """Lay planes through three images, the means of their classes, and the centers of balls."""
    step = known.steps.add("partition: slices", 3)
    regions, names, images = known.features.regions, known.split.names, scope.images
    z = known.split.test.features[images].astype(np.float64)
    rows = _three_images(known, scope, z, flips)
    classes = np.unique(flips.predictions[rows])
    seen = classes[regions.n_points[classes] > 0]
    solid = classes[balls.radii[classes] > 0.0]
    planes = (
        ("test image", z[rows], [f"test image {i}" for i in images[rows]]),
        ("mean of a class", _means(regions, seen), [f"the mean of {names[c]}" for c in seen]),
        ("center of a ball", balls.centers[solid], [f"the center of {names[c]}" for c in solid]),
    )
    parts = (known.partition, regions, balls)
    made = [make_slice(*parts, *plane, known.settings) for plane in planes]
    known.steps.finish(step)
    return tuple(cut for cut in made if cut is not None)


def _three_images(known: Knowledge, scope: Scope, z: _Floats, flips: FlipResult) -> _Ints:
    """Choose the images of the first slice."""
    test, triples = known.split.test, known.ambiguity(3)[0] if 3 in scope.ties else None
    correct = np.ones(len(z), bool)
    if test.labels is not None:
        correct = (test.predictions == test.labels)[scope.images]
    logits = known.partition.head.logits(z)
    return choose_samples(z, logits, flips.nearest, correct, triples)


def _means(guaranteed: GuaranteedRegions, classes: _Ints) -> _Floats:
    """Means of the training features of classes that have any."""
    means = [guaranteed.hull(int(c)).points.mean(axis=0, dtype=np.float64) for c in classes]
    return np.array(means)
