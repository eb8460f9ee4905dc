"""Several hulls at once: the nearest points of two, and the hulls of the classes of a set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace import _core
from hullspace.arguments import DEFAULT_TOLERANCE, as_matrix, as_threads, as_tolerance
from hullspace.hull.hull import Hull
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hullspace.hull.results import Membership, Projection


@dataclass(frozen=True)
class HullDistance:
    """The nearest points of two hulls, as `hull_distance` returns them.

    Attributes
    ----------
    distance : float
        Distance of the hulls, in the units of the data; within the tolerance of 0 if they meet.
    point_a, point_b : (n_features,) float64
        The nearest points; where the hulls meet, a common point, twice up to the tolerance.
    weights_a, weights_b : (n_points,) float64
        Convex weights on the points of each set that give `point_a` and `point_b`.
    normal : (n_features,) float64
        Unit vector from b to a, orthogonal to the hyperplane of maximum margin between them; zero
        where the hulls meet.
    offset : float
        That hyperplane is ``normal @ x = offset``: halfway between the nearest points. NaN where
        the hulls meet.
    gap : float
        The true distance lies in ``[distance - gap, distance]``.
    status : Status
        OPTIMAL, or UNDECIDED where the gap exceeds the tolerance.
    """

    distance: float
    point_a: npt.NDArray[np.float64]
    point_b: npt.NDArray[np.float64]
    weights_a: npt.NDArray[np.float64]
    weights_b: npt.NDArray[np.float64]
    normal: npt.NDArray[np.float64]
    offset: float
    gap: float
    status: Status

    @property
    def margin(self) -> float:
        """Verified lower bound of the distance."""
        return max(0.0, self.distance - self.gap) if self.normal.any() else 0.0

    @property
    def disjoint(self) -> bool:
        """Whether the hyperplane proves that the hulls have no point in common."""
        return self.margin > 0.0

    def __repr__(self) -> str:
        return f"HullDistance({self.distance:.6g}, gap {self.gap:.1g}, {self.status.name})"


def hull_distance(
    a: Hull | npt.ArrayLike,
    b: Hull | npt.ArrayLike,
    *,
    tolerance: float = DEFAULT_TOLERANCE,
    n_threads: int | None = None,
) -> HullDistance:
    """Find the nearest points of two hulls, and the hyperplane of maximum margin between them.

    Parameters
    ----------
    a, b : Hull or (n_points, n_features) array
        The hulls, or their points.
    tolerance : float, default 1e-9
        Largest gap that counts as proven, and distance at which the hulls meet, relative to the
        sum of the hulls' scales.
    n_threads : int, optional
        Threads for preparing arrays; all cores by default.

    Returns
    -------
    HullDistance
        Distance, nearest points with their weights, and the separating hyperplane.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values; the message names it.

    Notes
    -----
    The point nearest to zero among all differences of points of the two sets, by Wolfe's method;
    differences are formed only as they enter it. This is the hard-margin support vector machine
    of the two sets (Bennett and Bredensteiner, "Duality and geometry in SVM classifiers", 2000).

    Examples
    --------
    >>> import hullspace
    >>> d = hullspace.hull_distance([[0, 0], [1, 0], [0, 1]], [[3, 0], [3, 1], [4, 0]])
    >>> d.distance, d.point_a, d.offset
    (2.0, array([1., 0.]), -2.0)
    >>> d.disjoint
    True
    """
    hulls = [_as_hull(a, "a", n_threads), _as_hull(b, "b", n_threads)]
    if hulls[0].n_features != hulls[1].n_features:
        raise ValueError(
            f"b must have {hulls[0].n_features} columns (n_features) like a, "
            f"got {hulls[1].n_features}"
        )
    return next(_distances([(hulls[0], hulls[1])], tolerance, n_threads))


def _as_hull(value: Hull | npt.ArrayLike, name: str, n_threads: int | None) -> Hull:
    if isinstance(value, Hull):
        return value
    return Hull(as_matrix(value, name), method="active-set", n_threads=n_threads)


def _distances(
    pairs: Sequence[tuple[Hull, Hull]], tolerance: float, n_threads: int | None
) -> Iterator[HullDistance]:
    sets = [(a._on_cpu("hull_distance"), b._on_cpu("hull_distance")) for a, b in pairs]
    cores = [(a.core, b.core) for a, b in sets]
    found = _core.hull_distances(cores, as_tolerance(tolerance), as_threads(n_threads))
    for i, (a, b) in enumerate(sets):
        distance, normal = float(found.distances[i]), found.normals[i]
        first, second = found.first[i], found.second[i]
        yield HullDistance(
            distance,
            first,
            second,
            a.spread(found.first_weights, i),
            b.spread(found.second_weights, i),
            normal,
            float(normal @ (0.5 * first + 0.5 * second)) if normal.any() else float("nan"),
            min(float(found.gaps[i]) + a.slack + b.slack, distance),
            Status(found.status[i]),
        )


@dataclass(frozen=True)
class ClassProjections:
    """Queries against the hull of every class, as `ClassHulls.project` returns it.

    Attributes
    ----------
    distances : (n_queries, n_classes) float64
        Distance to each hull, in the units of the data.
    gaps : (n_queries, n_classes) float64
        The true distances lie in ``[distances - gaps, distances]``.
    status : (n_queries, n_classes) int8
        `Status.OPTIMAL` or `Status.UNDECIDED`.
    projections : tuple of Projection, or None
        The full answer for each class, which proves it; None without certificates.
    """

    distances: npt.NDArray[np.float64]
    gaps: npt.NDArray[np.float64]
    status: npt.NDArray[np.int8]
    projections: tuple[Projection, ...] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.distances)

    def __repr__(self) -> str:
        n, k = self.distances.shape
        return f"ClassProjections({n} queries, {k} classes)"


@dataclass(frozen=True)
class ClassMemberships:
    """Which class hulls contain each query, as `ClassHulls.contains` returns it.

    Attributes
    ----------
    status : (n_queries, n_classes) int8
        `Status.INSIDE`, `Status.OUTSIDE` or `Status.UNDECIDED`.
    memberships : tuple of Membership, or None
        The full answer for each class, which proves it; None without certificates.
    """

    status: npt.NDArray[np.int8]
    memberships: tuple[Membership, ...] | None = field(default=None, repr=False)

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """Where the query lies in the hull of the class."""
        return np.asarray(self.status == Status.INSIDE)

    def __len__(self) -> int:
        return len(self.status)

    def __repr__(self) -> str:
        n, k = self.status.shape
        inside = int(np.count_nonzero(self.inside))
        return f"ClassMemberships({n} queries, {k} classes, {inside} times inside)"


@dataclass(frozen=True)
class NearestClass:
    """The class with the nearest hull, as `ClassHulls.nearest` returns it.

    Attributes
    ----------
    labels : (n_queries,) array
        Its label; the first one where several hulls are equally near.
    distances : (n_queries,) float64
        Distance to its hull.
    unique : (n_queries,) bool
        Whether every other hull is proven to be farther away.
    projections : ClassProjections
        The distances to all hulls, which prove it unless they are without certificates.
    """

    labels: npt.NDArray[Any]
    distances: npt.NDArray[np.float64]
    unique: npt.NDArray[np.bool_]
    projections: ClassProjections = field(repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        n_unique = int(np.count_nonzero(self.unique))
        return f"NearestClass({len(self)} queries, {n_unique} unique)"


@dataclass(frozen=True)
class ClassDistances:
    """Distances of the class hulls from each other, as `ClassHulls.hull_distances` returns them.

    Attributes
    ----------
    distances, gaps : (n_classes, n_classes) float64
        The true distances lie in ``[distances - gaps, distances]``; zero on the diagonal.
    disjoint : (n_classes, n_classes) bool
        Whether a hyperplane proves that two hulls have no point in common.
    pairs : dict
        The `HullDistance` of each pair of columns (i, j) with i < j.
    """

    distances: npt.NDArray[np.float64]
    gaps: npt.NDArray[np.float64]
    disjoint: npt.NDArray[np.bool_]
    pairs: dict[tuple[int, int], HullDistance]

    def __repr__(self) -> str:
        n = len(self.distances)
        n_disjoint = int(np.count_nonzero(self.disjoint)) // 2
        return f"ClassDistances({n} classes, {n_disjoint} of {n * (n - 1) // 2} pairs disjoint)"


class ClassHulls:
    """The convex hulls of the classes of a labelled set.

    Parameters
    ----------
    points : (n_points, n_features) array
        The set.
    labels : (n_points,) array
        The class of each point: integers, strings or anything that sorts.
    n_threads : int, optional
        Threads for preparing the hulls; all cores by default.

    Attributes
    ----------
    classes : (n_classes,) array
        The different labels, sorted: the order of every result's columns.
    hulls : list of Hull
        The hull of each class; its operations give full proofs.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values; the message names it.

    Examples
    --------
    >>> import hullspace
    >>> points = [[0, 0], [1, 0], [0, 1], [4, 0], [5, 0], [4, 1]]
    >>> classes = hullspace.ClassHulls(points, ["cat", "cat", "cat", "dog", "dog", "dog"])
    >>> classes
    ClassHulls(2 classes, 6 points, n_features=2)
    >>> classes.contains([[0.2, 0.2], [2.0, 0.0]]).inside
    array([[ True, False],
           [False, False]])
    >>> classes.nearest([[3.0, 0.0]]).labels
    array(['dog'], dtype='<U3')
    >>> classes.hull_distances().distances
    array([[0., 3.],
           [3., 0.]])
    """

    def __init__(
        self, points: npt.ArrayLike, labels: npt.ArrayLike, *, n_threads: int | None = None
    ) -> None:
        matrix = as_matrix(points, "points")
        names = np.asarray(labels)
        if names.shape != (len(matrix),):
            raise ValueError(
                f"labels must have shape ({len(matrix)},), one for each point, got {names.shape}"
            )
        if names.dtype.kind in "fc" and np.isnan(names).any():
            raise ValueError("labels must not be nan")
        self.classes, members = np.unique(names, return_inverse=True)
        order = np.argsort(members, kind="stable")
        sizes = np.bincount(members, minlength=len(self.classes))
        parts = np.split(matrix[order], np.cumsum(sizes)[:-1])
        self.hulls = [Hull(part, n_threads=n_threads) for part in parts]

    def __len__(self) -> int:
        return len(self.hulls)

    def __repr__(self) -> str:
        n_points = sum(hull.n_points for hull in self.hulls)
        n_features = self.hulls[0].n_features
        return f"ClassHulls({len(self)} classes, {n_points} points, n_features={n_features})"

    def project(
        self,
        queries: npt.ArrayLike,
        *,
        tolerance: float = DEFAULT_TOLERANCE,
        n_threads: int | None = None,
        certificates: bool = True,
    ) -> ClassProjections:
        """Compute the distance of each query to the hull of each class.

        Parameters, errors and notes as in `Hull.project`. Without `certificates`, which take memory
        for n_queries x n_classes points and hyperplanes, the result cannot be checked.

        Returns
        -------
        ClassProjections
            Distances, gaps and status, one column for each class.
        """
        options = {"tolerance": tolerance, "n_threads": n_threads}
        found = [hull.project(queries, **options) for hull in self.hulls]  # type: ignore[arg-type]
        return ClassProjections(
            np.column_stack([p.distances for p in found]),
            np.column_stack([p.gaps for p in found]),
            np.column_stack([p.status for p in found]),
            tuple(found) if certificates else None,
        )

    def contains(
        self,
        queries: npt.ArrayLike,
        *,
        tolerance: float = DEFAULT_TOLERANCE,
        n_threads: int | None = None,
        certificates: bool = True,
    ) -> ClassMemberships:
        """Tell which class hulls contain each query.

        Parameters, errors and notes as in `Hull.contains`. Without `certificates`, which take
        memory for n_queries x n_classes hyperplanes, the result cannot be checked.

        Returns
        -------
        ClassMemberships
            One column for each class.
        """
        options = {"tolerance": tolerance, "n_threads": n_threads}
        found = [hull.contains(queries, **options) for hull in self.hulls]  # type: ignore[arg-type]
        status = np.column_stack([m.status for m in found])
        return ClassMemberships(status, tuple(found) if certificates else None)

    def nearest(
        self,
        queries: npt.ArrayLike,
        *,
        tolerance: float = DEFAULT_TOLERANCE,
        n_threads: int | None = None,
        certificates: bool = True,
    ) -> NearestClass:
        """Find the class whose hull is nearest to each query.

        Parameters and errors as in `project`.

        Returns
        -------
        NearestClass
            Labels, distances, and whether the answer is proven to be the only one.
        """
        found = self.project(
            queries, tolerance=tolerance, n_threads=n_threads, certificates=certificates
        )
        best = found.distances.argmin(axis=1)
        distances = found.distances.min(axis=1)
        contenders = np.count_nonzero(found.distances - found.gaps <= distances[:, None], axis=1)
        return NearestClass(self.classes[best], distances, contenders == 1, found)

    def hull_distances(
        self, *, tolerance: float = DEFAULT_TOLERANCE, n_threads: int | None = None
    ) -> ClassDistances:
        """Compute how far the class hulls are from each other, all pairs at once.

        Parameters, errors and notes as in `hull_distance`.

        Returns
        -------
        ClassDistances
            Matrices of distances and gaps, which hulls are disjoint, and the full answers.
        """
        n = len(self)
        where = [(i, j) for i in range(n) for j in range(i + 1, n)]
        pairs = [(self.hulls[i], self.hulls[j]) for i, j in where]
        found = dict(zip(where, _distances(pairs, tolerance, n_threads), strict=True))
        distances, gaps = np.zeros((n, n)), np.zeros((n, n))
        disjoint = np.zeros((n, n), dtype=bool)
        for (i, j), pair in found.items():
            distances[i, j] = distances[j, i] = pair.distance
            gaps[i, j] = gaps[j, i] = pair.gap
            disjoint[i, j] = disjoint[j, i] = pair.disjoint
        return ClassDistances(distances, gaps, disjoint, found)
