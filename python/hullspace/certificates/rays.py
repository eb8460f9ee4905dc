"""Checks of answers about rays: where they leave a hull, and that they miss it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.arguments import as_matrix
from hullspace.certificates.fields import Weights, blocks_of, floats_of, statuses_of
from hullspace.certificates.frames import Normals, Placed
from hullspace.certificates.points import QUERY_BLOCK, PointSet
from hullspace.certificates.rounding import (
    are_nan,
    are_unit,
    bound_of,
    dots,
    exponents,
    gamma,
    highest,
    norms,
)
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.certificates.rounding import Bools, Floats, Rows

# Covers the rounding of a length that is compared with the tolerance.
_ABOUT = 1.0 + 2.0**-20


@dataclass(frozen=True)
class _Rays:
    """Rays with what is said of them, all in the coordinates of the points' frame.

    Attributes
    ----------
    points : PointSet
        The set.
    origins : Placed
        Where they start.
    directions : (n, n_features) float64
        Where they go, in the units of the data.
    steps, ends, normals, offsets
        As in a `Ray`.
    weights : Weights
        The same.
    """

    points: PointSet
    origins: Placed
    directions: Floats
    steps: Floats
    ends: Floats
    weights: Weights
    normals: Floats
    offsets: Floats

    def select(self, rows: Rows) -> _Rays:
        """Return some of the rays."""
        arrays = (self.steps, self.ends, self.normals, self.offsets)
        steps, ends, normals, offsets = (array[rows] for array in arrays)
        origins, weights = self.origins.select(rows), self.weights.select(rows)
        some = self.directions[rows]
        return _Rays(self.points, origins, some, steps, ends, weights, normals, offsets)

    def support(self, normals: Normals) -> tuple[Bools, Floats, Floats]:
        """Whether hyperplanes have all points behind them; their levels and those of the points.

        In units of the normals, from the centre of the frame.
        """
        frame = self.points.frame
        levels, doubt = frame.levels(self.offsets, normals)
        heights = self.points.heights(normals)
        rounding = frame.product_rounding(normals, self.points.radius)
        return heights <= levels + doubt + rounding, levels, heights

    def leave(self, tolerance: float) -> Bools:
        """Whether the ends are in the hull, and the hyperplanes keep the rest of the rays out."""
        points, frame, origins = self.points, self.points.frame, self.origins
        normals = frame.normals(self.normals)
        supporting, levels, _ = self.support(normals)
        along = frame.differences(self.steps[:, None] * self.directions, origins.units)
        reached = Placed(origins.rows + along, origins.units, origins.away)
        reach = norms(origins.rows) + norms(along)
        ends = frame.place(self.ends)
        # Where the ray ends, up to rounding, and what the weights combine to.
        moved = np.ldexp(ends.rows, (ends.units - origins.units)[:, None]) - reached.rows
        n = points.n_features + 8
        allowed = bound_of(gamma(n) * reach + np.ldexp(frame.digits, -origins.units))
        combined = points.combinations(self.weights)
        inside = points.are_near(combined, ends, self.weights, tolerance, rounded=True)
        # How far the end is from the hyperplane, which may stand off by the tolerance.
        ahead = dots(normals.rows, reached.rows) - np.ldexp(levels, -origins.units)
        _, doubt = frame.levels(self.offsets, normals)
        slack = points.slack(normals, tolerance) + doubt
        slack = np.ldexp(slack, -origins.units) + frame.product_rounding(normals, reach)
        result: Bools = (
            (self.steps >= 0.0)
            & (norms(moved) <= allowed)
            & self.weights.are_convex()
            & inside
            & are_unit(self.normals)
            & supporting
            & (np.abs(ahead) <= slack)
            & (self._slopes(normals)[0] > 0.0)
        )
        return result

    def _slopes(self, normals: Normals) -> tuple[Floats, Floats]:
        """Products of normals with directions of unit length in the frame, and their rounding."""
        frame = self.points.frame
        units = highest(exponents(self.directions) - frame.exponents)
        along = frame.differences(self.directions, units)
        slopes = dots(normals.rows, along) / norms(along)
        return slopes, frame.product_rounding(normals, 1.0)

    def miss(self) -> Bools:
        """Whether hyperplanes have all points on one side and the rays on the other.

        What is in the hull is within its radius of the centre, so that only so much of a ray
        matters, should it come nearer to the hyperplane by rounding.
        """
        points, frame, shift = self.points, self.points.frame, -self.origins.units
        normals = frame.normals(self.normals)
        supporting, levels, heights = self.support(normals)
        reach = np.ldexp(points.radius, shift) + norms(self.origins.rows)
        slopes, doubt = self._slopes(normals)
        nearest = dots(normals.rows, self.origins.rows) - np.maximum(doubt - slopes, 0.0) * reach
        rounding = 2.0 * frame.product_rounding(normals, reach)
        _, level_doubt = frame.levels(self.offsets, normals)
        result: Bools = (
            are_unit(self.normals)
            & supporting
            & (nearest > np.ldexp(heights, shift) + rounding)
            & (np.ldexp(levels - level_doubt, shift) <= nearest + rounding)
            & np.isnan(self.steps)
            & are_nan(self.ends)
            & self.weights.are_empty()
        )
        return result


def check_ray(points: PointSet, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check a `Ray`; see `hullspace.certificates.check`."""
    if not isinstance(queries, tuple | list) or len(queries) != 2:
        raise TypeError("queries must be the pair (origins, directions) for a Ray")
    directions = as_matrix(
        queries[1], "directions", columns=points.n_features, allow_empty=True
    ).astype(np.float64)
    n = len(directions)
    origins = as_matrix(queries[0], "origins", columns=points.n_features, allow_empty=True)
    if len(origins) not in {1, n}:
        raise ValueError(f"origins must have one row or {n} rows, got {len(origins)}")
    return _check(points, np.broadcast_to(origins, directions.shape), directions, result, tolerance)


def _check(
    points: PointSet, origins: Floats, directions: Floats, result: Any, tolerance: float
) -> Bools:
    n, d = directions.shape
    if len(result) != n:
        raise ValueError(f"result must have one answer for each of the {n} rays, got {len(result)}")
    status = statuses_of(result, (n,))
    rays = _Rays(
        points,
        points.frame.place(origins),
        directions,
        floats_of(result, "steps", (n,)),
        floats_of(result, "points", (n, d)),
        Weights.of(result, "weights", n, len(points)),
        floats_of(result, "normals", (n, d)),
        floats_of(result, "offsets", (n,)),
    )
    proven = np.zeros(n, dtype=bool)
    for rows in blocks_of(status == Status.OPTIMAL, QUERY_BLOCK):
        proven[rows] = rays.select(rows).leave(tolerance)
    for rows in blocks_of(status == Status.OUTSIDE, QUERY_BLOCK):
        proven[rows] = rays.select(rows).miss()
    return proven


def check_gauge(points: PointSet, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check a `Gauge`; see `hullspace.certificates.check`."""
    rows = as_matrix(queries, "queries", columns=points.n_features, allow_empty=True)
    n = len(rows)
    if len(result) != n:
        raise ValueError(
            f"result must have one answer for each of the {n} queries, got {len(result)}"
        )
    center = floats_of(result, "center", (points.n_features,))
    values, ray = floats_of(result, "values", (n,)), result.ray
    if not np.isfinite(center).all():
        return np.zeros(n, dtype=bool)
    directions = rows.astype(np.float64) - center
    away = (directions != 0.0).any(axis=1)
    # A query at the centre has no direction; the ray goes anywhere.
    directions[~away] = 1.0
    starts = np.broadcast_to(center, directions.shape)
    proven = _check(points, starts, directions, ray, tolerance)
    steps = floats_of(ray, "steps", (n,))
    # A ray that ends where it starts, up to the tolerance, reaches nothing.
    stays = norms(steps[:, None] * directions) <= tolerance * points.width * _ABOUT
    reached = np.abs(values * steps - 1.0) <= gamma(4)
    right = proven & np.where(values == np.inf, stays, reached)
    anywhere = proven | (statuses_of(ray, (n,)) == Status.UNDECIDED)
    return np.where(away, right, anywhere & (values == 0.0))
