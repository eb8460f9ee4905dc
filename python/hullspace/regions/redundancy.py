"""Which rows of a polyhedron matter, where many rows depend on no others.

A row that is no combination of others cannot help to imply another one: by Farkas' lemma its
multiplier would have to vanish. So it matters, and the others can be judged without it, in one
dimension less. Rows like that have a leverage of 1: the diagonal of the projection onto the
columns' span.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import linalg

from hullspace.polyhedron import Irredundant, Polyhedron
from hullspace.polyhedron.rows import unit_rows

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# A row's leverage is 1 to this, and singular values below this count as 0, relative to the largest.
_ROUNDING = 1e-10


def irredundant_rows(
    polyhedron: Polyhedron, interior: _Floats, n_threads: int | None = None
) -> Irredundant:
    """Find the rows that matter, given a point of the polyhedron."""
    rows, bounds = unit_rows(polyhedron.A, polyhedron.b)
    slack = bounds - rows @ interior
    left = np.flatnonzero(rows.any(axis=1))
    rounds: list[tuple[_Ints, _Floats]] = []
    witnesses: list[_Floats] = []
    while len(left):
        basis, directions = _independent(rows[left])
        steps = _steps(rows[left], slack[left], directions)
        alone = np.flatnonzero(steps > 0.0)
        if not len(alone):
            rest = Polyhedron(rows[left] @ basis, slack[left]).irredundant(n_threads=n_threads)
            left, shifts = left[rest.indices], rest.witnesses @ basis.T
            witnesses.append(interior + _mended(shifts, rows, rounds))
            break
        shifts = _mended(steps[alone, None] * directions[alone], rows, rounds)
        witnesses.append(interior + shifts)
        rounds.append((left[alone], directions[alone]))
        left = np.delete(left, alone)
    indices = np.concatenate([*(settled for settled, _ in rounds), left]).astype(np.int64)
    order = np.argsort(indices)
    points = np.vstack([np.zeros((0, polyhedron.n_features)), *witnesses])
    return Irredundant(indices[order], points[order])


def _mended(shifts: _Floats, rows: _Floats, rounds: list[tuple[_Ints, _Floats]]) -> _Floats:
    """Take back what steps change at rows that were settled before.

    The directions of later rounds change rows of earlier ones, never the other way round.
    """
    for settled, directions in reversed(rounds):
        shifts = shifts - (shifts @ rows[settled].T) @ directions
    return shifts


def _independent(rows: _Floats) -> tuple[_Floats, _Floats]:
    """Return an orthonormal basis of the span, and for each row a direction that it alone sees.

    The directions are zero for rows that depend on others.
    """
    Q, R, _ = linalg.qr(rows.T, mode="economic", pivoting=True, check_finite=False)
    sizes = np.abs(np.diag(R))
    rank = int(np.count_nonzero(sizes > _ROUNDING * sizes[0]))
    basis = Q[:, :rank]
    Z, T = linalg.qr(rows @ basis, mode="economic", check_finite=False)
    alone = np.flatnonzero(np.einsum("ij,ij->i", Z, Z) > 1.0 - _ROUNDING)
    directions = np.zeros_like(rows)
    if len(alone):
        directions[alone] = (basis @ linalg.solve_triangular(T, Z[alone].T)).T
    return basis, directions


def _steps(rows: _Floats, slack: _Floats, directions: _Floats) -> _Floats:
    """How far to go along each direction to break its row and no other; 0 where that fails."""
    changes = directions @ rows.T
    own = np.diag(changes).copy()
    np.fill_diagonal(changes, 0.0)
    steps = np.where(own > 0.5, 2.0 * np.maximum(slack, _ROUNDING * np.abs(slack).max()), 0.0)
    kept = (steps[:, None] * changes <= np.maximum(slack, 0.0)).all(axis=1)
    return np.where(kept, steps, 0.0)
