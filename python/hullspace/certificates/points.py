"""A point set made ready for checks: centred and scaled once, then passed over and over."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.certificates.frames import Frame, Normals, Placed
from hullspace.certificates.rounding import (
    Bools,
    Floats,
    bound_of,
    dots,
    gamma,
    norms,
    times_power,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hullspace.certificates.fields import Weights

# Rows of points, and of queries, that are handled at a time: scores stay in cache.
POINT_BLOCK = 512
QUERY_BLOCK = 1024
# Bytes of centred points that are kept; more are centred again in every pass.
_KEPT = 2**28


class PointSet:
    """Points in the coordinates of a frame.

    Parameters
    ----------
    points : (n_points, n_features) array
        Finite numbers in single or double precision.
    frame : Frame, optional
        By default that of the points.
    """

    def __init__(self, points: npt.NDArray[Any], frame: Frame | None = None) -> None:
        self.points = points
        self.frame = frame or Frame.of([points])
        kept = 8 * points.size <= _KEPT
        self._kept = list(self._centred_blocks()) if kept else None
        # Largest norm, of a centred point.
        self.radius = max(float(norms(block).max()) for block in self.blocks())

    def __len__(self) -> int:
        return len(self.points)

    @property
    def n_features(self) -> int:
        """Coordinates of a point."""
        return int(self.points.shape[1])

    @cached_property
    def width(self) -> float:
        """What tolerances are relative to, in the units of the data.

        The largest distance from the centre; for a single point its norm or, if that is zero, 1.
        """
        lengths = [norms(self.frame.restored(block)).max() for block in self.blocks()]
        center = norms(self.frame.restored(self.frame.center)[None])[0]
        # A length that overflows would allow everything.
        return min(float(max(lengths)) or float(center) or 1.0, float(np.finfo(np.float64).max))

    def _centred_blocks(self) -> Iterator[Floats]:
        for first in range(0, len(self.points), POINT_BLOCK):
            yield self.frame.centred(self.points[first : first + POINT_BLOCK])

    def blocks(self) -> Iterator[Floats]:
        """Yield centred points, some at a time."""
        return iter(self._kept) if self._kept is not None else self._centred_blocks()

    def heights(self, normals: Normals, *, of_others: bool = False) -> Floats:
        """Largest products of centred points with each direction.

        With `of_others`, direction i leaves out point i.
        """
        heights = np.full(len(normals), -np.inf)
        for first in range(0, len(normals), QUERY_BLOCK):
            some = slice(first, first + QUERY_BLOCK)
            columns = np.ascontiguousarray(normals.rows[some].T)
            scores = np.empty((POINT_BLOCK, columns.shape[1]))
            for k, block in enumerate(self.blocks()):
                found = np.matmul(block, columns, out=scores[: len(block)])
                if of_others:
                    _leave_out(found, first - k * POINT_BLOCK)
                np.maximum(heights[some], found.max(axis=0), out=heights[some])
        return heights

    def separations(self, normals: Normals, places: Placed) -> tuple[Floats, Floats]:
        """Smallest ``normal @ (place - point)`` over all points, and how wrong it may be.

        In units of ``2**(normals.units + places.units)``.
        """
        shift = -places.units
        heights = np.ldexp(self.heights(normals), shift)
        separations = dots(normals.rows, places.rows) - heights
        reach = norms(places.rows) + np.ldexp(self.radius, shift)
        return separations, self.frame.product_rounding(normals, reach)

    def combinations(self, weights: Weights) -> Floats:
        """Combine centred points; only the points in use are touched."""
        used, matrix = weights.used()
        combined: Floats = np.asarray(matrix @ self.frame.centred(self.points[used]))
        # Weights whose sum misses one mean those whose sum is one.
        sums = weights.sums()
        return combined / np.where(sums > 0.0, sums, 1.0)[:, None]

    def are_near(
        self,
        combined: Floats,
        places: Placed,
        weights: Weights,
        tolerance: float,
        *,
        rounded: bool = False,
    ) -> Bools:
        """Whether combinations are within a share of the set's scale of places.

        All that rounding may have done is allowed, to places too if they are `rounded`.
        """
        rounding = self.frame.length_rounding(places.away, weights.counts)
        slack = tolerance * self.width + (self.frame.data_digits if rounded else 0.0)
        near: Bools = self.distances(combined, places) <= slack + rounding
        return near

    def are_equal(self, combined: Floats, places: Placed, weights: Weights) -> Bools:
        """Whether rounded places are combinations, but for rounding in any column."""
        shift = -places.units
        misses = norms(times_power(combined, shift[:, None]) - places.rows)
        n = weights.counts + self.n_features + 8
        rounding = bound_of(gamma(n) * (norms(places.rows) + np.ldexp(self.radius, shift)))
        equal: Bools = misses <= np.ldexp(self.frame.digits, shift) + rounding
        return equal

    def slack(self, normals: Normals, tolerance: float) -> Floats:
        """How far a share of the set's scale reaches along each direction of unit length."""
        reach: Floats = np.ldexp(tolerance * self.width, -normals.units)
        return reach

    def distances(self, combined: Floats, places: Placed) -> Floats:
        """Lengths of ``combination - place`` in the units of the data."""
        return norms(self.frame.restored(combined) - places.away)


def _leave_out(scores: Floats, offset: int) -> None:
    """Overwrite the scores of the point with the direction's number, which is the row plus this."""
    rows, columns = scores.shape
    own = np.arange(max(0, -offset), min(columns, rows - offset))
    scores[own + offset, own] = -np.inf
