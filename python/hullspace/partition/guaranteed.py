"""Regions guaranteed a class: the hulls of the training features that the model puts in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.certificates.signs import in_domain
from hullspace.features.store import as_labels
from hullspace.hull.classes import ClassHulls
from hullspace.partition.domain import Domain, as_domain, observed_box
from hullspace.partition.proofs import GuaranteeProof, exact_winners
from hullspace.partition.regions import Shares, as_count, sampled
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.hull import Hull, Membership, Projection
    from hullspace.partition.ties import Ties

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]

_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Guarantees:
    """Whether features are guaranteed their class, as `GuaranteedRegions.contains` returns it.

    Attributes
    ----------
    inside : (n,) bool
        Whether the feature lies in the guaranteed region of the model's class for it.
    classes : (n,) int64
        The model's class, in exact arithmetic.
    status : (n,) int8
        `Status.INSIDE`, `Status.OUTSIDE` or `Status.UNDECIDED`.
    memberships : dict of int to Membership
        What proves it: for each class with a region, the answers for its features in order.
    """

    inside: _Bools
    classes: _Ints
    status: npt.NDArray[np.int8]
    memberships: dict[int, Membership] = field(repr=False)

    def __len__(self) -> int:
        return len(self.inside)

    def __repr__(self) -> str:
        return f"Guarantees({len(self)} features, {int(self.inside.sum())} guaranteed)"


@dataclass(frozen=True)
class GuaranteedProjections:
    """Nearest points of guaranteed regions, as `GuaranteedRegions.project` returns them.

    Attributes
    ----------
    points : (n, n_features) float64
        Nearest point of the region of each feature's class; NaN if the class has no region.
    distances : (n,) float64
        Distance to it; infinity if there is none.
    gaps : (n,) float64
        The true distance lies in ``[distances - gaps, distances]``.
    classes : (n,) int64
        Whose region it is.
    status : (n,) int8
        OPTIMAL, UNDECIDED, or EMPTY if the class has no region.
    projections : dict of int to Projection
        What proves it: for each class with a region, the answers for its features in order.
    """

    points: _Floats
    distances: _Floats
    gaps: _Floats
    classes: _Ints
    status: npt.NDArray[np.int8]
    projections: dict[int, Projection] = field(repr=False)

    def __len__(self) -> int:
        return len(self.distances)

    def __repr__(self) -> str:
        return f"GuaranteedProjections({len(self)} features)"


@dataclass(frozen=True)
class Coverage:
    """How much guaranteed regions cover, as `GuaranteedRegions.coverage` returns it.

    Attributes
    ----------
    inside : (n,) bool
        Whether each test sample is inside its class's guaranteed region.
    classes : (n,) int64
        Its class: the label where given, else the model's.
    distances : (n,) float64
        Distance to that region; 0 inside.
    share : Shares
        Share of all samples that are inside.
    per_class : Shares
        Share of each class's own samples, in the order of the classes; 0 of 0 samples is NaN.
    quantiles : dict of float to float
        Quantiles of the distances of the samples outside, those aside whose class has no region;
        NaN if there are none.
    n_misclassified : int
        Samples whose label is not the model's class: these cannot be inside.
    uncertified : Shares or None
        Share of the domain that no guaranteed region covers; `Shares.of` says which domain.
    """

    inside: _Bools
    classes: _Ints
    distances: _Floats
    share: Shares
    per_class: tuple[Shares, ...]
    quantiles: dict[float, float]
    n_misclassified: int
    uncertified: Shares | None

    @classmethod
    def of(
        cls,
        inside: _Bools,
        classes: _Ints,
        distances: _Floats,
        n_classes: int,
        n_misclassified: int,
        uncertified: Shares | None,
    ) -> Coverage:
        """Make shares and quantiles of what was found of each sample."""
        rest = distances[~inside & np.isfinite(distances)]
        levels = np.quantile(rest, _QUANTILES) if len(rest) else np.full(len(_QUANTILES), np.nan)
        return cls(
            inside,
            classes,
            distances,
            _share(inside, "the test samples"),
            tuple(
                _share(inside[classes == c], f"the test samples of class {c}")
                for c in range(n_classes)
            ),
            dict(zip(_QUANTILES, levels.tolist(), strict=True)),
            n_misclassified,
            uncertified,
        )

    def __repr__(self) -> str:
        share = f"{100 * self.share.values[0]:.1f} % of {len(self.inside)} samples inside"
        return f"Coverage({share}, median distance outside {self.quantiles[0.5]:.4g})"


class GuaranteedRegions:
    """For each class the hull of the features that the model puts in it: all of it is that class.

    Made by `DecisionPartition.guaranteed`.

    Attributes
    ----------
    hulls : ClassHulls
        The hulls of the classes that have any features; `ClassHulls.classes` says which.
    purity : (n_classes,) float64 or None
        Share of each hull's features whose label is the hull's class, where labels were given;
        NaN for a class without features.
    n_outside_domain : int
        Features that were left out because they are not in the domain.
    """

    def __init__(
        self, ties: Ties, hulls: ClassHulls, purity: _Floats | None, n_outside_domain: int
    ) -> None:
        self._ties = ties
        self.hulls = hulls
        self.purity = purity
        self.n_outside_domain = n_outside_domain

    @property
    def n_points(self) -> _Ints:
        """Number of features that describe each class's region, (n_classes,)."""
        counts = np.zeros(self._ties.n_classes, dtype=np.int64)
        counts[self.hulls.classes] = [hull.n_points for hull in self.hulls.hulls]
        return counts

    def hull(self, c: int) -> Hull:
        """Return the hull of class c; ValueError if no feature was put in it."""
        place = np.flatnonzero(self.hulls.classes == c)
        if not len(place):
            raise ValueError(f"c must be a class with a guaranteed region, got {c!r}")
        return self.hulls.hulls[int(place[0])]

    def contains(self, z: npt.ArrayLike, *, n_threads: int | None = None) -> Guarantees:
        """Tell which features are guaranteed the class that the model gives them.

        Parameters
        ----------
        z : (n, n_features) array
            Points of feature space.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        Guarantees
            Whether, in which class, and how far that is decided.
        """
        features = self._ties.as_features(z, "z")
        classes = exact_winners(self._ties, features)
        status = np.full(len(features), Status.OUTSIDE, dtype=np.int8)
        memberships = {}
        for c, rows in self._by_class(classes):
            memberships[c] = self.hull(c).contains(features[rows], n_threads=n_threads)
            status[rows] = memberships[c].status
        return Guarantees(status == Status.INSIDE, classes, status, memberships)

    def project(
        self,
        z: npt.ArrayLike,
        classes: npt.ArrayLike | None = None,
        *,
        n_threads: int | None = None,
    ) -> GuaranteedProjections:
        """Find the nearest point of the guaranteed region of each feature's class.

        Parameters
        ----------
        z : (n, n_features) array
            Points of feature space.
        classes : (n,) integer array, optional
            Whose region to go to; the model's class by default.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        GuaranteedProjections
            Points, distances and gaps.
        """
        features = self._ties.as_features(z, "z")
        wanted = self._as_classes(classes, features, "classes")
        n = len(features)
        points, distances = np.full(features.shape, np.nan), np.full(n, np.inf)
        gaps, status = np.zeros(n), np.full(n, Status.EMPTY, dtype=np.int8)
        projections = {}
        for c, rows in self._by_class(wanted):
            projections[c] = found = self.hull(c).project(features[rows], n_threads=n_threads)
            points[rows], distances[rows] = found.points, found.distances
            gaps[rows], status[rows] = found.gaps, found.status
        return GuaranteedProjections(points, distances, gaps, wanted, status, projections)

    def coverage(
        self,
        test_features: npt.ArrayLike,
        test_labels: npt.ArrayLike | None = None,
        *,
        n_samples: int = 2000,
        random_state: Any = None,
        n_threads: int | None = None,
    ) -> Coverage:
        """Measure how many test samples, and how much of the domain, is guaranteed a class.

        Parameters
        ----------
        test_features : (n, n_features) array
            Features that the regions were not made of.
        test_labels : (n,) integer array, optional
            Their true classes; the model's by default.
        n_samples : int, default 2000
            Samples of the domain; 0 leaves that part out.
        random_state : optional
            What `numpy.random.default_rng` takes.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        Coverage
            Shares with intervals, distances of the samples outside and their quantiles.
        """
        z = self._ties.as_features(test_features, "test_features")
        labels = self._as_classes(test_labels, z, "test_labels")
        found = self.contains(z, n_threads=n_threads)
        right = found.classes == labels
        inside = found.inside & right
        distances = np.zeros(len(z))
        outside = np.flatnonzero(~inside)
        there = self.project(z[outside], labels[outside], n_threads=n_threads)
        distances[outside] = there.distances
        rest = self.uncertified(n_samples, random_state, n_threads=n_threads) if n_samples else None
        n_wrong = int(np.count_nonzero(~right))
        return Coverage.of(inside, labels, distances, self._ties.n_classes, n_wrong, rest)

    def uncertified(
        self, n_samples: int = 2000, random_state: Any = None, *, n_threads: int | None = None
    ) -> Shares:
        """Estimate the share of the domain that no guaranteed region covers.

        Parameters
        ----------
        n_samples : int, default 2000
            Samples, uniform in the domain; in the box of the regions' features, which the result
            says, if the domain is not bounded.
        random_state : optional
            What `numpy.random.default_rng` takes.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        Shares
            One share with its interval at 95 %.
        """
        domain, name = self._sampled_domain()
        count = sum(
            int(np.count_nonzero(~self.contains(points, n_threads=n_threads).inside))
            for points in sampled(domain, as_count(n_samples, "n_samples"), random_state)
        )
        return Shares.from_counts(np.array([count]), n_samples, 0.95, name)

    def pruned(self, *, n_threads: int | None = None) -> GuaranteedRegions:
        """Describe the same regions by their extreme points alone.

        Returns
        -------
        GuaranteedRegions
            The same regions up to the tolerance of `Hull.vertices`. Purity is that of all
            features. In many dimensions nearly every point is extreme.
        """
        kept = [
            hull.points[hull.vertices(n_threads=n_threads).indices] for hull in self.hulls.hulls
        ]
        labels = np.repeat(self.hulls.classes, [len(points) for points in kept])
        hulls = ClassHulls(np.vstack(kept), labels, n_threads=n_threads)
        return GuaranteedRegions(self._ties, hulls, self.purity, self.n_outside_domain)

    def proof(self, c: int) -> GuaranteeProof:
        """Return all that a third party needs to check the region of class c.

        Parameters
        ----------
        c : int
            The class; ValueError if it has no guaranteed region.

        Returns
        -------
        GuaranteeProof
            Its `check` is exact and needs nothing of this object.
        """
        domain = self._ties.domain.polyhedron
        points = np.array(self.hull(c).points, dtype=np.float64)
        head = (self._ties.weight, self._ties.bias)
        return GuaranteeProof(int(c), points, *head, domain.A, domain.b, domain.E, domain.d)

    def __repr__(self) -> str:
        n = self.n_points
        left_out = f", {self.n_outside_domain} not in the domain" if self.n_outside_domain else ""
        return (
            f"GuaranteedRegions({np.count_nonzero(n)} of {len(n)} classes, "
            f"{int(n.sum())} points{left_out})"
        )

    def _by_class(self, classes: _Ints) -> list[tuple[int, npt.NDArray[np.intp]]]:
        present = np.intersect1d(classes, self.hulls.classes)
        return [(int(c), np.flatnonzero(classes == c)) for c in present]

    def _as_classes(self, value: npt.ArrayLike | None, features: _Floats, name: str) -> _Ints:
        if value is None:
            return exact_winners(self._ties, features)
        return as_labels(value, name, len(features), self._ties.head)

    def _sampled_domain(self) -> tuple[Domain, str]:
        domain = self._ties.domain
        if domain.is_bounded_box or domain.lower is None:
            return domain, f"the domain: {domain.name}"
        # The bounds of the hulls' points are those of all.
        extremes = np.vstack(
            [f(hull.points, axis=0) for hull in self.hulls.hulls for f in (np.min, np.max)]
        )
        box = as_domain(observed_box(extremes, 0.0), self._ties.n_features, None)
        return box, f"the box of the features, as the domain is unbounded: {domain.name}"


def guaranteed(
    ties: Ties,
    features: npt.ArrayLike,
    labels: npt.ArrayLike | None,
    hulls: ClassHulls | None,
    n_threads: int | None,
) -> GuaranteedRegions:
    """Make the guaranteed regions; see `DecisionPartition.guaranteed`."""
    z = ties.as_features(features, "features")
    if not len(z):
        raise ValueError("features must have at least one row")
    truth = None if labels is None else as_labels(labels, "labels", len(z), ties.head)
    domain = ties.domain.polyhedron
    inside = in_domain(domain.A, domain.b, domain.E, domain.d, z)
    if not inside.any():
        raise ValueError(f"features must lie in the domain, got none that does: {ties.domain}")
    classes = exact_winners(ties, z)
    kept = np.asarray(features)[inside] if np.ndim(features) == 2 else z[inside]
    if hulls is None or not _are_of(hulls, kept, classes[inside]):
        hulls = ClassHulls(kept, classes[inside], n_threads=n_threads)
    purity = None if truth is None else _purity(ties, classes[inside], truth[inside])
    return GuaranteedRegions(ties, hulls, purity, int(np.count_nonzero(~inside)))


def _are_of(hulls: ClassHulls, points: npt.NDArray[Any], classes: _Ints) -> bool:
    """Tell whether hulls are those of the points of each class."""
    return np.array_equal(hulls.classes, np.unique(classes)) and all(
        np.array_equal(hull.points, points[classes == c])
        for c, hull in zip(hulls.classes, hulls.hulls, strict=True)
    )


def _purity(ties: Ties, classes: _Ints, labels: _Ints) -> _Floats:
    right = np.bincount(classes[classes == labels], minlength=ties.n_classes)
    total = np.bincount(classes, minlength=ties.n_classes)
    return np.where(total > 0, right / np.maximum(total, 1), np.nan)


def _share(inside: _Bools, of: str) -> Shares:
    count = np.array([np.count_nonzero(inside)], dtype=np.int64)
    return Shares.from_counts(count, len(inside), 0.95, of)
