"""Convex polyhedra {x : A x <= b, E x = d} in any dimension.

Largest balls, linear programs, nearest points and what follows from them, many at a time. Linear
programs are solved by a dense simplex method with steepest-edge pricing, nearest points by the dual
active-set method of Goldfarb and Idnani [1]_; every answer carries the multipliers or the ray that
prove it, and `hullspace.certificates.check` verifies them.

References
----------
.. [1] D. Goldfarb and A. Idnani, "A numerically stable dual method for solving strictly convex
   quadratic programs", Mathematical Programming 27 (1983).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hullspace import _core
from hullspace.arguments import (
    Pair,
    as_bounds,
    as_double_matrix,
    as_equalities,
    as_plain,
    as_threads,
    as_tolerance,
    require_count,
)
from hullspace.polyhedron.affine import AffineSet
from hullspace.polyhedron.chebyshev import chebyshev_centers
from hullspace.polyhedron.results import (
    ChebyshevCenter,
    ChebyshevCenters,
    Irredundant,
    PolyhedronProjection,
    PolyhedronSupport,
    Samples,
    Volume,
)
from hullspace.polyhedron.rows import unit_rows, with_coordinates
from hullspace.polyhedron.sampling import (
    Walk,
    estimate_volume,
    exact_vertices,
    exact_volume,
    sample,
)
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ChebyshevCenter",
    "ChebyshevCenters",
    "Irredundant",
    "Polyhedron",
    "PolyhedronProjection",
    "PolyhedronSupport",
    "Samples",
    "Volume",
    "chebyshev_centers",
    "project_batch",
]

_Floats = npt.NDArray[np.float64]


class Polyhedron:
    """The points that satisfy ``A x <= b`` and ``E x = d``.

    Parameters
    ----------
    A : (n_constraints, n_features) array
        Rows of the constraints, in any units; there may be none.
    b : (n_constraints,) array
        Their bounds.
    equalities : (E, d), optional
        Rows and right-hand sides of equalities.

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong type, shape or values; the message names it.

    Examples
    --------
    >>> import hullspace
    >>> triangle = hullspace.Polyhedron([[-1, 0], [0, -1], [1, 1]], [0, 0, 1])
    >>> triangle.chebyshev_center().radius.__round__(4)
    0.2929
    >>> triangle.project([[1.0, 1.0]]).points
    array([[0.5, 0.5]])
    >>> (triangle.vertices().round(9) + 0.0).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """

    def __init__(self, A: npt.ArrayLike, b: npt.ArrayLike, equalities: Pair | None = None) -> None:
        self.A = as_double_matrix(A, "A")
        self.n_constraints, self.n_features = self.A.shape
        self.b = as_bounds(b, "b", self.n_constraints)
        self.E, self.d = as_equalities(equalities, self.n_features)
        self._affine = AffineSet(self.E, self.d) if len(self.E) else None

    def __repr__(self) -> str:
        equalities = f", n_equalities={len(self.E)}" if len(self.E) else ""
        return (
            f"Polyhedron(n_constraints={self.n_constraints}, n_features={self.n_features}"
            f"{equalities})"
        )

    def contains(self, points: npt.ArrayLike, tolerance: float = 1e-9) -> npt.NDArray[np.bool_]:
        """Tell which points satisfy the constraints.

        Parameters
        ----------
        points : (n_points, n_features) array
            The points.
        tolerance : float, default 1e-9
            A point may be this far beyond a hyperplane, relative to 1 plus the hyperplane's
            distance from zero.

        Returns
        -------
        (n_points,) bool
            Whether each point is in the polyhedron.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values.
        """
        rows = as_double_matrix(points, "points", self.n_features)
        share = as_tolerance(tolerance)
        inside = np.ones(len(rows), dtype=bool)
        for matrix, bounds, equal in ((self.A, self.b, False), (self.E, self.d, True)):
            normals, offsets = unit_rows(matrix, bounds)
            excess = rows @ normals.T - offsets
            allowed = share * (1.0 + np.abs(offsets))
            inside &= ((np.abs(excess) if equal else excess) <= allowed).all(axis=1)
        return inside

    def chebyshev_center(
        self, *, n_threads: int | None = None, device: Any = None
    ) -> ChebyshevCenter:
        """Find a largest ball in the polyhedron, within the equalities' affine set.

        Parameters
        ----------
        n_threads, device : optional
            As in `chebyshev_centers`, which is the way to solve many problems at a time.

        Returns
        -------
        ChebyshevCenter
            Centre, radius and proof; see `ChebyshevCenters` for what they are when the polyhedron
            is empty, flat or unbounded.
        """
        equalities = (self.E, self.d) if len(self.E) else None
        return chebyshev_centers(
            self.A, self.b[None, :], equalities=equalities, n_threads=n_threads, device=device
        )[0]

    def is_empty(self) -> bool:
        """Tell whether the polyhedron has no points.

        Raises
        ------
        RuntimeError
            If the linear program reached its limit of steps.
        """
        status = self.chebyshev_center().status
        if status == Status.LIMIT:
            raise RuntimeError("whether the polyhedron is empty was not found within the limit")
        return status == Status.EMPTY

    def support(
        self, directions: npt.ArrayLike, *, n_threads: int | None = None
    ) -> PolyhedronSupport:
        """Maximize linear functions over the polyhedron.

        Parameters
        ----------
        directions : (n_directions, n_features) array
            The functions ``x -> direction @ x``. Neighbouring ones that are alike take less time:
            each starts from the optimum of the one before.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        PolyhedronSupport
            Largest values, points that reach them, and proofs.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values.
        """
        rows = as_double_matrix(directions, "directions", self.n_features)
        threads = as_threads(n_threads)
        inner = self._inner
        if inner is None:
            return self._no_support(len(rows))
        along = rows if self._affine is None else self._affine.along(rows)
        found = _core.maximize(*inner, with_coordinates(along), threads)
        duals = _csr(found.duals, (len(rows), self.n_constraints))
        if self._affine is None:
            none = np.zeros((len(rows), 0))
            return PolyhedronSupport(
                found.values, found.points, duals, none, found.rays, found.gaps, found.status
            )
        affine, width = self._affine, along.shape[1]
        optimal = (found.status == Status.OPTIMAL) | (found.status == Status.LIMIT)
        rest = np.where(optimal[:, None], rows, 0.0) - duals @ self.A
        return PolyhedronSupport(
            found.values + rows @ affine.origin,
            affine.lift(found.points[:, :width]),
            duals,
            affine.duals(rest),
            found.rays[:, :width] @ affine.basis.T,
            found.gaps,
            found.status,
        )

    @property
    def _inner(self) -> tuple[_Floats, _Floats] | None:
        """The constraints in the affine set's coordinates, or None if that has no points."""
        if self._affine is None:
            return self.A, self.b
        if self._affine.contradiction is not None:
            return None
        along, rest = self._affine.reduce(self.A, self.b)
        return with_coordinates(along), rest

    def _no_support(self, n: int) -> PolyhedronSupport:
        proof = np.zeros(0) if self._affine is None else self._affine.proof
        return PolyhedronSupport(
            np.full(n, -np.inf),
            np.full((n, self.n_features), np.nan),
            sparse.csr_array((n, self.n_constraints)),
            np.tile(proof, (n, 1)),
            np.zeros((n, self.n_features)),
            np.zeros(n),
            np.full(n, Status.EMPTY, np.int8),
        )

    def bounding_box(self, *, n_threads: int | None = None) -> tuple[_Floats, _Floats]:
        """Find the smallest axis-aligned box around the polyhedron.

        Returns
        -------
        lower, upper : (n_features,) float64
            Ends of each coordinate's range, infinite where it is unbounded.

        Raises
        ------
        ValueError
            If the polyhedron is empty.
        """
        axes = np.eye(self.n_features)
        found = self.support(np.vstack([axes, -axes]), n_threads=n_threads)
        if (found.status == Status.EMPTY).any():
            raise ValueError("an empty polyhedron has no bounding box")
        upper, lower = np.split(found.values, 2)
        return -lower, upper

    def irredundant(self, *, n_threads: int | None = None) -> Irredundant:
        """Find the constraints without which the polyhedron would be larger.

        Returns
        -------
        Irredundant
            Their rows, of equal ones the first, each with a point that breaks it alone.

        Raises
        ------
        ValueError
            If the polyhedron is empty.
        RuntimeError
            If a linear program reached its limit of steps.
        """
        inner = self._inner
        if inner is None:
            raise ValueError("an empty polyhedron has no irredundant constraints")
        found = _core.irredundant(*inner, as_threads(n_threads))
        if found.status == Status.EMPTY:
            raise ValueError("an empty polyhedron has no irredundant constraints")
        if found.status != Status.OPTIMAL:
            raise RuntimeError("which constraints matter was not found within the limit")
        indices = np.flatnonzero(found.kept).astype(np.int64)
        points = found.witnesses[indices]
        if self._affine is not None:
            points = self._affine.lift(points[:, : self._affine.basis.shape[1]])
        return Irredundant(indices, points)

    def project(
        self, points: npt.ArrayLike, *, n_threads: int | None = None
    ) -> PolyhedronProjection:
        """Find the point of the polyhedron nearest to each of some points.

        Parameters
        ----------
        points : (n_points, n_features) array
            The points.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        PolyhedronProjection
            Nearest points, distances and proofs.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values.
        """
        rows = as_double_matrix(points, "points", self.n_features)
        return project_batch([self], np.zeros(len(rows), np.int64), rows, n_threads=n_threads)

    def intersect(self, other: Polyhedron) -> Polyhedron:
        """Return the polyhedron of the points that are in both.

        Raises
        ------
        TypeError, ValueError
            If `other` is no polyhedron of as many features.
        """
        if not isinstance(other, Polyhedron):
            raise TypeError(f"other must be a Polyhedron, got {type(other).__name__}")
        if other.n_features != self.n_features:
            raise ValueError(f"other must have {self.n_features} features, got {other.n_features}")
        equalities = (np.vstack([self.E, other.E]), np.concatenate([self.d, other.d]))
        return Polyhedron(
            np.vstack([self.A, other.A]),
            np.concatenate([self.b, other.b]),
            equalities if len(equalities[0]) else None,
        )

    def _bounded_inner(self, what: str) -> tuple[_Floats, _Floats, _Floats, _Floats]:
        """Constraints, centre and extents in the affine set's coordinates, if bounded."""
        inner = self._inner
        if inner is None or self.is_empty():
            raise ValueError(f"an empty polyhedron has no {what}")
        body = Polyhedron(*inner)
        lower, upper = body.bounding_box()
        if not (np.isfinite(lower).all() and np.isfinite(upper).all()):
            raise ValueError(f"an unbounded polyhedron has no {what}")
        center = body.chebyshev_center()
        if not center.radius > 0.0:
            raise ValueError(
                f"a flat polyhedron has no {what} unless its equalities are given as such"
            )
        return body.A, body.b, center.center, upper - lower

    def sample(
        self,
        n: int,
        *,
        random_state: int | np.random.Generator | None = None,
        n_chains: int = 32,
        thin: int | None = None,
    ) -> Samples:
        """Draw points that are spread uniformly over the polyhedron.

        Chains of hit-and-run steps, along the features and along directions that follow the spread
        of the points so far, start from the Chebyshev centre. A warning says where they have not
        mixed.

        Parameters
        ----------
        n : int
            Number of points.
        random_state : int, Generator or None
            Where the randomness comes from.
        n_chains : int, default 32
            Chains that are run side by side.
        thin : int, optional
            Steps between draws of a chain; twenty for each dimension by default.

        Returns
        -------
        Samples
            The points and the split R-hat of every coordinate.

        Raises
        ------
        ValueError
            If the polyhedron is empty, unbounded or flat.

        Notes
        -----
        R. L. Smith, "Efficient Monte Carlo procedures for generating points uniformly distributed
        over bounded regions", Operations Research 32 (1984).
        """
        require_count(n, "n")
        require_count(n_chains, "n_chains", 2)
        if thin is not None:
            require_count(thin, "thin")
        A, b, center, extent = self._bounded_inner("uniform distribution")
        walk = Walk(A, b, center, extent, n_chains, np.random.default_rng(random_state))
        points, r_hat = sample(walk, n, thin)
        if self._affine is None:
            return Samples(points, r_hat)
        return Samples(self._affine.lift(points), r_hat)

    def volume(
        self,
        *,
        n_samples: int = 20_000,
        random_state: int | np.random.Generator | None = None,
    ) -> Volume:
        """Measure the polyhedron, within the affine set of its equalities.

        Parameters
        ----------
        n_samples : int, default 20000
            Points drawn for each factor of the estimate in many dimensions.
        random_state : int, Generator or None
            Where the randomness of the estimate comes from.

        Returns
        -------
        Volume
            Exact by Qhull up to 8 dimensions; beyond, the product of the shares that shrinking
            balls around the Chebyshev centre have in one another, with a confidence interval.

        Raises
        ------
        ValueError
            If the polyhedron is empty, unbounded or flat.
        """
        require_count(n_samples, "n_samples", 100)
        A, b, center, extent = self._bounded_inner("volume")
        exact = exact_volume(A, b, center)
        if exact is not None:
            return Volume(exact, (exact, exact), "qhull")
        walk = Walk(A, b, center, extent, 64, np.random.default_rng(random_state))
        value, interval = estimate_volume(walk, n_samples)
        return Volume(value, interval, "monte-carlo")

    def vertices(self) -> _Floats:
        """List the corners, by Qhull, in up to 8 dimensions.

        Returns
        -------
        (n_vertices, n_features) float64
            In lexicographic order.

        Raises
        ------
        ValueError
            If the polyhedron is empty, unbounded, flat or has too many dimensions.
        """
        A, b, center, _ = self._bounded_inner("list of vertices")
        points = exact_vertices(A, b, center)
        return points if self._affine is None else self._affine.lift(points)


def _csr(duals: _core.Csr, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((duals.data, duals.indices, duals.indptr), shape=shape, copy=False)


def project_batch(
    polyhedra: Sequence[Polyhedron],
    which: npt.ArrayLike,
    points: npt.ArrayLike,
    *,
    n_threads: int | None = None,
) -> PolyhedronProjection:
    """Find the nearest points of many polyhedra, each of one of them, in one call.

    Parameters
    ----------
    polyhedra : sequence of Polyhedron
        At least one, all of as many features.
    which : (n_points,) integers
        For every point, the polyhedron whose nearest point is sought.
    points : (n_points, n_features) array
        The points.
    n_threads : int, optional
        Threads to use; all cores by default.

    Returns
    -------
    PolyhedronProjection
        With as many columns of multipliers as the largest polyhedron has constraints and
        equalities; a point's multipliers are those of its polyhedron.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values.
    """
    if not len(polyhedra):
        raise ValueError("polyhedra must have at least one element")
    if not all(isinstance(p, Polyhedron) for p in polyhedra):
        raise TypeError("polyhedra must hold Polyhedron objects")
    n_features = polyhedra[0].n_features
    if any(p.n_features != n_features for p in polyhedra):
        raise ValueError("polyhedra must all have as many features")
    rows = as_double_matrix(points, "points", n_features)
    if np.asarray(which).dtype.kind not in "iu" and np.size(which):
        raise TypeError(f"which must hold integers, got dtype {np.asarray(which).dtype}")
    numbers = as_plain(which, np.int64)
    if numbers.shape != (len(rows),):
        raise ValueError(f"which must have shape ({len(rows)},), got {numbers.shape}")
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(polyhedra):
        raise ValueError(f"which must hold numbers from 0 to {len(polyhedra) - 1}")
    # Equalities are pairs of constraints here: their normals are active from the start.
    matrices = [np.vstack([p.A, p.E, -p.E]) for p in polyhedra]
    bounds = [np.concatenate([p.b, p.d, -p.d]) for p in polyhedra]
    starts = np.concatenate([[0], np.cumsum([len(v) for v in bounds])]).astype(np.int64)
    found = _core.project_onto(
        np.concatenate(matrices),
        np.concatenate(bounds),
        starts,
        numbers,
        rows,
        as_threads(n_threads),
    )
    width = max(len(v) for v in bounds)
    multipliers = _csr(found.duals, (len(rows), width))
    inequality, equality = _split_multipliers(multipliers, polyhedra, numbers)
    return PolyhedronProjection(
        found.points, found.distances, inequality, equality, found.gaps, found.status
    )


def _split_multipliers(
    multipliers: sparse.csr_array, polyhedra: Sequence[Polyhedron], which: npt.NDArray[np.int64]
) -> tuple[sparse.csr_array, _Floats]:
    """Tell multipliers of constraints from those of equalities, which came as pairs."""
    n_constraints = np.array([p.n_constraints for p in polyhedra])
    n_equalities = np.array([len(p.E) for p in polyhedra])
    width = int(n_constraints.max())
    equality = np.zeros((len(which), int(n_equalities.max())))
    if not n_equalities.any():
        return sparse.csr_array(multipliers[:, :width]), equality
    entries = multipliers.tocoo()
    owner = which[entries.row]
    place = entries.col - n_constraints[owner]
    ours = place >= 0
    count = n_equalities[owner[ours]]
    signs = np.where(place[ours] < count, 1.0, -1.0)
    columns = np.where(place[ours] < count, place[ours], place[ours] - count)
    np.add.at(equality, (entries.row[ours], columns), signs * entries.data[ours])
    parts = (entries.data[~ours], (entries.row[~ours], entries.col[~ours]))
    return sparse.csr_array(parts, shape=(len(which), width)), equality
