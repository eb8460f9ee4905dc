"""Ascent over slopes and multipliers, which makes linear bounds better (Adam's steps)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.bounds.relaxation import Functions, joined

if TYPE_CHECKING:
    from hullspace.bounds.norms import Norm, Zones
    from hullspace.bounds.relaxation import Lines, Model

_Floats = npt.NDArray[np.float64]

# D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", 2015; the usual decays.
_FIRST, _SECOND = 0.9, 0.99
# Elements of a matrix that is worked on at a time: it stays in a core's cache.
_CHUNK = 2**17


class _Adam:
    """Directions of ascent with a size of about 1, element by element or row by row."""

    def __init__(self, shape: tuple[int, ...], *, by_row: bool) -> None:
        self.mean, self.square = np.zeros(shape), np.zeros(shape)
        self.by_row, self.count = by_row, 0

    def step(self, gradient: _Floats) -> _Floats:
        self.count += 1
        self.mean += (1.0 - _FIRST) * (gradient - self.mean)
        self.square += (1.0 - _SECOND) * (gradient * gradient - self.square)
        size = self.square / (1.0 - _SECOND**self.count)
        if self.by_row:
            size = size.max(axis=1, keepdims=True, initial=0.0)
        found: _Floats = self.mean / (1.0 - _FIRST**self.count) / (np.sqrt(size) + 1e-30)
        return found

    def keep(self, which: npt.NDArray[np.bool_]) -> None:
        self.mean, self.square = self.mean[which], self.square[which]


def start_slopes(model: Model, low: _Floats, high: _Floats) -> _Floats:
    """Slope of the lines that cut off less, for each unit."""
    m = low.shape[-1]
    return np.where(high > -low, 1.0, np.broadcast_to(model.slopes[:m], low.shape))


def _slope_ranges(model: Model, m: int) -> tuple[_Floats, _Floats]:
    return np.minimum(model.slopes[:m], 1.0), np.maximum(model.slopes[:m], 1.0)


def lower_bounds(
    model: Model,
    goal: Functions,
    low: _Floats,
    high: _Floats,
    norm: Norm,
    zones: Zones,
    steps: int,
) -> _Floats:
    """Bound functions from below in zones, each with slopes of its own."""
    n, m = goal.z_rows.shape
    low, high = np.atleast_2d(low[..., :m]), np.atleast_2d(high[..., :m])
    alpha = np.tile(start_slopes(model, low, high), (n // len(low), 1))
    nothing = np.zeros((1, m))
    least, most = _slope_ranges(model, m)
    adam = _Adam((n, m), by_row=False)
    best = np.full(n, -np.inf)
    for step in range(steps):
        lines = model.lines(goal, low, high, alpha, nothing)
        values, y = norm.lowest(lines, zones, 3)
        best = np.maximum(best, values)
        if step + 1 < steps:
            a, _ = model.values(y, lines)
            gradient = np.where(_convex_side(model, lines), lines.weights * a, 0.0)
            alpha = np.clip(alpha + 0.2 * 0.9**step * adam.step(gradient), least, most)
    return best


def both_bounds(
    model: Model,
    goal: Functions,
    low: _Floats,
    high: _Floats,
    norm: Norm,
    zones: Zones,
    steps: int,
) -> tuple[_Floats, _Floats]:
    """Bound functions from below and above in one zone, a part at a time."""
    size = max(_CHUNK // max(2 * goal.z_rows.shape[1], 1), 1)
    found = [np.zeros((2, 0))]
    for first in range(0, len(goal), size):
        part = goal.take(np.arange(first, min(first + size, len(goal))))
        both = joined([part, -part])
        found.append(lower_bounds(model, both, low, high, norm, zones, steps).reshape(2, -1))
    lower, upper = np.concatenate(found, axis=1)
    return lower, -upper


def _convex_side(model: Model, lines: Lines) -> npt.NDArray[np.bool_]:
    m = lines.weights.shape[1]
    found: npt.NDArray[np.bool_] = np.where(
        model.slopes[:m] <= 1.0, lines.weights > 0.0, lines.weights < 0.0
    )
    return found


@dataclass
class Duals:
    """Slopes and multipliers of a batch of nodes, what they prove, and where to branch.

    `values` are certain lower bounds; `scores` tell how much the units' lines cut off at `points`.
    """

    alpha: _Floats
    beta: _Floats
    t: _Floats
    values: _Floats
    points: _Floats
    scores: _Floats

    @classmethod
    def at_start(cls, alpha: _Floats, beta: _Floats, t: _Floats, n_inputs: int) -> Duals:
        """Return what is known before the first step: nothing."""
        n = len(t)
        nothing = np.full(n, -np.inf), np.zeros((n, n_inputs)), np.zeros(alpha.shape)
        return cls(alpha.copy(), beta.copy(), t.copy(), *nothing)

    def improve(self, nodes: npt.NDArray[np.intp], found: Duals) -> None:
        """Take what was found for some nodes where it proves more."""
        better = found.values > self.values[nodes]
        for name in ("alpha", "beta", "t", "values", "points", "scores"):
            getattr(self, name)[nodes[better]] = getattr(found, name)[better]


def ascend(
    model: Model,
    goal: Functions,
    low: _Floats,
    high: _Floats,
    start: tuple[_Floats, _Floats, _Floats],
    norm: Norm,
    enough: float,
    steps: int,
) -> Duals:
    """Bound the distance to where a function is at most 0, for a batch of nodes.

    Parameters
    ----------
    goal : Functions
        One function, or one for each node.
    low, high : (n, n_units) float64
        Bounds of the units' inputs in each node.
    start : (alpha, beta, t)
        Where to start.
    enough : float
        A value that needs no improvement.
    """
    alpha, beta, t = (part.copy() for part in start)
    least, most = _slope_ranges(model, alpha.shape[1])
    adam, adam_beta = _Adam(alpha.shape, by_row=False), _Adam(alpha.shape, by_row=True)
    free = (low < 0.0) & (high > 0.0)
    signs = np.where(free, 0.0, np.where(low >= 0.0, 1.0, -1.0))
    best = Duals.at_start(alpha, beta, t, goal.x_rows.shape[1])
    active = np.arange(len(t))
    for step in range(steps):
        goals = goal if len(goal) == 1 else goal.take(active)
        lines = model.lines(goals, low[active], high[active], alpha, beta)
        t, y, values = norm.nearest(lines, t, 6 if step == 0 else 2)
        a, z = model.values(y, lines)
        cut_off = np.abs(lines.weights * (z - np.where(a > 0.0, a, model.slopes * a)))
        scores = np.where(free[active], cut_off, 0.0)
        best.improve(active, Duals(alpha, beta, t, values, y, scores))
        if step == 0:
            units = np.linalg.norm(lines.normals, axis=1)[:, None] / model.steepness
        on = best.values[active] < enough
        if step + 1 == steps or not on.any():
            break
        decay = 0.97**step
        gradient = np.where(_convex_side(model, lines) & free[active], lines.weights * a, 0.0)
        alpha = np.clip(alpha + 0.1 * decay * adam.step(gradient), least, most)
        move = 0.1 * decay * units * adam_beta.step(-signs[active] * a * units)
        beta = np.maximum(0.0, beta + move) * (signs[active] != 0.0)
        if not on.all():
            active, alpha, beta, t, units = active[on], alpha[on], beta[on], t[on], units[on]
            adam.keep(on)
            adam_beta.keep(on)
    return best
