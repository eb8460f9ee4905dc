"""The regions as wholes: their largest balls, which of them are neighbours, how large they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from hullspace.partition.balls import largest_balls
from hullspace.partition.nearest import Multipliers, TieSets
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.partition.domain import Domain
    from hullspace.partition.ties import Subset, Ties
    from hullspace.polyhedron import ChebyshevCenters

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# Samples that are drawn and classified at a time.
_BLOCK = 2**14


@dataclass(frozen=True)
class ChebyshevBalls:
    """The largest balls in the regions, as `DecisionPartition.chebyshev` returns them.

    Attributes
    ----------
    centers : (n_classes, n_features) float64
        Their centers; NaN for an empty region. In a region that holds balls of any size, the
        center of one of radius 1 or more.
    radii : (n_classes,) float64
        Their radii in the units of the features: 0 for a region without interior, infinity for
        one that holds balls of any size, NaN for an empty one.
    status : (n_classes,) int8
        `Status.OPTIMAL`, `Status.EMPTY`, `Status.UNBOUNDED` or `Status.LIMIT`.
    certificate : ChebyshevCenters
        What the solver returned, with the duals that prove it; one problem a class.
    """

    centers: _Floats
    radii: _Floats
    status: npt.NDArray[np.int8]
    certificate: ChebyshevCenters

    @property
    def empty(self) -> Subset:
        """Classes that win nowhere in the domain."""
        return tuple(int(c) for c in np.flatnonzero(self.status == Status.EMPTY))

    @property
    def flat(self) -> Subset:
        """Classes that are at the top somewhere, but in no ball: on a boundary at most."""
        return tuple(int(c) for c in np.flatnonzero(self.radii == 0.0))

    def __len__(self) -> int:
        return len(self.radii)

    def __repr__(self) -> str:
        notes = [
            f"{word}: {', '.join(map(str, classes))}"
            for word, classes in (("empty", self.empty), ("flat", self.flat))
            if classes
        ]
        return f"ChebyshevBalls({'; '.join([f'{len(self)} regions', *notes])})"


def chebyshev(ties: Ties, n_threads: int | None) -> ChebyshevBalls:
    """Find the largest ball in each region; see `DecisionPartition.chebyshev`."""
    points, found = largest_balls(ties, [(c,) for c in range(ties.n_classes)], n_threads)
    return ChebyshevBalls(points, found.radii, found.status, found)


@dataclass(frozen=True)
class Adjacency:
    """Which regions share a facet, as `DecisionPartition.adjacency` returns it.

    Attributes
    ----------
    matrix : (n_classes, n_classes) bool
        Whether the two regions have interior and share a facet inside the domain; symmetric.
    witnesses : (n_classes, n_classes, n_features) float64
        A point in the facet's relative interior: the center of its largest ball, or, in a facet
        that holds balls of any size, of one of radius 1 or more. NaN where there is no facet.
    radii : (n_classes, n_classes) float64
        Radius of the largest ball of the facet, within the facet's hyperplane; 0 where the two
        regions touch in less than a facet, or where the domain is a line and facets are points;
        NaN where they do not touch.
    regions : ChebyshevBalls
        The regions; its `empty` and `flat` name the classes without neighbours for that reason.
    equal_classes : list of tuple of int
        Groups of classes with the same weights and bias. They tie everywhere: their regions are
        one, with the same neighbours, and they are no neighbours of each other.
    certificate : ChebyshevCenters
        What proves contact, or that there is none: one problem for each pair of different classes
        with points, in lexicographic order.
    """

    matrix: npt.NDArray[np.bool_]
    witnesses: _Floats
    radii: _Floats
    regions: ChebyshevBalls
    equal_classes: list[Subset]
    certificate: ChebyshevCenters = field(repr=False)

    @property
    def pairs(self) -> list[Subset]:
        """The pairs of neighbours, each once."""
        return [(int(c), int(j)) for c, j in np.argwhere(np.triu(self.matrix))]

    def __repr__(self) -> str:
        n = len(self.matrix)
        pairs = f"{len(self.pairs)} of {n * (n - 1) // 2} pairs share a facet"
        twins = f"; equal: {self.equal_classes}" if self.equal_classes else ""
        return f"Adjacency({n} classes, {pairs}{twins})"


def adjacency(ties: Ties, n_threads: int | None) -> Adjacency:
    """Find which regions share a facet; see `DecisionPartition.adjacency`."""
    regions = chebyshev(ties, n_threads)
    n = ties.n_classes
    pairs: list[Subset] = [
        (c, j)
        for c, j in combinations(range(n), 2)
        if (ties.weight[c] != ties.weight[j]).any() and not {c, j} & set(regions.empty)
    ]
    points, found = largest_balls(ties, pairs, n_threads)
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    radii = np.full((n, n), np.nan)
    radii[rows, columns] = radii[columns, rows] = found.radii
    # A wall of the domain can be a facet of one region and all of another one, a flat one.
    solid = regions.radii > 0.0
    # Where the domain is a line, facets are points.
    on_a_line = np.linalg.matrix_rank(ties.domain.polyhedron.E) == ties.n_features - 1
    large = found.radii >= 0.0 if on_a_line else found.radii > 0.0
    shared = large & solid[rows] & solid[columns]
    matrix = np.zeros((n, n), dtype=bool)
    matrix[rows, columns] = matrix[columns, rows] = shared
    witnesses = np.full((n, n, ties.n_features), np.nan)
    witnesses[rows[shared], columns[shared]] = witnesses[columns[shared], rows[shared]] = points[
        shared
    ]
    return Adjacency(matrix, witnesses, radii, regions, ties.equal_classes(), found)


@dataclass(frozen=True)
class RegionDistances:
    """How far samples are from every region, as `DecisionPartition.region_distances` returns it.

    Attributes
    ----------
    points : (n, n_classes, n_features) float64
        The nearest point of each region to each sample; NaN for an empty region.
    distances : (n, n_classes) float64
        Distance to it; infinity for an empty region.
    gaps : (n, n_classes) float64
        The true distance lies in ``[distances - gaps, distances]``.
    status : (n, n_classes) int8
        OPTIMAL, EMPTY or LIMIT.
    multipliers : Multipliers
        What proves the distances; candidates are classes.
    """

    points: _Floats
    distances: _Floats
    gaps: _Floats
    status: npt.NDArray[np.int8]
    multipliers: Multipliers = field(repr=False)

    def __len__(self) -> int:
        return len(self.distances)

    def __repr__(self) -> str:
        return f"RegionDistances({len(self)} samples, {self.distances.shape[1]} regions)"


def region_distances(ties: Ties, z: _Floats, n_threads: int | None) -> RegionDistances:
    """Project every sample onto every region; see `DecisionPartition.region_distances`."""
    shape = (len(z), ties.n_classes)
    which = np.tile(np.arange(ties.n_classes), len(z))
    sets = TieSets(ties, [(c,) for c in range(ties.n_classes)], n_threads)
    samples = np.repeat(np.arange(len(z)), ties.n_classes)
    found = sets.project(which, z[samples])
    return RegionDistances(
        found.points.reshape(*shape, ties.n_features),
        found.distances.reshape(shape),
        found.gaps.reshape(shape),
        found.status.reshape(shape),
        Multipliers.of(samples, which, found),
    )


@dataclass(frozen=True)
class Shares:
    """Shares of a whole, estimated from samples.

    Attributes
    ----------
    values : (n,) float64
        Share of the samples; NaN without any.
    intervals : (n, 2) float64
        Clopper-Pearson interval of each share, by itself.
    counts : (n,) int64
        Samples counted.
    n_samples : int
        Samples drawn.
    confidence : float
        Probability with which an interval covers the true share.
    of : str
        What the whole is.
    """

    values: _Floats
    intervals: _Floats
    counts: _Ints
    n_samples: int
    confidence: float
    of: str

    @classmethod
    def from_counts(cls, counts: _Ints, n_samples: int, confidence: float, of: str) -> Shares:
        """Estimate shares from how many samples were counted."""
        tail = 0.5 * (1.0 - confidence)
        k = counts.astype(np.float64)
        low, high = np.zeros(len(k)), np.ones(len(k))
        some, not_all = k > 0, k < n_samples
        low[some] = betaincinv(k[some], n_samples - k[some] + 1.0, tail)
        high[not_all] = betaincinv(k[not_all] + 1.0, n_samples - k[not_all], 1.0 - tail)
        values = k / n_samples if n_samples else np.full(len(k), np.nan)
        return cls(values, np.column_stack([low, high]), counts, n_samples, confidence, of)

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"Shares({len(self)} of {self.of}, {self.n_samples} samples)"


def volume_fractions(ties: Ties, n_samples: int, random_state: Any, confidence: float) -> Shares:
    """Estimate the regions' shares of the domain; see `DecisionPartition.volume_fractions`."""
    counts = np.zeros(ties.n_classes, dtype=np.int64)
    for points in sampled(ties.domain, as_count(n_samples, "n_samples"), random_state):
        winners = ties.logits(points).argmax(axis=1)
        counts += np.bincount(winners, minlength=ties.n_classes)
    level = as_confidence(confidence)
    return Shares.from_counts(counts, n_samples, level, f"the domain: {ties.domain.name}")


def sampled(domain: Domain, n_samples: int, random_state: Any) -> Any:
    """Yield blocks of samples, uniform in a bounded domain."""
    generator = np.random.default_rng(random_state)
    lower, upper = domain.lower, domain.upper
    if lower is not None and upper is not None:
        if not domain.is_bounded_box:
            raise ValueError(
                f"domain must be bounded to have a volume, got the {domain.name}; pass a box, "
                "such as DecisionPartition.observed_box(features)"
            )
        for start in range(0, n_samples, _BLOCK):
            shape = (min(_BLOCK, n_samples - start), len(lower))
            yield lower + generator.random(shape) * (upper - lower)
        return
    try:
        yield domain.polyhedron.sample(n_samples, random_state=generator).points
    except ValueError as error:
        raise ValueError(f"domain must be bounded and not empty: {error}") from error


def as_count(value: int, name: str) -> int:
    """Return a positive integer."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a positive integer, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value}")
    return int(value)


def as_confidence(value: float) -> float:
    """Return a number strictly between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"confidence must be a number, got {value!r}")
    if not 0.0 < value < 1.0:
        raise ValueError(f"confidence must be between 0 and 1, got {value}")
    return float(value)
