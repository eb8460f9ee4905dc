"""What the exact proofs search with, and the rounding bounds that they may rely on.

The hull only proposes: hyperplanes are verified against all points, convex weights against a ball
that is proven to be inside the hull.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from hullspace.certificates.centred import QUERY_BLOCK, combinations
from hullspace.certificates.integers import ExactData, Integers, to_integers, unit_exponent
from hullspace.certificates.rounding import (
    ROUNDOFF,
    UNDERFLOW,
    Bools,
    Floats,
    Rows,
    are_unit,
    gamma,
    norms,
)
from hullspace.hull import Hull

if TYPE_CHECKING:
    from scipy import sparse

    from hullspace.certificates.centred import CentredData

# Points that the simplex around the middle of the hull is chosen from.
_SAMPLE = 4096


@dataclass(frozen=True)
class Ball:
    """A ball inside the hull, in scaled and centred units."""

    center: Floats
    radius: float


@dataclass(frozen=True)
class Evidence:
    """Points and queries, all queries within the points' bounding box."""

    data: CentredData

    @cached_property
    def exact(self) -> ExactData:
        """The same data as integers."""
        return ExactData(self.data)

    @cached_property
    def hull(self) -> Hull:
        """The hull of the scaled points; powers of two change no digit that matters here."""
        return Hull(np.ldexp(self.data.points, -self.data.exponent))

    @cached_property
    def ball(self) -> Ball | None:
        """A ball inside the hull, if the sample of points makes one."""
        return inner_ball(self.data)

    def project(self, targets: Floats, negligible: float) -> tuple[Floats, Floats, list[Rows]]:
        """Distances, normals and supports of the projections of centred targets."""
        projection = self.hull.project(targets + self.data.center, tolerance=0.0)
        weights = projection.weights
        rows = range(len(targets))
        spans = [slice(weights.indptr[row], weights.indptr[row + 1]) for row in rows]
        supports = [weights.indices[span][weights.data[span] > negligible] for span in spans]
        return projection.distances, projection.normals, supports

    def separated(
        self, rows: Rows, normals: Floats, vectors: list[Integers] | None = None
    ) -> Bools:
        """Whether hyperplanes separate queries exactly from all points.

        The normals are unit vectors; with `vectors` they are those of the integers, rounded.
        """
        result = np.zeros(len(rows), dtype=bool)
        for first in range(0, len(rows), QUERY_BLOCK):
            block = slice(first, first + QUERY_BLOCK)
            close = self._close_points(rows[block], normals[block])
            for i, indices in enumerate(close, first):
                if indices is None or not len(indices):
                    result[i] = indices is not None
                    continue
                vector = vectors[i] if vectors else _as_integers(normals[i])
                result[i] = self._is_below(vector, rows[i], indices)
        return result

    def _is_below(self, vector: Integers, row: int, indices: Rows) -> bool:
        exact = self.exact
        return all((exact.query(row) - exact.points(indices)) @ vector > 0)

    def _close_points(self, rows: Rows, normals: Floats) -> list[Rows | None]:
        """Points that rounding leaves on either side of the hyperplane through each query.

        None where a point is beyond doubt on the query's side of it or a normal is no number.
        """
        queries = self.data.centred(self.data.queries[rows])
        # The other half is for the rounding of the normals themselves.
        allowed = 2.0 * self.data.rounding(queries)
        heights = np.einsum("ij,ij->i", normals, queries)
        close: list[list[Rows]] = [[] for _ in rows]
        alive = are_unit(normals)
        first = 0
        for block in self.data.point_blocks():
            scores = normals @ block.T
            highest = scores.max(axis=1)
            alive &= highest <= heights + allowed
            for i in np.flatnonzero(alive & (highest >= heights - allowed)):
                close[i].append(first + np.flatnonzero(scores[i] >= heights[i] - allowed[i]))
            first += len(block)
        empty = np.empty(0, dtype=np.intp)
        return [
            np.concatenate([empty, *found]) if sound else None
            for found, sound in zip(close, alive, strict=True)
        ]

    def absorbed(self, targets: Floats, share: float) -> Bools:
        """Whether centred targets, each rounded once, are proven inside with the ball's help.

        A target is searched for as ``(1 - share) * combination + share * (center + error)``, and
        it is inside if the error is shorter than the ball's radius.
        """
        result = np.zeros(len(targets), dtype=bool)
        if self.ball is None or not len(targets):
            return result
        pulled = self.ball.center + (targets - self.ball.center) / (1.0 - share)
        for first in range(0, len(targets), QUERY_BLOCK):
            block = slice(first, first + QUERY_BLOCK)
            places = pulled[block] + self.data.center
            weights = self.hull.project(places, tolerance=0.0).weights
            result[block] = self._absorbs(self.ball, targets[block], (1.0 - share) * weights)
        return result

    def _absorbs(self, ball: Ball, targets: Floats, weights: sparse.csr_array) -> Bools:
        """Whether the ball, with the weight that is left to it, makes up for the difference."""
        sums = np.asarray(weights.sum(axis=1)).ravel()
        nonnegative = np.asarray(weights.min(axis=1).todense()).ravel() >= 0.0
        errors = targets - combinations(self.data, weights) - (1.0 - sums)[:, None] * ball.center
        # Sums of so many terms, and a few operations more, of numbers within these norms.
        n = int(np.diff(weights.indptr).max(initial=0)) + 10
        unit = gamma(n)
        sizes = norms(targets) + 2.0 * self.data.radius
        rounding = unit * sizes + targets.shape[1] * UNDERFLOW
        left = (1.0 - sums) - unit
        result: Bools = nonnegative & (left > 0.0)
        result &= (norms(errors) + rounding) * (1.0 + 2.0**-40) <= left * ball.radius
        return result


def _as_integers(normal: Floats) -> Integers:
    return to_integers(normal, unit_exponent(normal))


def inner_ball(data: CentredData) -> Ball | None:
    """Find a ball inside a simplex of well spread points; None if there is no such simplex.

    A point ``center + e`` has barycentric coordinates ``v = A^-1 (e; 1)`` in the simplex, where A
    has the columns ``(p - center; 1)``. With an approximate inverse R they differ from
    ``R (e; 1)`` by at most ``b / (1 - b)`` times its largest element, where b bounds
    ``||R A - I||`` [1]_.

    References
    ----------
    .. [1] S. M. Rump, "Verification methods: rigorous results using floating-point arithmetic",
       Acta Numerica 19 (2010), section 10.
    """
    n = data.points.shape[1]
    step = -(-len(data.points) // _SAMPLE)
    sample = data.centred(data.points[::step])
    if len(sample) <= n:
        return None
    first = int(norms(sample - sample.mean(axis=0)).argmin())
    edges = (sample - sample[first]).T
    pivots = linalg.qr(edges, mode="r", pivoting=True)[1][:n]
    simplex = sample[[first, *pivots]]
    center = simplex.mean(axis=0)
    matrix = np.vstack([(simplex - center).T, np.ones(n + 1)])
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return None
    return verified_ball(center, matrix, inverse)


def verified_ball(center: Floats, matrix: Floats, inverse: Floats) -> Ball | None:
    """Bound the barycentric coordinates in a ball from below, all rounding accounted for."""
    slopes, heights = norms(inverse[:, :-1]), inverse[:, -1]
    radius = 0.5 * float((heights / slopes).min())
    bound = deviation(matrix, inverse)
    lowest = float((heights - radius * slopes).min()) * (1.0 - 2.0**-20)
    highest = float((np.abs(heights) + radius * slopes).max()) * (1.0 + 2.0**-20)
    if bound < 0.5 and lowest > 2.0 * bound * highest:
        return Ball(center, radius)
    return None


def deviation(matrix: Floats, inverse: Floats) -> float:
    """Bound ``||inverse @ A - I||``, the largest row sum, for an A that rounds to `matrix`."""
    size = len(matrix)
    # One rounding an element of the matrix, size + 1 an element of the product, times two.
    unit = 2.0 * (size + 3) * ROUNDOFF
    underflow = size * UNDERFLOW * (1.0 + np.abs(inverse).max())
    rounding = unit * (np.abs(inverse) @ np.abs(matrix)) + underflow
    errors = np.abs(inverse @ matrix - np.eye(size)) + rounding
    return float(errors.sum(axis=1).max()) * (1.0 + 2.0**-40)
