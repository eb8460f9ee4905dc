"""Affine sets {x : E x = d} in coordinates of their own, where constraints lose the equalities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]

# Singular values below this share of the largest one are zero.
_RANK = 1e-12
# A row whose part along the set is below this share of its length is constant on it.
_CONSTANT = 1e-13
# Residuals of the equalities below this share of their terms are rounding.
_CONSISTENT = 1e-11


@dataclass(frozen=True, eq=False)
class AffineSet:
    """The solutions of equalities: ``x = origin + basis @ y``, the basis orthonormal."""

    E: _Floats
    d: _Floats

    @cached_property
    def _parts(self) -> tuple[_Floats, _Floats, _Floats]:
        """Rows of unit length, their bounds, and their pseudo-inverse's parts."""
        lengths = np.linalg.norm(self.E, axis=1)
        safe = np.where(lengths > 0.0, lengths, 1.0)
        return self.E / safe[:, None], self.d / safe, safe

    @cached_property
    def _svd(self) -> tuple[_Floats, _Floats, _Floats, int]:
        rows, _, _ = self._parts
        left, values, right = np.linalg.svd(rows, full_matrices=True)
        rank = int(np.count_nonzero(values > _RANK * values.max(initial=0.0)))
        return left, values, right, rank

    @cached_property
    def basis(self) -> _Floats:
        """Orthonormal basis of the directions along the set, (n_features, dimension)."""
        _, _, right, rank = self._svd
        return np.ascontiguousarray(right[rank:].T)

    @cached_property
    def origin(self) -> _Floats:
        """The point of the set nearest to zero."""
        left, values, right, rank = self._svd
        rows, bounds, _ = self._parts
        solve = right[:rank].T / values[:rank]
        point: _Floats = solve @ (left[:, :rank].T @ bounds)
        refined: _Floats = point + solve @ (left[:, :rank].T @ (bounds - rows @ point))
        return refined

    @cached_property
    def contradiction(self) -> _Floats | None:
        """Multipliers of the equalities that combine them to 0 = -1, or None if there are none."""
        _, bounds, lengths = self._parts
        left, _, _, rank = self._svd
        # What no combination of the columns reaches.
        rest: _Floats = left[:, rank:] @ (left[:, rank:].T @ bounds)
        size = np.abs(bounds).max(initial=0.0)
        if np.linalg.norm(rest) <= _CONSISTENT * size:
            return None
        return -rest / (rest @ bounds) / lengths

    @property
    def proof(self) -> _Floats:
        """The contradiction of a set that has one."""
        found = self.contradiction
        if found is None:
            raise ValueError("the equalities do not contradict each other")
        return found

    def along(self, rows: _Floats) -> _Floats:
        """Rows in the coordinates y; those that are constant on the set become zero."""
        result = np.ascontiguousarray(rows @ self.basis)
        constant = np.linalg.norm(result, axis=1) <= _CONSTANT * np.linalg.norm(rows, axis=1)
        result[constant] = 0.0
        return result

    def reduce(self, A: _Floats, b: _Floats) -> tuple[_Floats, _Floats]:
        """Constraints on the coordinates y; rows that are constant on the set become zero."""
        along = self.along(A)
        rest = b - A @ self.origin
        lengths = np.linalg.norm(A, axis=1)
        constant = ~along.any(axis=1)
        noise = _CONSISTENT * (np.abs(b) + lengths * np.linalg.norm(self.origin))
        rest[constant & (np.abs(rest) <= noise)] = 0.0
        return along, rest

    def lift(self, y: _Floats) -> _Floats:
        """Points in the coordinates of x, from rows of y."""
        points: _Floats = self.origin + y @ self.basis.T
        return points

    def duals(self, residuals: _Floats) -> _Floats:
        """Multipliers l of the equalities with ``E.T @ l`` nearest to each row of residuals."""
        left, values, right, rank = self._svd
        _, _, lengths = self._parts
        solved = (residuals @ right[:rank].T) / values[:rank]
        result: _Floats = solved @ left[:, :rank].T / lengths
        return result
