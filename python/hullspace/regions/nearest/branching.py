"""Best-first branch and bound for the nearest point where one function falls to 0.

A node is a set of bounds on the inputs of the units that may change sign; branching gives one of
them a sign. The dual solution of a node's bound confines all better points of the node to a ball,
in which the bounds of its children's units tighten.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.bounds.ascent import Duals, ascend, lower_bounds, start_slopes
from hullspace.bounds.relaxation import joined

if TYPE_CHECKING:
    from hullspace.bounds.norms import Zones
    from hullspace.regions.nearest.projections import Regions

_Floats = npt.NDArray[np.float64]

# Nodes that are branched on together: enough for matrix products, few enough to stay best first.
_BATCH = 16
# Steps of ascent: at the root, and at a node, which starts where its parent ended.
_ROOT_STEPS, _STEPS = 100, 12
# Share of the value below which what the lines cut off counts as nothing.
_TIGHT = 1e-9


@dataclass(order=True)
class Node:
    """Bounds of units' inputs, and the duals that bound the value."""

    value: float
    number: int
    low: _Floats = field(compare=False)
    high: _Floats = field(compare=False)
    alpha: _Floats = field(compare=False)
    beta: _Floats = field(compare=False)
    t: float = field(compare=False)
    unit: int = field(compare=False)


def _stacked(nodes: list[Node], name: str) -> _Floats:
    return np.array([getattr(node, name) for node in nodes])


class Branching:
    """The search of one function, by steps.

    Parameters
    ----------
    regions : Regions
        Model, function, norm, and the best point so far.
    low, high : (n_units,) float64
        Bounds of the units' inputs wherever points of interest may be.
    """

    def __init__(self, regions: Regions, low: _Floats, high: _Floats) -> None:
        self.regions = regions
        self.n_nodes = 0
        self._number = 0
        self._least = np.inf  # of what exact projection could not settle
        self.heap: list[Node] = []
        low, high = low[None], high[None]
        start = (start_slopes(regions.model, low, high), np.zeros_like(low), np.zeros(1))
        self._keep(low, high, self._ascend(low, high, start, _ROOT_STEPS), np.zeros(1))

    @property
    def open(self) -> bool:
        """Whether a node may hold a better point."""
        return bool(self.heap) and self.heap[0].value < self.regions.cut

    @property
    def value(self) -> float:
        """No point of interest has a value below; infinite once there is none."""
        return min(self.heap[0].value if self.heap else np.inf, self._least)

    def zones(self, nodes: list[Node]) -> Zones:
        """Return where better points of some nodes are."""
        regions = self.regions
        lines = regions.model.lines(
            regions.goal,
            *(_stacked(nodes, name) for name in ("low", "high", "alpha", "beta")),
        )
        return regions.norm.zones_of(lines, _stacked(nodes, "t"), regions.cut)

    def step(self) -> None:
        """Replace the best nodes by their children, as far as these may hold better points."""
        nodes: list[Node] = []
        while self.open and len(nodes) < _BATCH:
            nodes.append(heapq.heappop(self.heap))
        if not nodes:
            self.heap.clear()
            return
        kept = list(self.heap)
        try:
            self._branch(nodes)
        except BaseException:
            # An interrupted step has not happened.
            self.heap = kept + nodes
            heapq.heapify(self.heap)
            raise

    def _branch(self, nodes: list[Node]) -> None:
        n = len(nodes)
        twice = np.concatenate([np.arange(n), np.arange(n)])
        low, high, alpha, beta, t, values, unit = (
            _stacked(nodes, name)[twice]
            for name in ("low", "high", "alpha", "beta", "t", "value", "unit")
        )
        low[np.arange(n), unit[:n]] = 0.0
        high[np.arange(n, 2 * n), unit[:n]] = 0.0
        possible = self._tighten(low, high, self.zones(nodes).take(twice))
        low, high, alpha, beta, t, values = (
            part[possible] for part in (low, high, alpha, beta, t, values)
        )
        if len(low):
            self._keep(low, high, self._ascend(low, high, (alpha, beta, t), _STEPS), values)
        self.n_nodes += n

    def _ascend(
        self, low: _Floats, high: _Floats, start: tuple[_Floats, _Floats, _Floats], steps: int
    ) -> Duals:
        regions = self.regions
        model, goal, norm = regions.model, regions.goal, regions.norm
        return ascend(model, goal, low, high, start, norm, regions.cut, steps)

    def _tighten(self, low: _Floats, high: _Floats, zones: Zones) -> npt.NDArray[np.bool_]:
        """Improve bounds in place; tell where they leave a point possible."""
        model, norm = self.regions.model, self.regions.norm
        for block in model.blocks:
            child, unit = np.nonzero((low[:, block] < 0.0) & (high[:, block] > 0.0))
            if not len(child):
                continue
            unit += block.start
            goal = model.inputs.take(unit, block.start)
            both = np.concatenate([child, child])
            found = lower_bounds(
                model, joined([goal, -goal]), low[both], high[both], norm, zones.take(both), 1
            )
            low[child, unit] = np.maximum(low[child, unit], found[: len(child)])
            high[child, unit] = np.minimum(high[child, unit], -found[len(child) :])
        return np.asarray((low <= high).all(axis=1))

    def _keep(self, low: _Floats, high: _Floats, duals: Duals, least: _Floats) -> None:
        """Put nodes on the heap, unless they are settled."""
        regions = self.regions
        regions.descend(duals.points[int(duals.values.argmin())])
        values = np.maximum(duals.values, least)
        for k in np.flatnonzero(values < regions.cut).tolist():
            free = (low[k] < 0.0) & (high[k] > 0.0)
            value = float(values[k])
            if not free.any():
                start = duals.t[k] * np.append(duals.beta[k], 1.0)
                _, exact = regions.project(low[k] >= 0.0, start)
                value = max(value, exact)
                if value < regions.cut:
                    self._least = min(self._least, value)
                continue
            if duals.t[k] * duals.scores[k].sum() <= _TIGHT * regions.cut:
                regions.descend(duals.points[k])
                if value >= regions.cut:
                    continue
            unit = int(np.where(free, duals.scores[k] + 1e-300, -1.0).argmax())
            parts = (low[k], high[k], duals.alpha[k], duals.beta[k])
            self._number += 1
            heapq.heappush(self.heap, Node(value, self._number, *parts, float(duals.t[k]), unit))
