"""What the operations on hulls return: small frozen records, each with its proof.

Arrays are NumPy's, or where queries were given on a device, arrays there of the same library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.devices import on_host
from hullspace.status import Status

if TYPE_CHECKING:
    from scipy import sparse


@dataclass(frozen=True)
class Projection:
    """Nearest points of the hull, as `Hull.project` returns them.

    Attributes
    ----------
    points : (n_queries, n_features) float64
        The nearest point of the hull to each query.
    distances : (n_queries,) float64
        Euclidean distance from query to hull, in the units of the data.
    weights : (n_queries, n_points) sparse CSR array, float64
        Convex weights: ``weights @ hull_points`` equals `points`. Rows sum to 1 and have at most
        ``n_features + 1`` nonzeros.
    normals : (n_queries, n_features) float64
        Unit vectors that point from the hull to the query: normals of the supporting hyperplane
        that proves the gap. Zero where the distance is within the tolerance, which needs none.
    gaps : (n_queries,) float64
        Duality gap in the units of the data: the true distance lies in
        ``[distances - gaps, distances]``.
    status : (n_queries,) int8
        `Status.OPTIMAL`, or `Status.UNDECIDED` where the gap exceeds the tolerance.
    device : str
        Where they were computed: "cpu", or a GPU as in "cuda:0".
    """

    points: npt.NDArray[np.float64]
    distances: npt.NDArray[np.float64]
    weights: sparse.csr_array
    normals: npt.NDArray[np.float64]
    gaps: npt.NDArray[np.float64]
    status: npt.NDArray[np.int8]
    device: str = "cpu"

    @property
    def n_undecided(self) -> int:
        """Number of queries whose gap exceeds the tolerance."""
        return int(np.count_nonzero(on_host(self.status) == Status.UNDECIDED))

    def cpu(self) -> Projection:
        """Return the same with NumPy's arrays."""
        return on_host(self)

    def __len__(self) -> int:
        return len(self.status)

    def __repr__(self) -> str:
        return f"Projection({len(self)} queries, {self.n_undecided} undecided)"


@dataclass(frozen=True)
class Certificate:
    """Proofs of a `Membership`, one row per query; only the part that applies is filled.

    Attributes
    ----------
    weights : (n_queries, n_points) sparse CSR array, float64
        Convex weights that reproduce the query; empty rows unless the query is inside.
    normals : (n_queries, n_features) float64
        Unit normals of separating hyperplanes, pointing from the hull to the query; zero rows
        unless the query is outside.
    margins : (n_queries,) float64
        For a query outside, a verified lower bound of ``normal @ (query - point)`` over all
        points of the set, hence of the distance to the hull, in the units of the data; else 0.
    residuals : (n_queries,) float64
        For a query inside, the length of ``weights @ points - query``; else NaN.
    tolerance : float
        Largest residual that counts as inside, in the units of the data.
    """

    weights: sparse.csr_array
    normals: npt.NDArray[np.float64]
    margins: npt.NDArray[np.float64]
    residuals: npt.NDArray[np.float64]
    tolerance: float


@dataclass(frozen=True)
class Membership:
    """Whether queries lie in the hull, as `Hull.contains` returns it.

    Attributes
    ----------
    inside : (n_queries,) bool
        True where the status is INSIDE.
    status : (n_queries,) int8
        `Status.INSIDE`, `Status.OUTSIDE` or `Status.UNDECIDED`.
    certificate : Certificate
        What proves each answer; see `hullspace.certificates.check`.
    device : str
        Where they were computed: "cpu", or a GPU as in "cuda:0".
    """

    inside: npt.NDArray[np.bool_]
    status: npt.NDArray[np.int8]
    certificate: Certificate
    device: str = "cpu"

    @property
    def n_undecided(self) -> int:
        """Number of queries left open."""
        return int(np.count_nonzero(on_host(self.status) == Status.UNDECIDED))

    def cpu(self) -> Membership:
        """Return the same with NumPy's arrays."""
        return on_host(self)

    def __len__(self) -> int:
        return len(self.status)

    def __repr__(self) -> str:
        n_inside = int(np.count_nonzero(on_host(self.inside)))
        n_outside = len(self) - n_inside - self.n_undecided
        return (
            f"Membership({len(self)} queries: {n_inside} inside, {n_outside} outside, "
            f"{self.n_undecided} undecided)"
        )


@dataclass(frozen=True)
class Support:
    """Values of the support function, as `Hull.support` returns them.

    Attributes
    ----------
    values : (n_directions,) float64
        Largest ``direction @ point`` over the set.
    indices : (n_directions,) int64
        The point that attains it; the first of those that tie.
    device : str
        Where they were computed: "cpu", or a GPU as in "cuda:0".
    """

    values: npt.NDArray[np.float64]
    indices: npt.NDArray[np.int64]
    device: str = "cpu"

    def cpu(self) -> Support:
        """Return the same with NumPy's arrays."""
        return on_host(self)

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"Support({len(self)} directions)"


@dataclass(frozen=True)
class Ray:
    """Where rays leave the hull, as `Hull.ray` returns it.

    Attributes
    ----------
    steps : (n_rays,) float64
        The largest step with ``origin + step * direction`` in the hull, in units of the
        direction's length; NaN unless the status is OPTIMAL. No larger step leads to a point of
        the hull (the hyperplane proves that), and this one to a point within the tolerance.
    points : (n_rays, n_features) float64
        Where the ray leaves the hull; NaN unless the status is OPTIMAL.
    weights : (n_rays, n_points) sparse CSR array, float64
        Convex weights on the points of the face through which the ray leaves: ``weights @
        hull_points`` is within the tolerance of `points`. Empty rows unless OPTIMAL.
    normals : (n_rays, n_features) float64
        Unit normals of the supporting hyperplanes of that face, pointing outwards. For a ray that
        misses the hull, the normal of a hyperplane that separates it from the whole ray.
    offsets : (n_rays,) float64
        ``normals @ point <= offsets`` for every point of the set.
    status : (n_rays,) int8
        `Status.OPTIMAL`; `Status.OUTSIDE` where the ray misses the hull; `Status.UNDECIDED`.
    device : str
        Where they were computed: "cpu", or a GPU as in "cuda:0".
    """

    steps: npt.NDArray[np.float64]
    points: npt.NDArray[np.float64]
    weights: sparse.csr_array
    normals: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.float64]
    status: npt.NDArray[np.int8]
    device: str = "cpu"

    @property
    def n_undecided(self) -> int:
        """Number of rays left open."""
        return int(np.count_nonzero(on_host(self.status) == Status.UNDECIDED))

    def cpu(self) -> Ray:
        """Return the same with NumPy's arrays."""
        return on_host(self)

    def __len__(self) -> int:
        return len(self.status)

    def __repr__(self) -> str:
        n_missed = int(np.count_nonzero(on_host(self.status) == Status.OUTSIDE))
        return f"Ray({len(self)} rays, {n_missed} miss the hull, {self.n_undecided} undecided)"


@dataclass(frozen=True)
class Gauge:
    """Degrees of extrapolation, as `Hull.gauge` returns them.

    Attributes
    ----------
    values : (n_queries,) float64
        By how much the hull must be scaled about the center to reach the query: below 1 inside,
        above 1 outside, 0 at the center, infinite where no scaling reaches it; NaN if undecided.
    center : (n_features,) float64
        What the hull is scaled about.
    ray : Ray
        The rays from the center through the queries: the proof. ``values`` is one over their
        steps.
    device : str
        Where they were computed: "cpu", or a GPU as in "cuda:0".
    """

    values: npt.NDArray[np.float64]
    center: npt.NDArray[np.float64]
    ray: Ray
    device: str = "cpu"

    def cpu(self) -> Gauge:
        """Return the same with NumPy's arrays."""
        return on_host(self)

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        beyond = int(np.count_nonzero(on_host(self.values) > 1.0))
        return f"Gauge({len(self)} queries, {beyond} above 1)"


@dataclass(frozen=True)
class Vertices:
    """The extreme points of a set, as `Hull.vertices` returns them.

    Attributes
    ----------
    indices : (n_vertices,) int64
        Extreme points, ascending; of equal points the first.
    directions : (n_vertices, n_features) float64
        Unit vectors that prove it: along its own direction a vertex lies beyond all others.
    margins : (n_vertices,) float64
        Verified lower bound of ``direction @ (vertex - other)`` over all other vertices, in the
        units of the data; infinity for a single vertex, 0 where undecided.
    status : (n_vertices,) int8
        `Status.OUTSIDE` (of the hull of the others), or `Status.UNDECIDED` where rounding leaves
        it open; such points are kept.
    device : str
        Where they were computed: "cpu", or a GPU as in "cuda:0".
    """

    indices: npt.NDArray[np.int64]
    directions: npt.NDArray[np.float64]
    margins: npt.NDArray[np.float64]
    status: npt.NDArray[np.int8]
    device: str = "cpu"

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        n_undecided = int(np.count_nonzero(self.status == Status.UNDECIDED))
        return f"Vertices({len(self)} points, {n_undecided} undecided)"


@dataclass(frozen=True)
class Coreset:
    """Few points whose hull is close to that of all, as `Hull.coreset` returns them.

    Attributes
    ----------
    indices : (n_chosen,) int64
        The chosen points, ascending.
    error : float
        Verified upper bound of the distance of any point of the set to the hull of the chosen
        ones, in the units of the data.
    diameter : float
        Distance of two points of the set found to be far apart: at most the set's diameter, at
        least half of it, and usually all of it.
    ends : (int, int)
        These two points.
    weights : (n_points, n_points) sparse CSR array, float64
        Convex weights on chosen points that lead to within the error of each point.
    """

    indices: npt.NDArray[np.int64]
    error: float
    diameter: float
    ends: tuple[int, int]
    weights: sparse.csr_array

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        relative = self.error / self.diameter if self.diameter > 0.0 else 0.0
        return f"Coreset({len(self)} points, error {relative:.2g} of the diameter)"


@dataclass(frozen=True)
class Facets:
    """The facets of a low-dimensional hull, triangulated, as Qhull finds them in double precision.

    Attributes
    ----------
    normals : (n_facets, n_features) float64
        Unit normals, pointing outwards.
    offsets : (n_facets,) float64
        ``normals @ x <= offsets`` holds in the hull, up to rounding.
    simplices : (n_facets, n_features) int64
        Points of the set that span each facet.
    """

    normals: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.float64]
    simplices: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets)

    def __repr__(self) -> str:
        return f"Facets({len(self)} facets)"
