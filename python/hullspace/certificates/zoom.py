"""Queries on or next to a face of the hull: the face is found, and what is left is magnified.

Let x be the point nearest to a query q in the affine hull of some points of the set, with positive
weights. For any s >= 1 the query lies on the segment from x to ``t = x + s (q - x)``: when t is
inside then q is, and at a t far from x double precision finds the answer. A hyperplane that
separates t and contains the points that x is made of separates q as well. Weights and hyperplanes
are refined until they fulfil their equations to many more digits than the rest of the decision
needs; integers decide whether they do. Where x is the query to all these digits and the points
make a simplex of full dimension, a bound on its inverse shows that the query is inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hullspace.certificates.evidence import deviation
from hullspace.certificates.integers import bit_length, largest, quotient, ratios, to_integers

if TYPE_CHECKING:
    from hullspace.certificates.integers import ExactData, Integers
    from hullspace.certificates.rounding import Floats, Rows

# Digits of weights and of normals after the binary point.
BITS = 320
# Each refinement adds about 40 binary digits.
_REFINEMENTS = 10
_ORTHOGONAL = 1e-12


@dataclass(frozen=True)
class Face:
    """The point of a simplex nearest to a query, exactly, and what separates the two.

    Attributes
    ----------
    support : (n_support,) int
        Points that the nearest point is made of.
    weights : (n_support,) Python integers
        Its positive weights, which sum to one, in units of ``2**-BITS``.
    nearest : (n_features,) Python integers
        The combination of the points with these weights, in the exact data's unit times
        ``2**-BITS``.
    residual : (n_features,) Python integers
        The query less `nearest`.
    coincides : bool
        Whether the residual is no larger than the weights' last digits can make it.
    """

    support: Rows
    weights: Integers
    nearest: Integers
    residual: Integers
    coincides: bool

    def target(self, exact: ExactData, distance: float) -> Integers:
        """Point on the ray from `nearest` through the query, about `distance` away, not before.

        In units of the exact data times ``2**-BITS``; `distance` is in those of the scaled data.
        """
        length = bit_length(self.residual)
        wanted = int(np.frexp(distance)[1]) + exact.shift + BITS
        target: Integers = self.nearest + (self.residual << max(wanted - length, 0))
        return target

    def main_points(self, smallest: float) -> Rows:
        """Points with at least this weight."""
        return self.support[ratios(self.weights, 1 << BITS) >= smallest]

    def surrounds(self, exact: ExactData) -> bool:
        """Whether the query is beyond doubt inside the simplex, which has full dimension.

        Where A has the edges from the first point for columns, the query's coordinates differ
        from the weights by the elements of ``A^-1 residual`` and, for the first, by their sum.
        An approximate inverse R with ``||R A - I|| <= b < 1`` bounds
        ``||A^-1|| <= ||R|| / (1 - b)``.
        """
        points = exact.points(self.support)
        edges = ratios(points[1:] - points[0], 1 << exact.shift).T
        if edges.shape[0] != edges.shape[1]:
            return False
        try:
            inverse = np.linalg.inv(edges).astype(np.float64)
        except np.linalg.LinAlgError:
            return False
        length = quotient(largest(self.residual), 1 << exact.shift)
        norm = float(np.abs(inverse).sum(axis=1).max())
        # Two for b < 1/2, and two for the rounding of the bound.
        error = 4.0 * len(edges) * norm * length
        return deviation(edges, inverse) < 0.5 and float(self.weights.min()) > error


def fit(exact: ExactData, row: int, support: Rows) -> Face | None:
    """Find the nearest point to a query in a simplex, leaving out points that are not needed."""
    query = exact.query(row) << BITS
    while len(support):
        points = exact.points(support)
        weights = _weights(exact, query, points)
        kept = weights > 0
        if kept.all():
            nearest = weights @ points
            residual = query - nearest
            noise = len(support) << (exact.shift + 8)
            return Face(support, weights, nearest, residual, largest(residual) <= noise)
        support = support[kept]
    return None


def _weights(exact: ExactData, query: Integers, points: Integers) -> Integers:
    """Barycentric coordinates of the nearest point in the affine hull; they sum to one exactly."""
    weights = np.array([1 << BITS] + [0] * (len(points) - 1), dtype=object)
    if len(points) == 1:
        return weights
    edges = ratios(points[1:] - points[0], 1 << exact.shift)
    inverse = np.linalg.pinv(edges)
    for _ in range(_REFINEMENTS):
        residual = query - weights @ points
        size = max(largest(residual), 1)
        direction = ratios(residual, size)
        if np.abs(edges @ direction).max() <= _ORTHOGONAL * np.abs(edges).max():
            break
        steps = (to_integers(direction @ inverse, -BITS) * size) >> (BITS + exact.shift)
        weights[1:] += steps
        weights[0] -= steps.sum()
    return weights


def refined_normal(exact: ExactData, support: Rows, normal: Floats) -> Integers | None:
    """Vector next to `normal` to which all the edges of a simplex are orthogonal, to many digits.

    In units of ``2**-BITS``; None if nothing of the normal is left.
    """
    points = exact.points(support)
    vector = to_integers(normal, -BITS)
    if len(points) == 1:
        return vector
    edges = ratios(points[1:] - points[0], 1 << exact.shift)
    inverse = np.linalg.pinv(edges)
    for _ in range(_REFINEMENTS):
        slopes = (points[1:] - points[0]) @ vector
        size = largest(slopes)
        if size >> exact.shift <= 1 << 16:
            break
        steps = inverse @ ratios(slopes, size)
        vector = vector - ((to_integers(steps, -BITS) * size) >> (BITS + exact.shift))
    return vector if bit_length(vector) > BITS - 30 else None
