"""Nearest points of polyhedra."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hullspace import _core
from hullspace.polyhedron.results import PolyhedronProjection
from hullspace.polyhedron.rows import csr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hullspace.polyhedron.constraints import Constraints

_Floats = npt.NDArray[np.float64]


def project(
    given: Sequence[Constraints], which: npt.NDArray[np.int64], points: _Floats, threads: int
) -> PolyhedronProjection:
    """Find the point of polyhedron ``which[i]`` nearest to point `i`; see `project_batch`."""
    # Equalities are pairs of constraints here: their normals are active from the start.
    matrices = [np.vstack([g.A, g.E, -g.E]) for g in given]
    bounds = [np.concatenate([g.b, g.d, -g.d]) for g in given]
    starts = np.concatenate([[0], np.cumsum([len(v) for v in bounds])]).astype(np.int64)
    found = _core.project_onto(
        np.concatenate(matrices), np.concatenate(bounds), starts, which, points, threads
    )
    multipliers = csr(found.duals, (len(points), max(len(v) for v in bounds)))
    inequality, equality = _split_multipliers(multipliers, given, which)
    return PolyhedronProjection(
        found.points, found.distances, inequality, equality, found.gaps, found.status
    )


def _split_multipliers(
    multipliers: sparse.csr_array, given: Sequence[Constraints], which: npt.NDArray[np.int64]
) -> tuple[sparse.csr_array, _Floats]:
    """Tell multipliers of constraints from those of equalities, which came as pairs."""
    n_constraints = np.array([len(g.b) for g in given])
    n_equalities = np.array([len(g.d) for g in given])
    width = int(n_constraints.max())
    equality = np.zeros((len(which), int(n_equalities.max())))
    if not n_equalities.any():
        return sparse.csr_array(multipliers[:, :width]), equality
    entries = multipliers.tocoo()
    owner = which[entries.row]
    place = entries.col - n_constraints[owner]
    ours = place >= 0
    count = n_equalities[owner[ours]]
    signs = np.where(place[ours] < count, 1.0, -1.0)
    columns = np.where(place[ours] < count, place[ours], place[ours] - count)
    np.add.at(equality, (entries.row[ours], columns), signs * entries.data[ours])
    parts = (entries.data[~ours], (entries.row[~ours], entries.col[~ours]))
    return sparse.csr_array(parts, shape=(len(which), width)), equality
