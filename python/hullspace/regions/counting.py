"""How many linear regions are near an input."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_norm, as_positive, require_count
from hullspace.bounds.norms import Euclidean
from hullspace.networks import pack
from hullspace.polyhedron import Polyhedron
from hullspace.polyhedron.rows import unit_rows
from hullspace.regions.arguments import Domain, as_box, as_network, as_point, as_polyhedron
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hullspace.networks import ReluNetwork

__all__ = ["RegionCount", "count_regions"]

_Floats = npt.NDArray[np.float64]
_Bits = npt.NDArray[np.bool_]

# A region counts if a ball of this share of the radius fits into its part of the ball.
_MARGIN = 1e-9


@dataclass(frozen=True)
class RegionCount:
    """How many linear regions meet a ball, as `count_regions` returns it.

    Attributes
    ----------
    count : int
        Regions found; there are more if the status is `LIMIT`.
    patterns : (count, ceil(n_hidden / 8)) uint8
        Their packed activation patterns.
    points : (count, n_inputs) float64
        For each a point in its interior and in the ball.
    status : Status
        `OPTIMAL` if these are all, `LIMIT` if a limit came first.
    """

    count: int
    patterns: npt.NDArray[np.uint8] = field(repr=False)
    points: _Floats = field(repr=False)
    status: Status


def count_regions(
    network: ReluNetwork,
    x: npt.ArrayLike,
    radius: float,
    norm: float = 2,
    domain: Domain = None,
    max_regions: int | None = None,
    time_limit: float | None = None,
) -> RegionCount:
    """Count the linear regions that meet the open ball around an input.

    The ball is split unit by unit, stage by stage, wherever a unit's hyperplane cuts the part at
    hand: a nearest-point problem decides unless a known point does.

    Parameters
    ----------
    network : ReluNetwork
        The network.
    x : array of the network's input shape
        The ball's centre.
    radius : float
        Its radius.
    norm : 2 or numpy.inf, default 2
        What the radius is measured in: a ball or a box.
    domain : (lower, upper), Polyhedron or None
        Only regions that meet the ball within it count; all by default.
    max_regions : int, optional
        Stop once so many are found.
    time_limit : float, optional
        Stop after so many seconds.

    Returns
    -------
    RegionCount
        Number, patterns, and a point of each.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values.

    Notes
    -----
    Parts in which no ball of 1e-9 times the radius fits are not counted.

    Examples
    --------
    >>> import hullspace
    >>> network = hullspace.ReluNetwork.from_arrays(
    ...     [[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]]], [[0, 0], [0]]
    ... )
    >>> [hullspace.regions.count_regions(network, [0.5, 0.5], r).count for r in (0.4, 0.6, 0.8)]
    [1, 3, 4]
    """
    model = as_network(network)
    center = as_point(x, model)
    reach = as_positive(radius, "radius")
    if not np.isfinite(reach):
        raise ValueError(f"radius must be finite, got {radius}")
    euclidean = as_norm(norm) == 2.0
    if max_regions is not None:
        require_count(max_regions, "max_regions")
    limit = np.inf if time_limit is None else as_positive(time_limit, "time_limit")
    splitting = _Splitting(model, center, reach, domain, euclidean=euclidean)
    start, most = time.perf_counter(), np.inf if max_regions is None else max_regions
    bits: list[_Bits] = []
    points: list[_Floats] = []
    status = Status.OPTIMAL
    for found in splitting.parts():
        if time.perf_counter() - start > limit or (found is not None and len(bits) >= most):
            status = Status.LIMIT
            break
        if found is not None:
            bits.append(found[0])
            points.append(found[1])
    patterns = pack(np.array(bits, dtype=bool).reshape(len(bits), model.n_hidden))
    return RegionCount(
        len(bits), patterns, center + np.array(points).reshape(len(bits), model.n_inputs), status
    )


@dataclass(frozen=True)
class _Part:
    """A convex part of the ball: constraints within the box, a point inside, and how it began."""

    rows: _Floats
    bounds: _Floats
    point: _Floats
    bits: _Bits
    maps: tuple[_Floats, ...]  # of the input and the stages so far, (n_inputs + 1, n_units) each


_END = object()


class _Splitting:
    """Splits the ball; all points are relative to its centre."""

    def __init__(
        self,
        network: ReluNetwork,
        center: _Floats,
        radius: float,
        domain: Domain,
        *,
        euclidean: bool,
    ) -> None:
        n = network.n_inputs
        self.network, self.center = network, center
        self.margin = _MARGIN * radius
        self.rows, self.bounds = np.zeros((0, n)), np.zeros(0)
        lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
        body = as_polyhedron(domain, network)
        if isinstance(domain, Polyhedron) and body is not None:
            self.rows, bounds = unit_rows(body.A, body.b)
            self.bounds = bounds - self.rows @ center - self.margin
        elif not isinstance(domain, Polyhedron):
            ends = as_box(domain, network)
            lower, upper = ends[0] - center + self.margin, ends[1] - center - self.margin
        self.radius = radius
        if euclidean:
            self.enough = 0.5 * (radius - self.margin) ** 2
        else:
            lower = np.maximum(lower, self.margin - radius)
            upper = np.minimum(upper, radius - self.margin)
            self.enough = 0.5 * n * (2.0 * radius) ** 2
        self.euclidean = euclidean
        self.empty = bool((lower > upper).any())
        self.norm = Euclidean(lower, upper, 0.0)

    def inside(self, rows: _Floats, bounds: _Floats) -> _Floats | None:
        """Find a point that keeps a distance from all constraints, if there is one."""
        if not len(rows):
            rows, bounds = np.zeros((1, len(self.center))), np.zeros(1)
        nothing = np.zeros(len(rows))
        point, _ = self.norm.project(rows, bounds, nothing, nothing, self.enough)
        if point is None or (rows @ point - bounds > 0.5 * self.margin).any():
            return None
        return point

    def parts(self) -> Iterator[tuple[_Bits, _Floats] | None]:
        """Yield pattern and point of every region, and None after every step."""
        point = None if self.empty else self.inside(self.rows, self.bounds)
        if point is None:
            return
        n = self.network.n_inputs
        first = np.vstack([np.eye(n), self.center])
        root = _Part(self.rows, self.bounds, point, np.zeros(0, dtype=bool), (first,))
        if len(self.network.stages) == 1:
            yield root.bits, root.point
            return
        stack = [self.children(root)]
        while stack:
            part = next(stack[-1], _END)
            if part is _END:
                stack.pop()
            elif not isinstance(part, _Part):
                yield None
            elif len(part.maps) == len(self.network.stages):
                yield part.bits, part.point
            else:
                stack.append(self.children(part))

    def children(self, part: _Part) -> Iterator[_Part | None]:
        """Split a part by the units of the next stage; yield None after every step."""
        stage = self.network.stages[len(part.maps) - 1]
        total = np.zeros((self.network.n_inputs + 1, stage.n_units))
        total[-1] = stage.bias
        for term in stage.terms:
            total += term.operator.apply(part.maps[term.source])
        units = stage.hidden
        normals, offsets = unit_rows(np.ascontiguousarray(total[:-1, units].T), total[-1, units])
        sizes = np.linalg.norm(normals, ord=2 if self.euclidean else 1, axis=1)
        cutting = np.flatnonzero(np.abs(offsets) < self.radius * sizes)
        cells = [(part.rows, part.bounds, part.point, offsets > 0.0)]
        while cells:
            rows, bounds, point, bits = cells.pop()
            done = len(rows) - len(part.rows)
            if done == len(cutting):
                factors = np.ones(stage.n_units)
                factors[units] = np.where(bits, 1.0, stage.slopes[units])
                yield _Part(
                    rows,
                    bounds,
                    point,
                    np.concatenate([part.bits, bits]),
                    (*part.maps, factors * total),
                )
                continue
            unit = cutting[done]
            for on in (False, True):
                sign = -1.0 if on else 1.0
                row, bound = sign * normals[unit], -sign * offsets[unit] - self.margin
                more, ends = np.vstack([rows, row]), np.append(bounds, bound)
                there = point if row @ point <= bound else self.inside(more, ends)
                if there is not None:
                    flags = bits.copy()
                    flags[unit] = on
                    cells.append((more, ends, there, flags))
                yield None
