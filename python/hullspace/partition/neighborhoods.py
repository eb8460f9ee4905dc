"""Guaranteed neighbourhoods of single samples: balls, cubes and axis-aligned boxes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.partition.flips import BoundaryPoints, boundary_points
from hullspace.partition.regions import RegionDistances, region_distances
from hullspace.polyhedron import Polyhedron
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.partition.ties import Ties

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class GuaranteedBalls:
    """Balls around samples, as `DecisionPartition.guaranteed_balls` returns them.

    Attributes
    ----------
    centers : (n, n_features) float64
        The samples.
    radii : (n,) float64
        Within this distance every feature of the domain is of the sample's class: the proven
        distance to the nearest flip point or, for a sample outside of the domain, to the nearest
        region of another class. Infinity if there is none.
    classes : (n,) int64
        The class.
    status : (n,) int8
        OPTIMAL, EMPTY where the class has no boundary in the domain, or LIMIT.
    flips : BoundaryPoints
        The nearest flip points, which prove the radii of samples in the domain.
    outside : (n_outside,) int64
        Samples that are not in the domain.
    regions : RegionDistances
        Their distances to the regions, which prove theirs.
    """

    centers: _Floats
    radii: _Floats
    classes: _Ints
    status: npt.NDArray[np.int8]
    flips: BoundaryPoints = field(repr=False)
    outside: _Ints = field(repr=False)
    regions: RegionDistances = field(repr=False)

    def __len__(self) -> int:
        return len(self.radii)

    def __repr__(self) -> str:
        return f"GuaranteedBalls({len(self)} samples)"


def guaranteed_balls(ties: Ties, features: npt.ArrayLike, n_threads: int | None) -> GuaranteedBalls:
    """Find the largest guaranteed balls; see `DecisionPartition.guaranteed_balls`."""
    z = ties.as_features(features, "z")
    found = boundary_points(ties, z, "nearest", 2, n_threads)
    radii = np.maximum(found.distances - found.gaps, 0.0)
    # From outside of the domain one need not cross a boundary to come to another class.
    outside = np.flatnonzero(~ties.domain.polyhedron.contains(z))
    there = region_distances(ties, z[outside], n_threads)
    proven = np.maximum(there.distances - there.gaps, 0.0)
    proven[np.arange(len(outside)), found.predictions[outside]] = np.inf
    radii[outside] = proven.min(axis=1)
    return GuaranteedBalls(
        z, radii, found.predictions, found.status, found, outside.astype(np.int64), there
    )


@dataclass(frozen=True)
class Boxes:
    """Axis-aligned boxes around samples, as `DecisionPartition.largest_boxes` returns them.

    Attributes
    ----------
    lower, upper : (n, n_features) float64
        The box in the region and the domain that contains the sample and has the largest sum of
        widths; infinite where a feature may grow or fall for ever. NaN unless OPTIMAL.
    half_widths : (n,) float64
        Half the width of the largest cube around the sample that crosses no boundary, whether the
        domain ends in it or not: the distance to the nearest boundary in the largest coordinate.
    classes : (n,) int64
        The class of the sample, and so of everything in its box and cube.
    status : (n,) int8
        OPTIMAL; EMPTY where the sample is not in the domain; LIMIT.
    """

    lower: _Floats
    upper: _Floats
    half_widths: _Floats
    classes: _Ints
    status: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.half_widths)

    def __repr__(self) -> str:
        return f"Boxes({len(self)} samples)"


def largest_boxes(ties: Ties, features: npt.ArrayLike, n_threads: int | None) -> Boxes:
    """Find boxes by linear programming; see `DecisionPartition.largest_boxes`."""
    z = ties.as_features(features, "z")
    classes = ties.logits(z).argmax(axis=1).astype(np.int64)
    shape = z.shape
    lower, upper = np.full(shape, np.nan), np.full(shape, np.nan)
    half_widths, status = np.full(len(z), np.inf), np.full(len(z), Status.EMPTY, dtype=np.int8)
    for c in np.unique(classes):
        region = ties.top((int(c),))
        rows = np.flatnonzero(classes == c)
        half_widths[rows] = _half_widths(ties, region, z[rows])
        inside = rows[region.contains(z[rows])]
        program = _BoxProgram.of(region)
        for i in inside:
            lower[i], upper[i], status[i] = program.solve(z[i], n_threads)
    return Boxes(lower, upper, half_widths, classes, status)


def _half_widths(ties: Ties, region: Polyhedron, z: _Floats) -> _Floats:
    """How far all coordinates may move before another class ties, the domain aside."""
    n_rows = ties.n_classes - 1  # the domain's rows come after those of the classes
    A, b = region.A[:n_rows], region.b[:n_rows]
    lengths = np.abs(A).sum(axis=1)
    margins = np.maximum(b - z @ A.T, 0.0)
    # A class of equal weights ties everywhere or nowhere.
    everywhere = np.where(b > 0.0, np.inf, 0.0)
    widths = np.where(lengths > 0.0, margins / np.where(lengths > 0.0, lengths, 1.0), everywhere)
    result: _Floats = widths.min(axis=1, initial=np.inf)
    return result


@dataclass(frozen=True)
class _BoxProgram:
    """Largest boxes in one polyhedron: how far down and up each feature may go from a point.

    A box lies in a half-space if its farthest corner does: ``max(a, 0) @ up + max(-a, 0) @ down``
    is at most the point's slack. All coefficients are nonnegative, so a move is unlimited if and
    only if it occurs in no row.
    """

    region: Polyhedron
    rows: _Floats  # coefficients of the moves, down then up, that are limited but possible
    limited: npt.NDArray[np.bool_]
    fixed: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, region: Polyhedron) -> _BoxProgram:
        moves = np.hstack([np.maximum(-region.A, 0.0), np.maximum(region.A, 0.0)])
        # A feature that occurs in an equality cannot move at all.
        fixed = np.tile((region.E != 0.0).any(axis=0), 2)
        limited = moves.any(axis=0) & ~fixed
        return cls(region, moves[:, limited], limited, fixed)

    def solve(self, point: _Floats, n_threads: int | None) -> tuple[_Floats, _Floats, Status]:
        """Return lower and upper bounds of the largest box around a point."""
        n, n_moves = len(point), self.rows.shape[1]
        moves = np.where(self.fixed, 0.0, np.inf)
        if n_moves:
            slack = np.maximum(self.region.b - self.region.A @ point, 0.0)
            program = Polyhedron(
                np.vstack([self.rows, -np.eye(n_moves)]),
                np.concatenate([slack, np.zeros(n_moves)]),
            )
            found = program.support(np.ones((1, n_moves)), n_threads=n_threads)
            if found.status[0] != Status.OPTIMAL:
                return np.full(n, np.nan), np.full(n, np.nan), Status.LIMIT
            moves[self.limited] = np.maximum(found.points[0], 0.0)
        return point - moves[:n], point + moves[n:], Status.OPTIMAL
