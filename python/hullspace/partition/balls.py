"""Largest balls of sets of ties, as many at a time as fit in memory, and points inside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.polyhedron import ChebyshevCenters, Polyhedron, chebyshev_centers
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hullspace.partition.ties import Subset, Ties

_Floats = npt.NDArray[np.float64]

# Directions of an affine set's normals that are shorter, relative to the longest, are rounding.
_RANK = 1e-12


def largest_balls(
    ties: Ties, sets: Sequence[Subset], n_threads: int | None
) -> tuple[_Floats, ChebyshevCenters]:
    """Find the largest ball of each set of ties, within the affine set of its equalities.

    Returns
    -------
    points : (n_sets, n_features) float64
        Points in the relative interior, where there is one: the centers or, in sets that hold
        balls of any size, the center of one of radius 1 or more. NaN in empty sets.
    found : ChebyshevCenters
        What the solver returned, one problem a set.
    """
    points, parts = [np.empty((0, ties.n_features))], []
    for start in range(0, len(sets), ties.n_at_a_time):
        polyhedra = [ties.top(classes) for classes in sets[start : start + ties.n_at_a_time]]
        found = chebyshev_centers(
            [p.A for p in polyhedra],
            [p.b for p in polyhedra],
            equalities=[(p.E, p.d) for p in polyhedra],
            n_threads=n_threads,
        )
        points.append(_interior_points(polyhedra, found))
        parts.append(found)
    return np.concatenate(points), _joined(parts, ties.n_features)


def _joined(parts: list[ChebyshevCenters], n_features: int) -> ChebyshevCenters:
    none, nowhere = [np.empty(0)], [np.empty((0, n_features))]
    return ChebyshevCenters(
        centers=np.concatenate(nowhere + [part.centers for part in parts]),
        radii=np.concatenate(none + [part.radii for part in parts]),
        gaps=np.concatenate(none + [part.gaps for part in parts]),
        duals=[dual for part in parts for dual in part.duals],
        equality_duals=[dual for part in parts for dual in part.equality_duals],
        rays=np.concatenate(nowhere + [part.rays for part in parts]),
        status=np.concatenate(none + [part.status for part in parts]).astype(np.int8),
    )


def _interior_points(polyhedra: Sequence[Polyhedron], found: ChebyshevCenters) -> _Floats:
    points = np.array(found.centers, dtype=np.float64)
    for i in np.flatnonzero(found.status == Status.UNBOUNDED).tolist():
        A, ray = polyhedra[i].A, found.rays[i]
        lengths = np.linalg.norm(_along(A, polyhedra[i].E), axis=1)
        free = lengths > 0.0
        growth = (-(A[free] @ ray) / lengths[free]).min(initial=np.inf)
        points[i] += ray / growth if np.isfinite(growth) else 0.0
    return points


def _along(A: _Floats, E: _Floats) -> _Floats:
    """Rows of A projected onto the null space of E."""
    if not len(E):
        return A
    _, sizes, basis = np.linalg.svd(E, full_matrices=False)
    basis = basis[sizes > _RANK * sizes.max(initial=0.0)]
    along: _Floats = A - (A @ basis.T) @ basis
    along[np.linalg.norm(along, axis=1) <= _RANK * np.linalg.norm(A, axis=1)] = 0.0
    return along
