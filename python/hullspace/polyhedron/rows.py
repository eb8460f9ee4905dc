"""Rows of constraints, of unit length, of boxes and without coordinates, and their multipliers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

if TYPE_CHECKING:
    from hullspace import _core

_Floats = npt.NDArray[np.float64]


def unit_rows(matrix: _Floats, bounds: _Floats) -> tuple[_Floats, _Floats]:
    """Scale rows to unit length and their bounds alike; rows of zeros stay."""
    largest = np.abs(matrix).max(axis=1, initial=0.0)
    largest[largest == 0.0] = 1.0
    rows = matrix / largest[:, None]
    lengths = np.linalg.norm(rows, axis=1)
    lengths[lengths == 0.0] = 1.0
    return rows / lengths[:, None], bounds / largest / lengths


def with_coordinates(matrix: _Floats) -> _Floats:
    """Give the core a coordinate to work on where an affine set is a single point."""
    return matrix if matrix.shape[1] else np.zeros((len(matrix), 1))


def box_rows(lower: _Floats, upper: _Floats) -> tuple[_Floats, _Floats]:
    """Return the constraints of a box's finite ends: upper ones, then lower ones."""
    above, below = np.flatnonzero(np.isfinite(upper)), np.flatnonzero(np.isfinite(lower))
    rows = np.zeros((len(above) + len(below), len(lower)))
    rows[np.arange(len(above)), above] = 1.0
    rows[len(above) + np.arange(len(below)), below] = -1.0
    return rows, np.concatenate([upper[above], -lower[below]])


def csr(multipliers: _core.Csr, shape: tuple[int, int]) -> sparse.csr_array:
    """Wrap the core's multipliers of rows without a copy."""
    parts = (multipliers.data, multipliers.indices, multipliers.indptr)
    return sparse.csr_array(parts, shape=shape, copy=False)
