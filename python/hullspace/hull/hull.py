"""Convex hulls of point sets in any dimension.

The hull is never made explicit: every answer comes from an active-set method that asks which points
of the set score lowest against a direction [1]_. In few dimensions, where Qhull lists facets
quickly, that search runs on the vertices that it finds.

References
----------
.. [1] P. Wolfe, "Finding the nearest point in a polytope", Mathematical Programming 11 (1976).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hullspace.arguments import (
    DEFAULT_TOLERANCE,
    FloatArray,
    as_matrix,
    as_threads,
    as_tolerance,
    require_finite,
)
from hullspace.devices import as_memory_limit, beside, choose_device, device_of, name_of, on_host
from hullspace.hull import subsets
from hullspace.hull.device_set import DeviceSet
from hullspace.hull.facets import MAX_FEATURES, LowDimensionalHull
from hullspace.hull.host_set import Method, PreparedSet
from hullspace.hull.results import (
    Certificate,
    Coreset,
    Facets,
    Gauge,
    Membership,
    Projection,
    Ray,
    Support,
    Vertices,
)
from hullspace.status import Status

__all__ = [
    "Certificate",
    "Coreset",
    "Facets",
    "Gauge",
    "Hull",
    "Membership",
    "Projection",
    "Ray",
    "Support",
    "Vertices",
]


class Hull:
    """The convex hull of a set of points in any dimension.

    Parameters
    ----------
    points : (n_points, n_features) array, float32 or float64
        The set. A C-contiguous array is used in place and must not change while the hull lives;
        any other is copied. Half precision is read as float32, integers as float64.
    method : {"auto", "facets", "active-set"}, default "auto"
        "facets" lets Qhull find the vertices, up to 7 features, and works on those alone: the
        faster choice where they are few. "auto" chooses it where that is to be expected. Either
        gives the same answers.
    n_threads : int, optional
        Threads for preparing the set; all cores by default.
    device : str, optional
        Where the hull lives and answers: "cpu", "cuda" or "cuda:1" for a GPU, "auto" for a GPU
        where there is one and else the CPU. By default where the points are: a torch or CuPy
        array, or another of DLPack, may be on a GPU. See `hullspace.devices`.
    memory_limit : int, optional
        Bytes of the GPU's memory that the hull and its calls may hold at a time; four fifths of
        what is free by default. A larger set stays where it is and passes through.

    Attributes
    ----------
    n_points, n_features : int
        Shape of the set.
    scale : float
        Largest distance of a point from the centre of the set's bounding box: the unit of every
        `tolerance`. For a set that is a single point it is that point's norm (or 1 at zero).
    method : str
        What is in use: "facets" or "active-set".
    device : str
        Where the hull lives: "cpu", or a GPU as in "cuda:0".

    Raises
    ------
    TypeError, ValueError
        If `points` is not a matrix of finite real numbers with at least one row and one column;
        if `method` is "facets" and there are more than 7 features, or the set is flat.
    RuntimeError
        If there is no such device, with the reason.
    MemoryError
        If the device's memory, or the limit, is too small to work at all.

    Notes
    -----
    Preparing costs one pass over the points and a packed single-precision copy of them. Answers
    are in double precision and do not depend on the number of threads.

    On a GPU `project`, `contains`, `ray`, `gauge`, `support` and `vertices` work; what else there
    is raises NotImplementedError. Queries may be on the GPU or on the host, and answers are where
    the queries are: as tensors of torch, arrays of CuPy or JAX, or else as a `DeviceArray`, which
    any library that speaks DLPack takes. Work is done on the current stream of the queries'
    library. Sparse matrices are torch's or CuPy's, or else a record of three arrays.

    Examples
    --------
    >>> import numpy as np
    >>> import hullspace
    >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> hull = hullspace.Hull(square)
    >>> hull
    Hull(n_points=4, n_features=2)
    >>> hull.project([[3.0, 0.5]]).distances
    array([2.])
    >>> hull.contains([[0.5, 0.5], [3.0, 0.5]]).inside
    array([ True, False])
    """

    def __init__(
        self,
        points: npt.ArrayLike,
        *,
        method: Method = "auto",
        n_threads: int | None = None,
        device: Any = None,
        memory_limit: int | None = None,
    ) -> None:
        if method not in ("auto", "facets", "active-set"):
            raise ValueError(f"method must be 'auto', 'facets' or 'active-set', got {method!r}")
        threads, limit = as_threads(n_threads), as_memory_limit(memory_limit)
        chosen = choose_device(device, points)
        self._set: PreparedSet | DeviceSet
        if chosen is None:
            matrix = as_matrix(on_host(points), "points", check_finite=False)
            self._set = PreparedSet(matrix, method, threads)
        elif method == "facets":
            raise ValueError(f"method 'facets' needs device='cpu', got {name_of(chosen)!r}")
        else:
            self._set = DeviceSet(points, chosen, limit)

    def __getstate__(self) -> dict[str, Any]:
        state = {"points": np.array(on_host(self.points)), "method": self.method}
        if isinstance(self._set, DeviceSet):
            state |= {"device": self.device, "memory_limit": self._set.memory_limit or None}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    @property
    def points(self) -> npt.NDArray[Any]:
        """The set, (n_points, n_features), as a read-only view; or the array given on a GPU."""
        view: npt.NDArray[Any] = self._set.given
        if isinstance(view, np.ndarray):
            view = view.view()
            view.flags.writeable = False
        return view

    @property
    def device(self) -> str:
        """Where the hull lives: "cpu", or a GPU as in "cuda:0"."""
        return name_of(self._set.device)

    @property
    def n_points(self) -> int:
        """Number of points in the set."""
        return int(self._set.points.shape[0])

    @property
    def n_features(self) -> int:
        """Number of coordinates of a point."""
        return int(self._set.points.shape[1])

    @property
    def scale(self) -> float:
        """Unit of every tolerance; see the class's description."""
        return self._set.core.scale

    @property
    def method(self) -> str:
        """What is in use: "facets" or "active-set"."""
        return "facets" if getattr(self._set, "kept", None) is not None else "active-set"

    def __repr__(self) -> str:
        method = "" if self.method == "active-set" else f", method={self.method!r}"
        device = "" if self.device == "cpu" else f", device={self.device!r}"
        return f"Hull(n_points={self.n_points}, n_features={self.n_features}{method}{device})"

    def project(
        self,
        queries: npt.ArrayLike,
        *,
        tolerance: float = DEFAULT_TOLERANCE,
        n_threads: int | None = None,
    ) -> Projection:
        """Find the nearest point of the hull to each query.

        Parameters
        ----------
        queries : (n_queries, n_features) array
            Points anywhere; zero rows are allowed.
        tolerance : float, default 1e-9
            Largest gap that counts as proven, relative to `scale`.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        Projection
            Nearest points, distances, convex weights, normals, gaps and status.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values; the message names it.

        Notes
        -----
        The minimum-norm-point method of Wolfe (1976), all queries together: each round is one
        blocked matrix product of the points with the current directions, fused with the
        selection of candidates. On 50,000 points of learned features in 64 dimensions a query
        costs about as much as four single-precision products with all points.

        Examples
        --------
        >>> import hullspace
        >>> hull = hullspace.Hull([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
        >>> p = hull.project([[2.0, 2.0]])
        >>> p.points
        array([[1., 1.]])
        >>> p.weights.toarray()
        array([[0. , 0.5, 0.5]])
        """
        share, threads = as_tolerance(tolerance), as_threads(n_threads)
        if isinstance(self._set, DeviceSet):
            return self._set.project(queries, share)
        matrix = self._as_queries(queries)
        found = self._set.core.project(matrix, share, threads)
        gaps, status = found.gaps, found.status
        if self._set.slack > 0.0:
            gaps = np.minimum(gaps + self._set.slack, found.distances)
            status = np.where(
                gaps <= max(share * self.scale, 2.0 * self._set.slack),
                status,
                Status.UNDECIDED,
            ).astype(np.int8)
        csr = self._set.csr(found.weights, len(matrix))
        return Projection(found.points, found.distances, csr, found.normals, gaps, status)

    def contains(
        self,
        queries: npt.ArrayLike,
        *,
        tolerance: float = DEFAULT_TOLERANCE,
        n_threads: int | None = None,
    ) -> Membership:
        """Tell, with proof, which queries lie in the hull.

        Parameters
        ----------
        queries : (n_queries, n_features) array
            Points anywhere; zero rows are allowed.
        tolerance : float, default 1e-9
            A query within this distance of the hull, relative to `scale`, counts as inside.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        Membership
            INSIDE only with convex weights that reproduce the query within the tolerance;
            OUTSIDE only with a hyperplane whose separation of all points is established with a
            rigorous rounding bound; UNDECIDED otherwise.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values; the message names it.

        Examples
        --------
        >>> import hullspace
        >>> hull = hullspace.Hull([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
        >>> m = hull.contains([[0.5, 0.5], [2.0, 2.0]])
        >>> m
        Membership(2 queries: 1 inside, 1 outside, 0 undecided)
        >>> hullspace.certificates.check(hull.points, [[0.5, 0.5], [2.0, 2.0]], m)
        array([ True,  True])
        """
        share, threads = as_tolerance(tolerance), as_threads(n_threads)
        if isinstance(self._set, DeviceSet):
            return self._set.contains(queries, share)
        matrix = self._as_queries(queries)
        found = self._set.core.contains(matrix, share, threads)
        status, normals, margins = found.status, found.normals, found.margins
        if self._set.slack > 0.0:
            margins = np.maximum(margins - self._set.slack, 0.0)
            lost = (status == Status.OUTSIDE) & (margins == 0.0)
            status[lost], normals[lost] = Status.UNDECIDED, 0.0
        certificate = Certificate(
            self._set.csr(found.weights, len(matrix)),
            normals,
            margins,
            found.residuals,
            found.tolerance,
        )
        return Membership(status == Status.INSIDE, status, certificate)

    def ray(
        self,
        origins: npt.ArrayLike,
        directions: npt.ArrayLike,
        *,
        tolerance: float = DEFAULT_TOLERANCE,
        n_threads: int | None = None,
    ) -> Ray:
        """Find where rays leave the hull.

        Parameters
        ----------
        origins : (n_rays, n_features) or (1, n_features) array
            Where the rays start: inside, or outside if the ray is to cross the hull. One row
            serves all rays.
        directions : (n_rays, n_features) array
            Where they go; of any length but zero.
        tolerance : float, default 1e-9
            The end of a ray is this close to the hull, relative to `scale`.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        Ray
            Largest steps, the face's points and the supporting hyperplane; OUTSIDE with a
            separating hyperplane for rays that miss the hull. Origins farther from the set than
            2**40 times its size are UNDECIDED.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values; the message names it.

        Notes
        -----
        The end of the ray starts outside and moves to where supporting hyperplanes, one for each
        scan, cut the ray: a discrete Newton method (van den Bergen, "Ray casting against general
        convex objects", 2004), with the projections that it needs kept up to date.

        Examples
        --------
        >>> import hullspace
        >>> hull = hullspace.Hull([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
        >>> found = hull.ray([[0.5, 0.5]], [[1.0, 0.0], [0.0, -2.0]])
        >>> found.steps
        array([1.  , 0.25])
        >>> found.weights.toarray().round(3)
        array([[0.  , 0.75, 0.25],
               [0.75, 0.25, 0.  ]])
        """
        share, threads = as_tolerance(tolerance), as_threads(n_threads)
        if isinstance(self._set, DeviceSet):
            return self._set.ray(origins, directions, share)
        starts = self._as_queries(origins, "origins")
        along = self._as_queries(directions, "directions")
        found = self._set.core.ray(starts, along, share, threads)
        normals, offsets, status = found.normals, found.offsets, found.status
        offsets += self._set.slack
        missed = status == Status.OUTSIDE
        if self._set.slack > 0.0 and missed.any():
            levels = np.einsum("ij,ij->i", normals, np.broadcast_to(starts, along.shape))
            status[missed & ~(levels > offsets)] = Status.UNDECIDED
        csr = self._set.csr(found.weights, len(along))
        return Ray(found.steps, found.points, csr, normals, offsets, status)

    def gauge(
        self,
        queries: npt.ArrayLike,
        center: npt.ArrayLike | None = None,
        *,
        tolerance: float = DEFAULT_TOLERANCE,
        n_threads: int | None = None,
    ) -> Gauge:
        """Compute by how much the hull must be scaled about a center to reach each query.

        A degree of extrapolation that means something on both sides: below 1 inside, above 1
        outside. It is the Minkowski functional of the hull seen from the center.

        Parameters
        ----------
        queries : (n_queries, n_features) array
            Points anywhere; zero rows are allowed.
        center : (n_features,) array, optional
            A point of the hull; by default the mean of the set.
        tolerance, n_threads
            As in `ray`.

        Returns
        -------
        Gauge
            The values, and the rays from the center that prove them.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values, or the center is not in the hull.

        Examples
        --------
        >>> import hullspace
        >>> hull = hullspace.Hull([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])
        >>> hull.gauge([[0.5, 0.0], [2.0, 1.0], [0.0, 0.0]]).values
        array([0.5, 2. , 0. ])
        """
        given = on_host(queries) if isinstance(self._set, DeviceSet) else queries
        matrix = self._as_queries(given).astype(np.float64)
        points = on_host(self.points)
        middle = points.mean(axis=0, dtype=np.float64) if center is None else on_host(center)
        start = as_matrix(np.asarray(middle)[None], "center", columns=self.n_features)
        if not self.contains(start, tolerance=tolerance, n_threads=n_threads).inside.all():
            raise ValueError("center must lie in the hull")
        directions = np.asarray(matrix - start)
        if not np.isfinite(directions).all():
            raise ValueError("queries must be finite and not overflow when center is subtracted")
        away: npt.NDArray[np.bool_] = np.any(directions != 0.0, axis=1)
        # A query at the center has no direction; any will do, and the value is 0.
        found = self.ray(
            start,
            beside(queries, np.where(away[:, None], directions, 1.0)),
            tolerance=tolerance,
            n_threads=n_threads,
        )
        steps = on_host(found.steps)
        lengths = steps * np.linalg.norm(directions, axis=1)
        with np.errstate(divide="ignore"):
            reached = lengths > as_tolerance(tolerance) * self.scale
            values = np.where(reached, 1.0 / steps, np.inf)
        values[np.isnan(steps)] = np.nan
        values[~away] = 0.0
        return Gauge(beside(queries, values), np.array(start[0], np.float64), found, self.device)

    def support(self, directions: npt.ArrayLike, *, n_threads: int | None = None) -> Support:
        """Evaluate the support function: how far the hull reaches in each direction.

        Parameters
        ----------
        directions : (n_directions, n_features) array
            Vectors of any length; zero rows are allowed.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        Support
            The largest inner product with a point of the set, and the point.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values; the message names it.

        Examples
        --------
        >>> import hullspace
        >>> hull = hullspace.Hull([[0.0, 0.0], [2.0, 0.0], [0.0, 3.0]])
        >>> hull.support([[1.0, 1.0], [-1.0, 0.0]])
        Support(2 directions)
        >>> hull.support([[1.0, 1.0], [-1.0, 0.0]]).values
        array([3., 0.])
        """
        threads = as_threads(n_threads)
        if isinstance(self._set, DeviceSet):
            return self._set.support(directions)
        matrix = self._as_queries(directions, "directions")
        indices = self._set.whole.support(matrix, threads).astype(np.int64)
        values = np.einsum("ij,ij->i", matrix, self.points[indices], dtype=np.float64)
        return Support(values, indices)

    def vertices(
        self, *, tolerance: float = DEFAULT_TOLERANCE, n_threads: int | None = None
    ) -> Vertices:
        """Find the extreme points of the set.

        Parameters
        ----------
        tolerance : float, default 1e-9
            A point this close to the hull of the others, relative to `scale`, is not extreme.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        Vertices
            Their indices, each with the direction that proves it. Of equal points the first is
            kept, and of points within the tolerance of each other at least one: the hull of the
            vertices is within the tolerance of every point.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type or value; the message names it.

        Notes
        -----
        Every point is separated from the hull of the others, or found to lie in it, as in
        `contains`. In learned features of 64 dimensions nearly every point is extreme; see
        `coreset` for fewer points.

        Examples
        --------
        >>> import hullspace
        >>> hullspace.Hull([[0, 0], [2, 0], [1, 0.5], [0, 2], [2, 0]]).vertices().indices
        array([0, 1, 3])
        """
        share, threads = as_tolerance(tolerance), as_threads(n_threads)
        if isinstance(self._set, DeviceSet):
            found = subsets.vertices(on_host(self.points), share, threads, self._set.prepare)
            return replace(found, device=self.device)
        return subsets.vertices(self.points, share, threads)

    def coreset(self, epsilon: float, *, n_threads: int | None = None) -> Coreset:
        """Choose few points whose hull is close to every point of the set.

        Parameters
        ----------
        epsilon : float
            Largest distance of a point from the hull of the chosen ones, relative to the set's
            diameter; at least 1e-9 and below 1.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        Coreset
            The chosen points and the error that they achieve.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type or value; the message names it.

        Notes
        -----
        Greedy: the points farthest from the hull of those chosen so far join them (Blum,
        Har-Peled and Raichel, "Sparse approximation via generating point sets", SODA 2016).

        Examples
        --------
        >>> import numpy as np
        >>> import hullspace
        >>> angles = np.linspace(0.0, 2.0 * np.pi, 1000)
        >>> circle = np.column_stack([np.cos(angles), np.sin(angles)])
        >>> few = hullspace.Hull(circle).coreset(0.01)
        >>> len(few) < 25, bool(few.error <= 0.01 * few.diameter)
        (True, True)
        """
        if isinstance(epsilon, bool) or not isinstance(
            epsilon, int | float | np.integer | np.floating
        ):
            raise TypeError(f"epsilon must be a number, got {epsilon!r}")
        if not DEFAULT_TOLERANCE <= epsilon < 1.0:
            raise ValueError(
                f"epsilon must be at least {DEFAULT_TOLERANCE} and below 1, got {epsilon}"
            )
        self._on_cpu("coreset")
        return subsets.coreset(self, float(epsilon), n_threads)

    def add(self, points: npt.ArrayLike, *, n_threads: int | None = None) -> None:
        """Add points to the set, without preparing the others again.

        Parameters
        ----------
        points : (n, n_features) array
            They get the indices after those of the set so far. Where they need double precision
            and the set is in single precision, the set is converted.
        n_threads : int, optional
            Threads to use; all cores by default.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values; the message names it.

        Notes
        -----
        Costs a pass over the new points alone, on average: memory grows by halves. Points that
        reach far beyond the bounding box of the set make it be prepared anew. Calls that are
        running in other threads finish first.

        Examples
        --------
        >>> import hullspace
        >>> hull = hullspace.Hull([[0.0, 0.0], [1.0, 0.0]])
        >>> hull.add([[0.0, 1.0]])
        >>> hull.n_points
        3
        """
        prepared = self._on_cpu("add")
        new = self._as_queries(points, "points")
        require_finite(new, "points")
        prepared.add(new, as_threads(n_threads))

    @property
    def facets(self) -> Facets:
        """The facets, for at most 7 features; ValueError beyond that or where the set is flat."""
        found = self._low_dimensional("facets")
        if found is None:
            raise ValueError("facets needs points that do not lie in a hyperplane: the set is flat")
        return found.facets

    @property
    def volume(self) -> float:
        """Volume of the hull, for at most 7 features (ValueError beyond); 0 for a flat set."""
        found = self._low_dimensional("volume")
        return 0.0 if found is None else found.volume

    def _low_dimensional(self, wanted: str) -> LowDimensionalHull | None:
        prepared = self._on_cpu(wanted)
        if self.n_features > MAX_FEATURES:
            raise ValueError(
                f"{wanted} needs n_features of at most {MAX_FEATURES}, got {self.n_features}"
            )
        return prepared.low_dimensional()

    def _on_cpu(self, wanted: str) -> PreparedSet:
        """Return the set prepared on the CPU, for what no GPU does.

        Raises
        ------
        NotImplementedError
            If the hull is on a GPU.
        """
        if isinstance(self._set, DeviceSet):
            raise NotImplementedError(
                f"{wanted} runs on the CPU alone, but the hull is on {self.device}; use "
                'Hull(points, device="cpu")'
            )
        return self._set

    def _as_queries(self, queries: npt.ArrayLike, name: str = "queries") -> FloatArray:
        if device_of(queries) is not None:
            raise ValueError(
                f"{name} must be in the host's memory like the hull, got an array on "
                f"{name_of(device_of(queries))}; or make the hull there"
            )
        return as_matrix(
            queries, name, columns=self.n_features, allow_empty=True, check_finite=False
        )
