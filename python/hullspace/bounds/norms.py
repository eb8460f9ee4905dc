"""Nearest points of half-spaces and lowest values in balls, within a box, in two norms.

All points are relative to the one that distances are from. A *value* is what the search works
with: half the square of a Euclidean distance, or a distance in the largest norm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.bounds.dual import maximize_dual
from hullspace.polyhedron import Polyhedron
from hullspace.polyhedron.rows import box_rows
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.bounds.relaxation import Lines

_Floats = npt.NDArray[np.float64]
_TINY = 1e-300
# Rows that are worked on together: they fit in a core's cache.
_CHUNK = 64
# Constraints that are broken by no more, relative to their bounds, are kept.
_FEASIBLE = 1e-10


@dataclass(frozen=True)
class Zones:
    """Parts of the box that hold all points of interest: balls, one for each of n problems.

    A Euclidean ball's centre may lie outside the box.
    """

    centers: _Floats  # (n, n_inputs)
    squares: _Floats  # (n,): squares of the radii

    def take(self, which: npt.NDArray[np.intp] | slice) -> Zones:
        """Return some of them."""
        return Zones(self.centers[which], self.squares[which])


@dataclass(frozen=True)
class Euclidean:
    """The 2-norm in a box ``lower <= y <= upper`` around 0."""

    lower: _Floats
    upper: _Floats
    rounding: float

    @staticmethod
    def value(distance: float) -> float:
        """Return the value of a distance."""
        return 0.5 * distance * distance

    @staticmethod
    def distance(value: float) -> float:
        """Return the distance of a value."""
        return float(np.sqrt(2.0 * max(value, 0.0)))

    @staticmethod
    def length(y: _Floats) -> float:
        """Return a point's distance from 0."""
        return float(np.linalg.norm(y))

    def zones(self, distance: float) -> Zones:
        """Return the ball of a radius around 0."""
        return Zones(np.zeros((1, len(self.lower))), np.array([distance * distance]))

    def nearest(self, lines: Lines, t: _Floats, steps: int) -> tuple[_Floats, _Floats, _Floats]:
        """Approach the nearest points where ``normals @ y + offsets <= 0``.

        The point of multiplier t is ``clip(-t normal)``. The function's value there falls with t
        and is convex and piecewise linear, so Newton's method approaches its root from below.

        Returns
        -------
        multipliers (n,), points (n, n_inputs), values (n,)
            The values are lower bounds at any multiplier: the dual function, rounded down.
        """
        normals = lines.normals
        squares = normals * normals
        y = np.clip(-t[:, None] * normals, self.lower, self.upper)
        for _ in range(steps):
            excess = lines.offsets + np.einsum("ij,ij->i", normals, y)
            free = np.where(normals > 0.0, y > self.lower, y < self.upper)
            slope = np.einsum("ij,ij->i", squares, free)
            step = excess / np.maximum(slope, np.maximum(1e-12 * np.abs(excess), _TINY))
            t = np.clip(t + step, 0.0, 1e12)
            y = np.clip(-t[:, None] * normals, self.lower, self.upper)
        excess = lines.offsets + np.einsum("ij,ij->i", normals, y)
        half = 0.5 * np.einsum("ij,ij->i", y, y)
        values = half * (1.0 - self.rounding) + t * (excess - self.rounding * lines.sizes)
        return t, y, values

    def zones_of(self, lines: Lines, t: _Floats, value: float) -> Zones:
        """Return balls around all points with at most a value where functions are at most 0.

        ``|y|^2 / 2 + t (normal @ y + offset) <= value`` completes to a square around -t normal.
        """
        centers = -t[:, None] * lines.normals
        spread = np.einsum("ij,ij->i", centers, centers)
        squares = 2.0 * value - 2.0 * t * lines.offsets + spread
        slack = self.rounding * (2.0 * value + 2.0 * t * lines.sizes + spread)
        return Zones(centers, np.maximum(squares + slack, 0.0))

    def lowest(self, lines: Lines, zones: Zones, steps: int) -> tuple[_Floats, _Floats]:
        """Bound functions from below in zones; also points near where they are attained."""
        n = len(lines.normals)
        if n > _CHUNK:
            parts = [slice(first, first + _CHUNK) for first in range(0, n, _CHUNK)]
            shared = len(zones.squares) == 1
            found = [
                self.lowest(lines.part(p), zones if shared else zones.take(p), steps) for p in parts
            ]
            values, points = zip(*found, strict=True)
            return np.concatenate(values), np.concatenate(points)
        normals, centers = lines.normals, zones.centers
        squares = normals * normals
        total = squares.sum(axis=1)
        total[total == 0.0] = 1.0
        t = np.sqrt(np.maximum(zones.squares, _TINY) / total)
        for step in range(steps):
            y = np.clip(centers - t[:, None] * normals, self.lower, self.upper)
            if step + 1 == steps:
                break
            inside = (y > self.lower) & (y < self.upper)
            free = np.einsum("ij,ij->i", squares, inside)
            offset = np.where(inside, 0.0, y - centers)
            rest = zones.squares - np.einsum("ij,ij->i", offset, offset)
            good = (rest > 0.0) & (free > 1e-12 * total)
            t = np.where(good, np.sqrt(np.abs(rest) / np.where(good, free, 1.0)), t)
        offset = y - centers
        spread = np.einsum("ij,ij->i", offset, offset)
        values = lines.offsets + np.einsum("ij,ij->i", normals, y)
        values += 0.5 * (spread - zones.squares) / t
        return values - self.rounding * (lines.sizes + (spread + zones.squares) / t), y

    def project(
        self,
        rows: _Floats,
        bounds: _Floats,
        sizes: _Floats,
        start: _Floats,
        enough: float,
    ) -> tuple[_Floats | None, float]:
        """Find the point nearest to 0 of the box and some constraints, and bound its value.

        Parameters
        ----------
        rows, bounds, sizes : (m, n_inputs), (m,), (m,)
            The constraints, and the sums of absolute values that made them.
        start : (m,) float64
            Multipliers to start from.
        enough : float
            A value that needs no improvement.

        Returns
        -------
        point, value
            No point where the value is enough, or there is none.
        """
        lengths = np.linalg.norm(rows, axis=1)
        lengths[lengths == 0.0] = 1.0
        rows, bounds, sizes = rows / lengths[:, None], bounds / lengths, sizes / lengths
        slack, box = self.rounding * sizes, (self.lower, self.upper)
        multipliers, y = maximize_dual(
            rows, bounds, slack, box, start * lengths, enough * (1.0 + 1e-9)
        )
        excess = rows @ y - bounds
        value = 0.5 * float(y @ y) * (1.0 - self.rounding)
        value += float(multipliers @ (excess - slack))
        if value < enough and excess.max() > _FEASIBLE * (1.0 + np.abs(bounds).max()):
            # Newton's method got stuck: the general method takes longer.
            return self._project_slowly(rows, bounds, sizes, enough)
        return (y if value < enough else None), value

    def _project_slowly(
        self, rows: _Floats, bounds: _Floats, sizes: _Floats, enough: float
    ) -> tuple[_Floats | None, float]:
        sides, ends = box_rows(*within(self.lower, self.upper, 1.01 * self.distance(enough)))
        body = Polyhedron(np.vstack([rows, sides]), np.concatenate([bounds, ends]))
        found = body.project(np.zeros((1, len(self.lower))), n_threads=1)
        if found.status[0] == Status.EMPTY:
            return None, np.inf
        if found.status[0] != Status.OPTIMAL:
            return None, 0.0
        value = self.value(max(float(found.distances[0] - found.gaps[0]), 0.0))
        multipliers = found.duals.toarray()[0, : len(rows)]
        value -= self.rounding * (float(multipliers @ sizes) + value)
        point = np.clip(found.points[0], self.lower, self.upper)
        return (point if value < enough else None), max(value, 0.0)


def within(lower: _Floats, upper: _Floats, reach: float) -> tuple[_Floats, _Floats]:
    """Return a box without the ends that are farther from 0 than a reach."""
    return np.where(-lower > reach, -np.inf, lower), np.where(upper > reach, np.inf, upper)


@dataclass(frozen=True)
class Largest:
    """The largest norm in a box ``lower <= y <= upper`` around 0."""

    lower: _Floats
    upper: _Floats
    rounding: float

    @staticmethod
    def value(distance: float) -> float:
        """Return the value of a distance."""
        return distance

    @staticmethod
    def distance(value: float) -> float:
        """Return the distance of a value."""
        return max(value, 0.0)

    @staticmethod
    def length(y: _Floats) -> float:
        """Return a point's distance from 0."""
        return float(np.abs(y).max())

    def zones(self, distance: float) -> Zones:
        """Return the ball of a radius around 0."""
        return Zones(np.zeros((1, len(self.lower))), np.array([distance * distance]))

    def _corner(self, normals: _Floats, radii: _Floats) -> _Floats:
        """Lowest points in the box's parts within radii of 0."""
        corner = -radii[:, None] * np.sign(normals)
        return np.clip(corner, self.lower, self.upper)

    def nearest(self, lines: Lines, t: _Floats, steps: int) -> tuple[_Floats, _Floats, _Floats]:
        """Approach the nearest points where ``normals @ y + offsets <= 0``.

        The lowest value within a distance falls with it and is convex and piecewise linear:
        Newton's method once more. `t` is the value's rate of change, reversed.
        """
        normals, sizes = lines.normals, np.abs(lines.normals)
        offsets = lines.offsets - self.rounding * lines.sizes
        radii, slope = np.zeros(len(normals)), np.ones(len(normals))
        for _ in range(steps + 4):
            y = self._corner(normals, radii)
            excess = offsets + np.einsum("ij,ij->i", normals, y)
            slope = np.einsum("ij,ij->i", sizes, np.abs(y) >= radii[:, None])
            step = np.maximum(excess, 0.0) / np.maximum(slope, _TINY)
            radii = np.minimum(radii + step, 1e12)
        # From below no step goes beyond the root but by rounding.
        return 1.0 / np.maximum(slope, 1e-12), self._corner(normals, radii), radii * (1.0 - 1e-12)

    def zones_of(self, lines: Lines, t: _Floats, value: float) -> Zones:
        """Return the ball around 0, for each function."""
        zones = self.zones(value)
        return zones.take(np.zeros(len(t), dtype=np.intp))

    def lowest(self, lines: Lines, zones: Zones, steps: int) -> tuple[_Floats, _Floats]:
        """Bound functions from below in zones; also points where the bounds are attained."""
        radii = np.sqrt(zones.squares) * (1.0 + 1e-15)
        y = self._corner(lines.normals, np.broadcast_to(radii, len(lines.normals)))
        values = lines.offsets + np.einsum("ij,ij->i", lines.normals, y)
        return values - self.rounding * lines.sizes, y

    def project(
        self,
        rows: _Floats,
        bounds: _Floats,
        sizes: _Floats,
        start: _Floats,
        enough: float,
    ) -> tuple[_Floats | None, float]:
        """Find a point nearest to 0 of the box and some constraints, and bound its value."""
        n = len(self.lower)
        sides, ends = box_rows(*within(self.lower, self.upper, 1.01 * enough))
        eye, ones = np.eye(n), np.ones((n, 1))
        matrix = np.vstack(
            [
                np.pad(np.vstack([rows, sides]), ((0, 0), (0, 1))),
                np.hstack([eye, -ones]),
                np.hstack([-eye, -ones]),
            ]
        )
        body = Polyhedron(matrix, np.concatenate([bounds, ends, np.zeros(2 * n)]))
        found = body.support(-np.eye(n + 1)[-1:])
        if found.status[0] == Status.EMPTY:
            return None, np.inf
        if found.status[0] != Status.OPTIMAL:
            return None, 0.0
        point = np.clip(found.points[0, :n], self.lower, self.upper)
        value = -float(found.values[0] + found.gaps[0]) * (1.0 - 1e-12)
        multipliers = found.duals.toarray()[0, : len(rows)]
        value -= self.rounding * float(multipliers @ sizes)
        return (point if value < enough else None), max(value, 0.0)


Norm = Euclidean | Largest
