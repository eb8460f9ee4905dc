"""Checks of the proofs that answers carry, by code that shares nothing with the solver.

Everything here is plain NumPy in double precision with explicit rounding bounds: a dot product of
n terms is wrong by at most ``n u / (1 - n u)`` times the product of the norms, with the unit
roundoff ``u = 2**-53`` [1]_.

References
----------
.. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM 2002,
   section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_matrix
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scipy import sparse

    from hullspace.hull import Membership, Projection

_ROUNDOFF = 2.0**-53
# Rows of points and of queries that are handled at a time: 64 MB of scores.
_POINT_BLOCK = 4096
_QUERY_BLOCK = 2048
# Convex weights and unit vectors may miss their sum or length by this.
_NORMALIZATION = 1e-12

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]


def check(
    hull_points: npt.ArrayLike, queries: npt.ArrayLike, result: Membership | Projection
) -> _Bools:
    """Check every answer of `result` against the data alone.

    Parameters
    ----------
    hull_points : (n_points, n_features) array
        The points that the hull was made of.
    queries : (n_queries, n_features) array
        The queries that the result is about, in the same order.
    result : Membership or Projection
        What `Hull.contains` or `Hull.project` returned.

    Returns
    -------
    (n_queries,) bool
        True where the certificate proves the claim. INSIDE: the weights are convex and reproduce
        the query within the certificate's tolerance. OUTSIDE: all points lie strictly on one
        side of the hyperplane and the query on the other, rounding accounted for. OPTIMAL: the
        weights are convex and give the nearest point, and the hyperplane through it bounds the
        distance as the gap says. An UNDECIDED answer claims nothing and is never True.

    Raises
    ------
    TypeError, ValueError
        If the arrays are unfit, or the shapes do not belong together.

    Notes
    -----
    Costs one double-precision matrix product of the points with the queries.

    Examples
    --------
    >>> import hullspace
    >>> points = [[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]
    >>> queries = [[0.5, 0.5], [2.0, 2.0]]
    >>> membership = hullspace.Hull(points).contains(queries)
    >>> hullspace.certificates.check(points, queries, membership)
    array([ True,  True])
    """
    points = as_matrix(hull_points, "hull_points")
    rows = as_matrix(queries, "queries", columns=points.shape[1], allow_empty=True)
    if not (hasattr(result, "certificate") or hasattr(result, "gaps")):
        raise TypeError(f"result must be a Membership or a Projection, got {type(result).__name__}")
    if result.status.shape != (len(rows),):
        raise ValueError(
            f"result must have one answer for each of the {len(rows)} queries, "
            f"got {result.status.shape[0]}"
        )
    proof: Any = getattr(result, "certificate", result)
    if proof.normals.shape != rows.shape or proof.weights.shape[0] != len(rows):
        raise ValueError(
            f"result must have normals of shape {rows.shape} and {len(rows)} rows of weights, "
            f"got {proof.normals.shape} and {proof.weights.shape[0]}"
        )
    data = _Data.of(points, rows)
    with np.errstate(all="ignore"):  # whatever a corrupted certificate leads to fails its test
        if hasattr(result, "certificate"):
            return _check_membership(data, cast("Membership", result))
        return _check_projection(data, cast("Projection", result))


@dataclass(frozen=True)
class _Data:
    """Points and queries, to be centred and scaled so that nothing over- or underflows."""

    points: npt.NDArray[Any]
    queries: npt.NDArray[Any]
    center: _Floats  # scaled
    exponent: int  # data times 2**-exponent is at most one
    radius: float  # largest norm of a centred point, scaled

    @classmethod
    def of(cls, points: npt.NDArray[Any], queries: npt.NDArray[Any]) -> _Data:
        low = points.min(axis=0).astype(np.float64)
        high = points.max(axis=0).astype(np.float64)
        largest = max(np.abs(low).max(), np.abs(high).max(), np.abs(queries).max(initial=0.0))
        exponent = int(np.frexp(float(largest))[1])
        center = 0.5 * np.ldexp(low, -exponent) + 0.5 * np.ldexp(high, -exponent)
        data = cls(points, queries, center, exponent, 0.0)
        radius = max(float(_norms(block).max()) for block in data.point_blocks())
        return cls(points, queries, center, exponent, radius)

    def centred(self, rows: npt.NDArray[Any]) -> _Floats:
        """Scaled difference of rows from the centre; one rounding an element."""
        scaled: _Floats = np.ldexp(rows.astype(np.float64), -self.exponent) - self.center
        return scaled

    def scaled(self, lengths: Any) -> Any:
        return np.ldexp(lengths, -self.exponent)

    def point_blocks(self) -> Iterator[_Floats]:
        for first in range(0, len(self.points), _POINT_BLOCK):
            yield self.centred(self.points[first : first + _POINT_BLOCK])

    def rounding(self, queries: _Floats) -> _Floats:
        """Bound the rounding of scores of unit vectors against points and centred queries."""
        n = self.points.shape[1] + 4
        factor = n * _ROUNDOFF / (1 - n * _ROUNDOFF)
        bound: _Floats = factor * (self.radius + _norms(queries)) + n * 2.0**-1000
        return bound


def _norms(rows: _Floats) -> _Floats:
    """Euclidean norms that do not over- or underflow."""
    largest = np.abs(rows).max(axis=1, initial=0.0)
    safe = np.where(largest > 0.0, largest, 1.0)
    lengths = safe * np.sqrt(np.square(rows / safe[:, None]).sum(axis=1))
    return np.where(largest > 0.0, lengths, 0.0)


def _blocks(selected: _Bools) -> Iterator[npt.NDArray[np.intp]]:
    indices = np.flatnonzero(selected)
    for first in range(0, len(indices), _QUERY_BLOCK):
        yield indices[first : first + _QUERY_BLOCK]


def _separation(data: _Data, normals: _Floats, queries: _Floats) -> _Floats:
    """Smallest ``normal @ (query - point)`` over all points, up to `_Data.rounding`."""
    highest = np.full(len(normals), -np.inf)
    for block in data.point_blocks():
        np.maximum(highest, (normals @ block.T).max(axis=1), out=highest)
    separation: _Floats = np.einsum("ij,ij->i", normals, queries) - highest
    return separation


def _is_convex(data: _Data, weights: sparse.csr_array) -> _Bools:
    """Whether a row's weights are nonnegative, sum to one and belong to points of the set."""
    n_rows = weights.shape[0]
    rows = np.repeat(np.arange(n_rows), np.diff(weights.indptr))
    sums = np.bincount(rows, weights.data, minlength=n_rows)
    sound = (weights.data >= 0.0) & (weights.indices >= 0) & (weights.indices < len(data.points))
    unsound = np.bincount(rows, ~sound, minlength=n_rows)
    result: _Bools = (np.abs(sums - 1.0) <= _NORMALIZATION) & (unsound == 0)
    return result


def _combinations(data: _Data, weights: sparse.csr_array) -> _Floats:
    """Centred and scaled ``weights @ points``, touching only the points in use."""
    # Indices of no point are dealt with by _is_convex; here they only must not end the check.
    indices = np.clip(weights.indices, 0, len(data.points) - 1)
    used, columns = np.unique(indices, return_inverse=True)
    compact = type(weights)(
        (weights.data, columns, weights.indptr), shape=(weights.shape[0], len(used))
    )
    combined: _Floats = np.asarray(compact @ data.centred(data.points[used]))
    return combined


def _is_unit(normals: _Floats) -> _Bools:
    result: _Bools = np.abs(_norms(normals) - 1.0) <= _NORMALIZATION
    return result


def _check_membership(data: _Data, result: Membership) -> _Bools:
    certificate = result.certificate
    proven = np.zeros(len(result.status), dtype=bool)
    for rows in _blocks(result.status == Status.INSIDE):
        queries = data.centred(data.queries[rows])
        weights = certificate.weights[rows]
        residuals = _norms(_combinations(data, weights) - queries)
        allowed = data.rounding(queries)
        claimed = data.scaled(certificate.residuals[rows])
        proven[rows] = (
            _is_convex(data, weights)
            & (residuals <= claimed + allowed)
            & (claimed <= data.scaled(certificate.tolerance) + allowed)
        )
    for rows in _blocks(result.status == Status.OUTSIDE):
        queries = data.centred(data.queries[rows])
        normals = certificate.normals[rows]
        separation = _separation(data, normals, queries)
        allowed = data.rounding(queries)
        claimed = data.scaled(certificate.margins[rows])
        proven[rows] = (
            _is_unit(normals)
            & (separation > allowed)
            & (claimed > 0.0)
            & (claimed <= separation + allowed)
        )
    consistent: _Bools = result.inside == (result.status == Status.INSIDE)
    return proven & consistent


def _check_projection(data: _Data, result: Projection) -> _Bools:
    proven = np.zeros(len(result.status), dtype=bool)
    for rows in _blocks(result.status == Status.OPTIMAL):
        queries = data.centred(data.queries[rows])
        weights, normals = result.weights[rows], result.normals[rows]
        nearest = _combinations(data, weights)
        allowed = data.rounding(queries)
        misplaced = _norms(data.centred(result.points[rows]) - nearest)
        distances = data.scaled(result.distances[rows])
        gaps = data.scaled(result.gaps[rows])
        # A distance of at least zero needs no hyperplane.
        needed = distances - gaps
        separated = _is_unit(normals) & (_separation(data, normals, queries) >= needed - allowed)
        proven[rows] = (
            _is_convex(data, weights)
            & (misplaced <= allowed + 4.0 * _ROUNDOFF)
            & (np.abs(_norms(nearest - queries) - distances) <= allowed)
            & (gaps >= 0.0)
            & (separated | (needed <= allowed))
        )
    return proven
