"""The nearest point of a box and a few constraints, by Newton's method on the multipliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

_Floats = npt.NDArray[np.float64]

_STEPS, _HALVINGS = 200, 40
# The optimum's conditions hold to this; values that differ by less say nothing.
_ACCURATE, _EQUAL = 1e-13, 1e-14


@dataclass(frozen=True)
class _State:
    """Multipliers, their point, and the dual's value and gradient."""

    v: _Floats
    y: _Floats
    value: float
    excess: _Floats

    @property
    def error(self) -> float:
        """How far the conditions of an optimum are from being met."""
        broken = float(self.excess.max(initial=0.0))
        return max(broken, float(np.abs(self.excess[self.v > 0.0]).max(initial=0.0)))

    def improves(self, other: _State) -> bool:
        """Whether the value is larger, or as large with the conditions more nearly met."""
        if self.value > other.value + _EQUAL * abs(other.value):
            return True
        equal = self.value >= other.value - _EQUAL * abs(other.value)
        return equal and self.error < 0.5 * other.error


def maximize_dual(
    rows: _Floats,
    bounds: _Floats,
    slack: _Floats,
    box: tuple[_Floats, _Floats],
    start: _Floats,
    enough: float,
) -> tuple[_Floats, _Floats]:
    """Maximize the dual of ``min |y|^2 / 2`` where ``rows @ y <= bounds`` in a box around 0.

    For multipliers v the best point is ``clip(-rows.T @ v)``, so the dual is concave and piecewise
    quadratic in as many variables as there are rows: Newton steps that end where a multiplier falls
    to zero. Stops early once the value is enough even if the constraints are wrong by the slack.

    Returns
    -------
    multipliers, point
        Any multipliers prove a value; the point is feasible once they are optimal.
    """
    lower, upper = box

    def state(v: _Floats) -> _State:
        y = np.clip(-(v @ rows), lower, upper)
        excess = rows @ y - bounds
        return _State(v, y, float(0.5 * (y @ y) + v @ excess), excess)

    best = state(np.maximum(start, 0.0))
    size = 1.0 + np.abs(bounds).max(initial=0.0)
    for _ in range(_STEPS):
        if best.value - best.v @ slack >= enough or best.error <= _ACCURATE * size:
            break
        before, best = best, _along(state, best, _newton(rows, lower, upper, best))
        if best is before:
            break
    return best.v, best.y


def _along(state: Callable[[_Floats], _State], before: _State, direction: _Floats) -> _State:
    """Return a better state in a direction, as far as a multiplier falls to zero; or the same."""
    falling = direction < 0.0
    ends = np.full(len(direction), np.inf)
    np.divide(before.v, -direction, out=ends, where=falling)
    step = min(1.0, float(ends.min(initial=np.inf)))
    best = before
    for _ in range(_HALVINGS):
        v = np.maximum(before.v + step * direction, 0.0)
        v[ends <= step] = 0.0
        trial = state(v)
        if not trial.improves(best):
            if best is not before:
                break
            step *= 0.5
            continue
        best = trial
        if step < 1.0 or falling.any():
            break
        # Towards infinity, if there is no point, in few steps.
        step *= 4.0
    return best


def _newton(rows: _Floats, lower: _Floats, upper: _Floats, at: _State) -> _Floats:
    """Return Newton's direction in the multipliers that are positive or should become so."""
    free = (at.y > lower) & (at.y < upper)
    used = np.flatnonzero((at.v > 0.0) | (at.excess > 0.0))
    while True:
        inner = rows[np.ix_(used, free)]
        hessian = inner @ inner.T
        hessian[np.diag_indices_from(hessian)] += 1e-12 * (1.0 + np.trace(hessian))
        found = np.linalg.solve(hessian, at.excess[used])
        stuck = (at.v[used] == 0.0) & (found < 0.0)
        if not stuck.any():
            direction = np.zeros(len(rows))
            direction[used] = found
            return direction
        used = used[~stuck]
