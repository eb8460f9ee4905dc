"""Linear programs over one polyhedron: largest values, and the constraints that matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hullspace import _core
from hullspace.polyhedron.results import Irredundant, PolyhedronSupport
from hullspace.polyhedron.rows import csr, with_coordinates
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.polyhedron.constraints import Constraints

_Floats = npt.NDArray[np.float64]


def support(given: Constraints, directions: _Floats, threads: int) -> PolyhedronSupport:
    """See `Polyhedron.support`."""
    inner, affine = given.inner, given.affine
    if inner is None:
        return _no_support(given, len(directions))
    along = directions if affine is None else affine.along(directions)
    found = _core.maximize(*inner, with_coordinates(along), threads)
    duals = csr(found.duals, (len(directions), len(given.b)))
    if affine is None:
        none = np.zeros((len(directions), 0))
        return PolyhedronSupport(
            found.values, found.points, duals, none, found.rays, found.gaps, found.status
        )
    optimal = (found.status == Status.OPTIMAL) | (found.status == Status.LIMIT)
    rest = np.where(optimal[:, None], directions, 0.0) - duals @ given.A
    # Where there are no coordinates, none of an empty polyhedron's is NaN.
    empty = found.status == Status.EMPTY
    return PolyhedronSupport(
        found.values + directions @ affine.origin,
        np.where(empty[:, None], np.nan, given.lift(found.points)),
        duals,
        affine.duals(rest),
        found.rays[:, : along.shape[1]] @ affine.basis.T,
        found.gaps,
        found.status,
    )


def _no_support(given: Constraints, n: int) -> PolyhedronSupport:
    n_constraints, n_features = given.A.shape
    proof = np.zeros(0) if given.affine is None else given.affine.proof
    return PolyhedronSupport(
        np.full(n, -np.inf),
        np.full((n, n_features), np.nan),
        sparse.csr_array((n, n_constraints)),
        np.tile(proof, (n, 1)),
        np.zeros((n, n_features)),
        np.zeros(n),
        np.full(n, Status.EMPTY, np.int8),
    )


def irredundant(given: Constraints, threads: int) -> Irredundant:
    """See `Polyhedron.irredundant`."""
    inner = given.inner
    found = None if inner is None else _core.irredundant(*inner, threads)
    if found is None or found.status == Status.EMPTY:
        raise ValueError("an empty polyhedron has no irredundant constraints")
    if found.status != Status.OPTIMAL:
        raise RuntimeError("which constraints matter was not found within the limit")
    indices = np.flatnonzero(found.kept).astype(np.int64)
    return Irredundant(indices, given.lift(found.witnesses[indices]))
