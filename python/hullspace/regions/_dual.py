"""The nearest point of a box and a few constraints, by Newton's method on the multipliers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]

_STEPS = 200


def maximize_dual(
    rows: _Floats, bounds: _Floats, lower: _Floats, upper: _Floats, start: _Floats, enough: float
) -> tuple[_Floats, _Floats]:
    """Maximize the dual of ``min |y|^2 / 2`` where ``rows @ y <= bounds`` in a box around 0.

    For multipliers v the best point is ``clip(-rows.T @ v)``, so the dual is concave and piecewise
    quadratic in as many variables as there are rows: projected Newton steps (D. P. Bertsekas,
    "Projected Newton methods for optimization problems with simple constraints", SIAM Journal on
    Control and Optimization 20, 1982). Stops early once the value is enough.

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
        # Rows that press against nothing stay out; a multiplier about to fall to 0 goes there.
        used = (v > 0.0) | (excess > 0.0)
        direction = _newton(rows, y, lower, upper, excess, used)
        step, best = 1.0, (value, v, y)
        for _ in range(40):
            trial = np.maximum(v + step * direction, 0.0)
            found, point = evaluate(trial)
            if found > best[0]:
                best = found, trial, point
                if step < 1.0:
                    break
                # Towards infinity, if there is no point, in few steps.
                step *= 4.0
            elif step > 1.0:
                break
            else:
                step *= 0.5
        if best[0] <= value:
            break
        value, v, y = best
    return v, y


def _open(v: _Floats, excess: _Floats, tolerance: float) -> bool:
    """Whether the conditions of an optimum are not yet met."""
    return bool((excess > tolerance).any() or (np.abs(excess[v > 0.0]) > tolerance).any())


def _newton(
    rows: _Floats,
    y: _Floats,
    lower: _Floats,
    upper: _Floats,
    excess: _Floats,
    used: npt.NDArray[np.bool_],
) -> _Floats:
    """Newton's direction in the multipliers of the rows in use."""
    free = (y > lower) & (y < upper)
    inner = rows[np.ix_(used, free)]
    hessian = inner @ inner.T
    hessian[np.diag_indices_from(hessian)] += 1e-10 * (1.0 + np.trace(hessian))
    direction = np.zeros(len(rows))
    direction[used] = np.linalg.solve(hessian, excess[used])
    return direction
