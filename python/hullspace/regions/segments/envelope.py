"""Which class has the largest logit along a path on which the logits are piecewise affine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hullspace.regions.segments.walker import SAME_PLACE

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]

# Logits that are compared at a time.
_BLOCK = 2**21


def class_changes(t: _Floats, logits: _Floats, noise: _Floats) -> tuple[_Floats, _Ints]:
    """Return where the class changes, (m,), and the classes between, (m + 1,).

    The logits, (n_knots, n_classes), are affine between consecutive knots `t`, (n_knots,), at
    least two. Of classes whose logits agree all along a piece, up to `noise`, the lowest counts. A
    single logit is that of class 1, against zero.
    """
    if logits.shape[1] == 1:
        logits = np.column_stack([np.zeros_like(logits), logits])
    starts, classes = [], []
    step = max(_BLOCK // logits.shape[1], 1)
    for first in range(0, len(t) - 1, step):
        ends = slice(first, min(first + step, len(t) - 1) + 1)
        found = _pieces(t[ends], logits[ends], noise[ends])
        starts.append(found[0])
        classes.append(found[1])
    at, labels = np.concatenate(starts), np.concatenate(classes)
    # An interval without length counts nowhere, nor does a change to the same class.
    kept = np.append(at[1:] - at[:-1] > SAME_PLACE, True) & (t[-1] - at > SAME_PLACE)
    at, labels = at[kept], labels[kept]
    new = np.append(True, labels[1:] != labels[:-1])
    return at[new][1:], labels[new]


def _pieces(t: _Floats, logits: _Floats, noise: _Floats) -> tuple[_Floats, _Ints]:
    """Return beginnings of intervals and the classes on them: the upper envelope of each piece."""
    left, right, doubt = logits[:-1], logits[1:], noise[1:]
    rows = np.arange(len(left))
    current = _highest(right, left >= (left.max(axis=1) - noise[:-1])[:, None], doubt)
    shares = np.zeros(len(rows))
    found = []
    while len(rows):
        found.append((rows, t[rows] + shares * (t[rows + 1] - t[rows]), current))
        # Where the current class is not overtaken before the end of the piece, all is said.
        own = right[rows, current]
        busy = right[rows].max(axis=1) > own + doubt[rows]
        rows, shares, current = rows[busy], shares[busy], current[busy]
        shares, current = _overtaken(left[rows], right[rows], doubt[rows], shares, current)
    rows, starts, classes = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((starts, rows))
    return starts[order], classes[order]


def _overtaken(
    left: _Floats, right: _Floats, doubt: _Floats, shares: _Floats, current: _Ints
) -> tuple[_Floats, _Ints]:
    """Return where in their pieces the current classes are overtaken first, and by which."""
    rows = np.arange(len(left))
    behind = left[rows, current][:, None] - left
    ahead = right - right[rows, current][:, None]
    able = ahead > doubt[:, None]
    gains = np.where(able, np.maximum(behind, 0.0) + ahead, 1.0)
    when = np.where(able, np.maximum(behind / gains, shares[:, None]), np.inf)
    slack = doubt[:, None] / gains
    first = when.min(axis=1, initial=np.inf)
    return first, _highest(right, when - slack <= first[:, None], doubt)


def _highest(values: _Floats, allowed: _Bools, doubt: _Floats) -> _Ints:
    """Return the lowest of the allowed classes whose values are the largest up to `doubt`."""
    masked = np.where(allowed, values, -np.inf)
    top = masked >= (masked.max(axis=1, initial=-np.inf) - doubt)[:, None]
    lowest: _Ints = np.argmax(top, axis=1).astype(np.int64)
    return lowest
