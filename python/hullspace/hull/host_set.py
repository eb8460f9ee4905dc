"""A point set on the CPU: all of its points, or the vertices that Qhull finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hullspace import _core
from hullspace.arguments import as_matrix, require_finite
from hullspace.devices import device_of, name_of
from hullspace.hull.facets import MAX_FEATURES, LowDimensionalHull, expected_facets
from hullspace.hull.results import Certificate, Membership, Projection, Ray, Support
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.arguments import FloatArray

Method = Literal["auto", "facets", "active-set"]

# Preparing and verifying Qhull's vertices pays from this many points on, if few are left.
_FEWEST_POINTS_FOR_FACETS = 1000


class HostSet:
    """Points on the CPU; see `PointSet`.

    Attributes
    ----------
    points : (n_points, n_features) array
        The set.
    core : _core.Hull
        Holds the points, or those in `kept`.
    whole : _core.Hull
        Holds all points.
    kept : (n_kept,) int64 or None
        Points that the core works on, ascending; None for all.
    slack : float
        No point is farther from the hull of the kept ones: by as much, what is found for these
        may be wrong for all.
    """

    device = "cpu"

    def __init__(self, points: FloatArray, method: Method, threads: int) -> None:
        self.points = points
        self.core = self.whole = _core.Hull(points, threads)
        self.kept: npt.NDArray[np.int64] | None = None
        self.slack = 0.0
        # With room for points to come, once some were added.
        self._buffer = self._kept_buffer = points
        self._qhull: LowDimensionalHull | None = None
        if method == "facets" and points.shape[1] > MAX_FEATURES:
            raise ValueError(
                f"method 'facets' needs at most {MAX_FEATURES} features, got {points.shape[1]}"
            )
        if method == "facets" or (method == "auto" and _expects_few_vertices(*points.shape)):
            self._keep_vertices(threads)
        if method == "facets" and self.kept is None:
            raise ValueError("method 'facets' needs points that do not lie in a hyperplane")

    @property
    def given(self) -> FloatArray:
        """The points."""
        return self.points

    @property
    def host_points(self) -> FloatArray:
        """The points."""
        return self.points

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points and of features."""
        n_points, n_features = self.points.shape
        return n_points, n_features

    @property
    def scale(self) -> float:
        """Unit of tolerances."""
        return self.core.scale

    @property
    def method(self) -> str:
        """What is in use: "facets" or "active-set"."""
        return "active-set" if self.kept is None else "facets"

    @property
    def options(self) -> dict[str, Any]:
        """What `Hull` takes besides the points to make the same."""
        return {"method": self.method}

    def project(self, queries: Any, tolerance: float, threads: int) -> Projection:
        """See `Hull.project`."""
        matrix = self.read(queries, "queries")
        found = self.core.project(matrix, tolerance, threads)
        gaps, status = found.gaps, found.status
        if self.slack > 0.0:
            gaps = np.minimum(gaps + self.slack, found.distances)
            proven = gaps <= max(tolerance * self.scale, 2.0 * self.slack)
            status[~proven] = Status.UNDECIDED
        weights = self._csr(found.weights, len(matrix))
        return Projection(found.points, found.distances, weights, found.normals, gaps, status)

    def contains(self, queries: Any, tolerance: float, threads: int) -> Membership:
        """See `Hull.contains`."""
        matrix = self.read(queries, "queries")
        found = self.core.contains(matrix, tolerance, threads)
        margins = found.margins
        if self.slack > 0.0:
            margins = np.maximum(margins - self.slack, 0.0)
            lost = (found.status == Status.OUTSIDE) & (margins == 0.0)
            found.status[lost], found.normals[lost] = Status.UNDECIDED, 0.0
        return self._membership(found, margins)

    def leave_one_out(self, tolerance: float, threads: int) -> Membership:
        """Tell which points are in the hull of the others, for a set without slack."""
        found = self.core.leave_one_out(tolerance, threads)
        return self._membership(found, found.margins)

    def _membership(self, found: _core.Memberships, margins: npt.NDArray[np.float64]) -> Membership:
        status, weights = found.status, self._csr(found.weights, len(margins))
        certificate = Certificate(weights, found.normals, margins, found.residuals, found.tolerance)
        return Membership(status == Status.INSIDE, status, certificate)

    def ray(self, origins: Any, directions: Any, tolerance: float, threads: int) -> Ray:
        """See `Hull.ray`."""
        starts, along = self.read(origins, "origins"), self.read(directions, "directions")
        found = self.core.ray(starts, along, tolerance, threads)
        normals, offsets, status = found.normals, found.offsets, found.status
        if self.slack > 0.0:
            offsets += self.slack
            levels = np.einsum("ij,ij->i", normals, np.broadcast_to(starts, along.shape))
            status[(status == Status.OUTSIDE) & ~(levels > offsets)] = Status.UNDECIDED
        weights = self._csr(found.weights, len(along))
        return Ray(found.steps, found.points, weights, normals, offsets, status)

    def support(self, directions: Any, threads: int) -> Support:
        """See `Hull.support`."""
        along = self.read(directions, "directions")
        indices = self.whole.support(along, threads).astype(np.int64)
        values = np.einsum("ij,ij->i", along, self.points[indices], dtype=np.float64)
        return Support(values, indices)

    def read(self, queries: Any, name: str) -> FloatArray:
        """Return queries as the core takes them."""
        if device_of(queries) is not None:
            raise ValueError(
                f"{name} must be in the host's memory like the hull, got an array on "
                f"{name_of(device_of(queries))}; or make the hull there"
            )
        return as_matrix(
            queries, name, columns=self.points.shape[1], allow_empty=True, check_finite=False
        )

    def prepare(self, points: npt.NDArray[Any], threads: int) -> HostSet:
        """Prepare other points."""
        return HostSet(points, "active-set", threads)

    def on_cpu(self, _wanted: str) -> HostSet:
        """Return the set."""
        return self

    def _keep_vertices(self, threads: int) -> None:
        """Let the core work on the vertices that Qhull finds, and on what they leave out."""
        found = self._qhull = LowDimensionalHull.of(self.points)
        if found is None:
            return
        kept = found.vertices
        core = _core.Hull(self.points[kept], threads)
        others = np.setdiff1d(np.arange(len(self.points)), kept)
        # Rounding decides what Qhull leaves out; the proofs here must hold for every point.
        inner = core.contains(self.points[others], 0.0, threads)
        missed = others[inner.status != Status.INSIDE]
        kept = np.union1d(kept, missed)
        rounding = (self.points.shape[1] + 8) * 2.0**-48 * self.core.scale
        self.slack = float(np.nanmax(inner.residuals, initial=0.0)) + rounding
        self.kept, self._kept_buffer = kept, self.points[kept]
        self.core = _core.Hull(self._kept_buffer, threads)

    def low_dimensional(self, wanted: str) -> LowDimensionalHull | None:
        """Return Qhull's answer, or None for a flat set.

        Raises
        ------
        ValueError
            If there are too many features for what is `wanted`.
        """
        if self.points.shape[1] > MAX_FEATURES:
            raise ValueError(
                f"{wanted} needs n_features of at most {MAX_FEATURES}, got {self.points.shape[1]}"
            )
        if self._qhull is None:
            self._qhull = LowDimensionalHull.of(self.points)
        return self._qhull

    def add(self, points: Any, threads: int) -> None:
        """Append rows, in double precision if they need it."""
        new = self.read(points, "points")
        require_finite(new, "points")
        if new.dtype != self.points.dtype:
            if not np.array_equal(new, new.astype(self.points.dtype)):
                self._convert_to_double(threads)
            single = self.points.dtype == np.float32
            new = new.astype(np.float32) if single else new.astype(np.float64)
        n, n_new = len(self.points), len(new)
        buffer = _appended(self._buffer, n, new)
        self.whole.append(buffer[: n + n_new], threads)
        if self.kept is not None:
            kept_buffer = _appended(self._kept_buffer, len(self.kept), new)
            self.core.append(kept_buffer[: len(self.kept) + n_new], threads)
            self.kept = np.concatenate([self.kept, np.arange(n, n + n_new)])
            self._kept_buffer = kept_buffer
        self._buffer, self.points, self._qhull = buffer, buffer[: n + n_new], None

    def _convert_to_double(self, threads: int) -> None:
        self.points = self._buffer = self.points.astype(np.float64)
        self.core = self.whole = _core.Hull(self.points, threads)
        if self.kept is not None:
            self._kept_buffer = self.points[self.kept]
            self.core = _core.Hull(self._kept_buffer, threads)

    def _csr(self, weights: _core.Csr, n_queries: int) -> sparse.csr_array:
        """Wrap the core's weights without a copy."""
        columns = weights.indices
        if self.kept is not None:
            columns = self.kept[columns].astype(columns.dtype)
        shape = (n_queries, len(self.points))
        return sparse.csr_array((weights.data, columns, weights.indptr), shape=shape, copy=False)

    def spread(self, weights: _core.Csr, i: int) -> npt.NDArray[np.float64]:
        """Return row `i` of the core's weights, one for each point of the set."""
        part = slice(weights.indptr[i], weights.indptr[i + 1])
        columns = weights.indices[part]
        row = np.zeros(len(self.points))
        row[columns if self.kept is None else self.kept[columns]] = weights.data[part]
        return row


def _expects_few_vertices(n_points: int, n_features: int) -> bool:
    few = n_features <= MAX_FEATURES and expected_facets(n_points, n_features) <= n_points
    return few and n_points >= _FEWEST_POINTS_FOR_FACETS


def _appended(buffer: FloatArray, n: int, rows: FloatArray) -> FloatArray:
    """Return a buffer that holds the first `n` rows of `buffer`, then `rows`, and has room."""
    if n + len(rows) > len(buffer):
        grown: FloatArray = np.empty(
            (max(n + len(rows), n + n // 2), buffer.shape[1]), buffer.dtype
        )
        grown[:n] = buffer[:n]
        buffer = grown
    buffer[n : n + len(rows)] = rows
    return buffer
