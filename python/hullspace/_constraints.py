"""Constraints as users pass them; every message names the argument."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hullspace._arrays import as_matrix, require_finite

_Floats = npt.NDArray[np.float64]
Pair = tuple[npt.ArrayLike, npt.ArrayLike]


def as_double_matrix(value: Any, name: str, columns: int | None = None) -> _Floats:
    """Return a finite C-contiguous float64 matrix, which may have no rows."""
    matrix = as_matrix(value, name, columns=columns, allow_empty=True)
    return np.ascontiguousarray(matrix, dtype=np.float64)


def as_bounds(value: Any, name: str, n_rows: int) -> _Floats:
    """Return a finite float64 vector with one element for each row."""
    vector = np.asarray(value)
    if vector.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {vector.dtype}")
    if vector.shape != (n_rows,):
        raise ValueError(f"{name} must have shape ({n_rows},), got {vector.shape}")
    require_finite(vector, name)
    return np.ascontiguousarray(vector, dtype=np.float64)


def as_equalities(equalities: Pair | None, n_features: int) -> tuple[_Floats, _Floats]:
    """Return (E, d) with no rows for None."""
    if equalities is None:
        return np.zeros((0, n_features)), np.zeros(0)
    try:
        matrix, values = equalities
    except (TypeError, ValueError):
        raise TypeError("equalities must be a pair (E, d)") from None
    E = as_double_matrix(matrix, "equalities[0]", n_features)
    return E, as_bounds(values, "equalities[1]", len(E))


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


def require_count(value: int, name: str, least: int = 1) -> None:
    """Raise unless a value is an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
