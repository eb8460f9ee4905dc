"""The nearest point of a box and a few constraints, by Newton's method on the multipliers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]

_STEPS, _HALVINGS = 200, 40


def maximize_dual(
    rows: _Floats, bounds: _Floats, lower: _Floats, upper: _Floats, start: _Floats, enough: float
) -> tuple[_Floats, _Floats]:
    """Maximize the dual of ``min |y|^2 / 2`` where ``rows @ y <= bounds`` in a box around 0.

    For multipliers v the best point is ``clip(-rows.T @ v)``, so the dual is concave and piecewise
    quadratic in as many variables as there are rows: Newton steps that end where a
    multiplier falls to zero. Stops early once the value is enough.

    Returns
    -------
    multipliers, point
        Any multipliers prove a value; the point is feasible once they are optimal.
    """

    def evaluate(v: _Floats) -> tuple[float, _Floats]:
        y = np.clip(-(v @ rows), lower, upper)
        return float(0.5 * (y @ y) + v @ (rows @ y - bounds)), y

    v = np.maximum(start, 0.0)
    value, y = evaluate(v)
    size = 1.0 + np.abs(bounds).max(initial=0.0)
    for _ in range(_STEPS):
        excess = rows @ y - bounds
        if value >= enough or not _open(v, excess, 1e-13 * size):
            break
        direction = _newton(rows, y, lower, upper, excess, v)
        falling = direction < 0.0
        step = min(1.0, float((v[falling] / -direction[falling]).min(initial=np.inf)))
        best = (value, v, y)
        for _ in range(_HALVINGS):
            trial = np.maximum(v + step * direction, 0.0)
            # Multipliers that the step ends on are exactly zero.
            trial[falling & (trial < 1e-14 * v.max(initial=0.0))] = 0.0
            found, point = evaluate(trial)
            if found <= best[0]:
                if step > 1.0 or best[0] > value:
                    break
                step *= 0.5
                continue
            best = found, trial, point
            if step < 1.0 or falling.any():
                break
            # Towards infinity, if there is no point, in few steps.
            step *= 4.0
        if best[0] <= value:
            break
        value, v, y = best
    return v, y


def _open(v: _Floats, excess: _Floats, tolerance: float) -> bool:
    """Whether the conditions of an optimum are not yet met."""
    return bool((excess > tolerance).any() or (np.abs(excess[v > 0.0]) > tolerance).any())


def _newton(
    rows: _Floats, y: _Floats, lower: _Floats, upper: _Floats, excess: _Floats, v: _Floats
) -> _Floats:
    """Return Newton's direction in the multipliers that are positive or should become so."""
    free = (y > lower) & (y < upper)
    used = np.flatnonzero((v > 0.0) | (excess > 0.0))
    while True:
        inner = rows[np.ix_(used, free)]
        hessian = inner @ inner.T
        hessian[np.diag_indices_from(hessian)] += 1e-12 * (1.0 + np.trace(hessian))
        found = np.linalg.solve(hessian, excess[used])
        stuck = (v[used] == 0.0) & (found < 0.0)
        if not stuck.any():
            direction = np.zeros(len(rows))
            direction[used] = found
            return direction
        used = used[~stuck]
