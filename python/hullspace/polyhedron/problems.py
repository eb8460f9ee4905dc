"""The constraints of many polyhedra at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_bounds, as_double_matrix

_Floats = npt.NDArray[np.float64]


class Problems:
    """Constraints of many problems, one after the other, as the core takes them."""

    def __init__(self, rows: _Floats, bounds: _Floats, starts: npt.NDArray[np.int64]) -> None:
        self.rows, self.bounds, self.starts = rows, bounds, starts
        self.n_problems = len(starts) - 1
        self.ragged = False

    @classmethod
    def of(cls, A: Any, b: Any) -> Problems:
        """Take what `chebyshev_centers` does."""
        if isinstance(A, list | tuple) and len(A) and np.ndim(A[0]) == 2:
            return cls._of_list(list(A), b)
        matrix = np.asarray(A)
        if matrix.ndim == 2:
            rows = as_double_matrix(matrix, "A")
            bounds = as_double_matrix(b, "b", len(rows)) if len(rows) else np.zeros((len(b), 0))
        elif matrix.ndim == 3:
            if matrix.shape[2] == 0:
                raise ValueError(f"A must have at least one feature, got shape {matrix.shape}")
            rows = as_double_matrix(matrix.reshape(-1, matrix.shape[2]), "A")
            bounds = np.asarray(b)
            if bounds.shape != matrix.shape[:2]:
                raise ValueError(f"b must have shape {matrix.shape[:2]}, got {bounds.shape}")
            bounds = as_bounds(bounds.ravel(), "b", bounds.size).reshape(bounds.shape)
        else:
            raise ValueError(
                "A must be (n_problems, n_constraints, n_features), (n_constraints, n_features) "
                f"or a list of matrices, got shape {matrix.shape}"
            )
        n_problems, width = bounds.shape
        return cls(rows, bounds.ravel(), np.arange(n_problems + 1, dtype=np.int64) * width)

    @classmethod
    def _of_list(cls, A: list[Any], b: Any) -> Problems:
        if len(b) != len(A):
            raise ValueError(f"b must have one vector for each of {len(A)} problems, got {len(b)}")
        matrices = [as_double_matrix(a, f"A[{i}]", np.shape(A[0])[1]) for i, a in enumerate(A)]
        vectors = [as_bounds(v, f"b[{i}]", len(matrices[i])) for i, v in enumerate(b)]
        starts = np.concatenate([[0], np.cumsum([len(v) for v in vectors])]).astype(np.int64)
        problems = cls(np.concatenate(matrices), np.concatenate(vectors), starts)
        problems.ragged = True
        return problems

    def constraints(self, i: int) -> tuple[_Floats, _Floats]:
        """Rows and bounds of one problem."""
        span = slice(self.starts[i], self.starts[i + 1])
        shared = len(self.rows) != len(self.bounds)
        return self.rows if shared else self.rows[span], self.bounds[span]

    def split(self, duals: _Floats) -> _Floats | list[_Floats]:
        """Multipliers in the shape of the bounds."""
        if self.ragged:
            return np.split(duals, self.starts[1:-1])
        return duals.reshape(self.n_problems, -1 if self.n_problems else 0)
