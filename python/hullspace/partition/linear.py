"""Nearest points in the norms 1 and infinity, by linear programming."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hullspace.polyhedron import Polyhedron, PolyhedronProjection
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

_Floats = npt.NDArray[np.float64]


def project_linear(
    polyhedra: Sequence[Polyhedron],
    which: npt.NDArray[np.int64],
    points: _Floats,
    norm: float,
    n_threads: int | None,
) -> PolyhedronProjection:
    """Find the nearest point of ``polyhedra[which[i]]`` to ``points[i]``, one program each.

    The polyhedron is lifted: variables are the point and either one bound t of all its moves (norm
    infinity) or one for each (norm 1), and the sum of the bounds is minimized.
    """
    n, n_features = points.shape
    width = max((p.n_constraints for p in polyhedra), default=0)
    nearest, status = np.full((n, n_features), np.nan), np.full(n, Status.EMPTY, dtype=np.int8)
    gaps, duals = np.zeros(n), np.zeros((n, width))
    n_equalities = max((len(p.d) for p in polyhedra), default=0)
    equality_duals = np.zeros((n, n_equalities))
    for i in range(n):
        polyhedron = polyhedra[which[i]]
        lifted, objective = _lifted(polyhedron, points[i], norm)
        found = lifted.support(objective[None], n_threads=n_threads)
        status[i] = found.status[0]
        if found.status[0] != Status.EMPTY:
            nearest[i], gaps[i] = found.points[0, :n_features], found.gaps[0]
        m = polyhedron.n_constraints
        duals[i, :m] = found.duals[[0], :m].toarray()[0]
        equality_duals[i, : len(polyhedron.d)] = found.equality_duals[0]
    distances = np.linalg.norm(nearest - points, ord=norm, axis=1)
    distances[status == Status.EMPTY] = np.inf
    return PolyhedronProjection(
        nearest, distances, sparse.csr_array(duals), equality_duals, gaps, status
    )


def _lifted(polyhedron: Polyhedron, point: _Floats, norm: float) -> tuple[Polyhedron, _Floats]:
    """Pairs of a point of the polyhedron and bounds of its moves; the objective to maximize."""
    n = len(point)
    n_bounds = 1 if norm == np.inf else n
    identity = np.eye(n)
    share = np.ones((n, 1)) if norm == np.inf else identity
    rows = np.block(
        [
            [polyhedron.A, np.zeros((polyhedron.n_constraints, n_bounds))],
            [identity, -share],
            [-identity, -share],
        ]
    )
    limits = np.concatenate([polyhedron.b, point, -point])
    equalities = np.hstack([polyhedron.E, np.zeros((len(polyhedron.d), n_bounds))])
    objective = np.concatenate([np.zeros(n), -np.ones(n_bounds)])
    pair = (equalities, polyhedron.d) if len(polyhedron.d) else None
    return Polyhedron(rows, limits, pair), objective
