"""Exact signs of affine functions at points, and which of several is the largest.

Every number counts as the binary fraction that it is. A sum of n products in double precision is
wrong by at most ``n u / (1 - n u)`` times the sum of the products' sizes, with ``u = 2**-53`` [1]_;
what that bound leaves open is computed in integers.

References
----------
.. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM 2002,
   section 3.1.
"""

from __future__ import annotations

import numpy as np

from hullspace.certificates.integers import to_integers, unit_exponent
from hullspace.certificates.rounding import Bools, Floats, Ints, Rows, gamma

_BLOCK = 4096
# Sizes between which no product of two numbers over- or underflows.
_TINY, _HUGE = 2.0**-500, 2.0**500


def never_positive(rows: Floats, points: Floats) -> Bools:
    """Whether ``rows @ point <= 0`` holds exactly for every row, one answer a point.

    Parameters
    ----------
    rows : (n_rows, n_terms) float64
        Coefficients.
    points : (n_points, n_terms) float64
        Points, constant terms included.
    """
    if not len(rows):
        return np.ones(len(points), dtype=bool)
    blocks = [
        _never_positive(rows, points[start : start + _BLOCK])
        for start in range(0, len(points), _BLOCK)
    ]
    return np.concatenate([np.zeros(0, dtype=bool), *blocks])


def _never_positive(rows: Floats, points: Floats) -> Bools:
    if _may_overflow(rows, points):
        open_pairs = np.ones((len(points), len(rows)), dtype=bool)
        sound = open_pairs.copy()
    else:
        bound = gamma(rows.shape[1] + 2) * (np.abs(points) @ np.abs(rows).T)
        values = points @ rows.T
        sound = values <= bound
        open_pairs = sound & (values > -bound)
    undecided = np.argwhere(open_pairs)
    exact = _exactly_never_positive(rows, points, undecided)
    sound[tuple(undecided.T)] = exact
    return np.asarray(sound.all(axis=1))


def _may_overflow(*arrays: Floats) -> bool:
    sizes = np.concatenate([np.abs(array[array != 0.0]) for array in arrays])
    return bool(((sizes < _TINY) | (sizes > _HUGE)).any())


def _exactly_never_positive(rows: Floats, points: Floats, pairs: Rows) -> Bools:
    """Decide pairs of a point and a row in integers."""
    used_points, at = np.unique(pairs[:, 0], return_inverse=True)
    used_rows, of = np.unique(pairs[:, 1], return_inverse=True)
    whole_points = to_integers(points[used_points], unit_exponent(points[used_points]))
    whole_rows = to_integers(rows[used_rows], unit_exponent(rows[used_rows]))
    signs = [whole_points[p] @ whole_rows[r] <= 0 for p, r in zip(at, of, strict=True)]
    return np.array(signs, dtype=bool)


def class_rows(weight: Floats, bias: Floats, c: int) -> Floats:
    """Rows that are never positive where the logit of c is at the top; no difference is rounded.

    They go with the points of `doubled`.
    """
    others = [j for j in range(len(bias)) if j != c]
    own = np.tile(np.append(weight[c], bias[c]), (len(others), 1))
    return np.hstack([weight[others], bias[others, None], -own])


def doubled(points: Floats) -> Floats:
    """Return points with a constant term, twice over."""
    once = np.hstack([points, np.ones((len(points), 1))])
    return np.hstack([once, once])


def in_domain(A: Floats, b: Floats, E: Floats, d: Floats, points: Floats) -> Bools:
    """Whether points satisfy ``A x <= b`` and ``E x = d`` exactly."""
    inequalities = np.hstack([A, -b[:, None]])
    equalities = np.hstack([E, -d[:, None]])
    rows = np.vstack([inequalities, equalities, -equalities])
    return never_positive(rows, np.hstack([points, np.ones((len(points), 1))]))


def winners(weight: Floats, bias: Floats, points: Floats) -> Ints:
    """Class with the largest logit in exact arithmetic; the lowest index of those that tie."""
    logits = points @ weight.T + bias
    best: Ints = logits.argmax(axis=1).astype(np.int64)
    sizes = np.abs(points) @ np.abs(weight).T + np.abs(bias)
    doubt = gamma(2 * (weight.shape[1] + 2)) * sizes
    own = np.arange(len(points))
    certain = logits + doubt < (logits - doubt)[own, best, None]
    certain[own, best] = True
    rows = np.flatnonzero(~certain.all(axis=1))
    if len(rows):
        head = np.column_stack([weight, bias])
        whole_head = to_integers(head, unit_exponent(head))
        closed = np.column_stack([points[rows], np.ones(len(rows))])
        whole = to_integers(closed, unit_exponent(closed))
        best[rows] = [int(np.argmax(whole_head @ point)) for point in whole]
    return best
