"""A point set made ready for the core: all of its points, or the vertices that Qhull finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hullspace import _core
from hullspace.hull.facets import MAX_FEATURES, LowDimensionalHull, expected_facets
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.arguments import FloatArray

Method = Literal["auto", "facets", "active-set"]

# Preparing and verifying Qhull's vertices pays from this many points on, if few are left.
_FEWEST_POINTS_FOR_FACETS = 1000


class PreparedSet:
    """The points, and what the core works on.

    Attributes
    ----------
    points, given : (n_points, n_features) array
        The set.
    device : None
        The CPU.
    core : _core.Hull
        Holds the points, or those in `kept`.
    whole : _core.Hull
        Holds all points.
    kept : (n_kept,) int64 or None
        Points that the core works on, ascending; None for all.
    slack : float
        No point is farther from the hull of the kept ones.
    """

    device: int | None = None

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
        """The set."""
        return self.points

    def _keep_vertices(self, threads: int) -> None:
        """Let the core work on the vertices that Qhull finds, and on what they leave out."""
        found = self.low_dimensional()
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

    def low_dimensional(self) -> LowDimensionalHull | None:
        """Return Qhull's answer, or None for a flat set."""
        if self._qhull is None:
            self._qhull = LowDimensionalHull.of(self.points)
        return self._qhull

    def add(self, new: FloatArray, threads: int) -> None:
        """Append rows, in double precision if they need it."""
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

    def csr(self, weights: _core.Csr, n_queries: int) -> sparse.csr_array:
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
