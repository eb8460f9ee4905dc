"""Systems of linear constraints and their multipliers, scaled so that nothing over- or underflows.

The inequalities ``a x <= b`` come first and the equalities ``e x = d`` after them. Rows, lengths
and multipliers are scaled by powers of two, which rounds nothing: the units of the data, and of
every single row, do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hullspace.arguments import require_finite
from hullspace.certificates.rounding import (
    NO_EXPONENT,
    Bools,
    Exponents,
    Floats,
    Rows,
    exponents,
    highest,
    norms,
)

# Offsets of rows that a claim does not touch may be farther away than any number holds.
_FARTHEST = 2.0**900


def as_floats(values: Any, name: str) -> Floats:
    """Finite numbers in double precision, exactly the given ones."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    numbers: Floats = array.astype(np.float64)
    require_finite(numbers, name)
    return numbers


@dataclass(frozen=True)
class System:
    """Constraints that all problems share, or those of each.

    Attributes
    ----------
    rows : (n_rows, n_features) or (n_problems, n_rows, n_features)
        Scaled: the largest element of each row is at least 1/2 and below 1, or 0.
    scales : (n_rows,) or (n_problems, n_rows)
        A row times ``2**scale`` is the given one.
    offsets : (n_rows,) or (n_problems, n_rows)
        As given; problems that share the rows may each have offsets of their own.
    n_inequalities : int
        The rows from there on are equalities.
    """

    rows: Floats
    scales: Exponents
    offsets: Floats
    n_inequalities: int

    @classmethod
    def of(cls, A: Any, b: Any, equalities: Any = None) -> System:
        """Scale the rows of one matrix or of a batch; all problems share the equalities.

        Raises
        ------
        ValueError
            If shapes do not belong together, or an element is NaN or infinite.
        """
        A, b = as_floats(A, "A"), as_floats(b, "b")
        if A.ndim not in {2, 3} or b.ndim not in {1, 2} or A.ndim == 3 > b.ndim + 1:
            raise ValueError(f"A and b must be matrices and vectors, got {A.shape} and {b.shape}")
        if b.shape[-1] != A.shape[-2] or (A.ndim == 3 and len(b) != len(A)):
            raise ValueError(f"b must have an element for each row of A {A.shape}, got {b.shape}")
        n_features = A.shape[-1]
        E, d = equalities if equalities is not None else (np.empty((0, n_features)), np.empty(0))
        E, d = as_floats(E, "equalities"), as_floats(d, "equalities")
        if d.ndim != 1 or E.shape != (len(d), n_features):
            raise ValueError(
                f"equalities must be a matrix of {n_features} columns and a vector, "
                f"got shapes {E.shape} and {d.shape}"
            )
        rows = np.concatenate([A, np.broadcast_to(E, (*A.shape[:-2], *E.shape))], axis=-2)
        offsets = np.concatenate([b, np.broadcast_to(d, (*b.shape[:-1], *d.shape))], axis=-1)
        scales = highest(exponents(rows))
        return cls(np.ldexp(rows, -scales[..., None]), scales, offsets, A.shape[-2])

    @cached_property
    def lengths(self) -> Floats:
        """Euclidean norms of the scaled rows."""
        return norms(self.rows)

    def select(self, problems: Rows | int) -> System:
        """Return the system of some problems, or of one; what all share stays shared."""
        own_rows, own_offsets = self.rows.ndim == 3, self.offsets.ndim == 2
        return System(
            self.rows[problems] if own_rows else self.rows,
            self.scales[problems] if own_rows else self.scales,
            self.offsets[problems] if own_offsets else self.offsets,
            self.n_inequalities,
        )

    def products(self, points: Floats) -> Floats:
        """Scaled rows times one point for each problem: (n_problems, n_rows)."""
        if self.rows.ndim == 2:
            shared: Floats = points @ self.rows.T
            return shared
        own: Floats = np.matmul(self.rows, points[:, :, None])[:, :, 0]
        return own

    def combinations(self, multipliers: Floats) -> Floats:
        """Sum up the scaled rows with one row of multipliers for each problem."""
        if self.rows.ndim == 2:
            shared: Floats = multipliers @ self.rows
            return shared
        own: Floats = np.matmul(multipliers[:, None, :], self.rows)[:, 0, :]
        return own

    def scaled_offsets(self, units: Exponents) -> Floats:
        """Offsets of the scaled rows in lengths of ``2**units``: (n_problems, n_rows)."""
        scaled = np.ldexp(self.offsets, -(self.scales + units[:, None]))
        clipped: Floats = np.clip(scaled, -_FARTHEST, _FARTHEST)
        return clipped

    def scaled_multipliers(self, multipliers: Floats, units: Exponents) -> Floats:
        """Multipliers of the scaled rows, in units of ``2**units``."""
        scaled: Floats = np.ldexp(multipliers, self.scales - units[:, None])
        return scaled

    def least_lengths(self, units: Exponents) -> Floats:
        """About the smallest distance but zero of a hyperplane from the origin, 0 if none has any.

        What is small beside it is rounding, even where all that is active passes the origin.
        """
        exact = exponents(self.offsets) - self.scales
        distant = (self.offsets != 0.0) & (self.lengths > 0.0)
        least = np.where(distant, exact, -NO_EXPONENT).min(axis=-1, initial=-NO_EXPONENT)
        lengths: Floats = np.ldexp(0.5, least - units)
        return np.where(least == -NO_EXPONENT, 0.0, np.minimum(lengths, _FARTHEST))

    def units(self, used: Bools, *vectors: Floats) -> Exponents:
        """Exponent of the largest length among `vectors` and the offsets of the `used` rows."""
        exact = exponents(self.offsets) - self.scales
        distances = np.broadcast_to(np.where(self.offsets != 0.0, exact, NO_EXPONENT), used.shape)
        found = np.column_stack(
            [np.where(used, distances, NO_EXPONENT), *(exponents(vector) for vector in vectors)]
        ).max(axis=1, initial=NO_EXPONENT)
        # Where all that matters is zero, any unit does that keeps the other offsets finite.
        return np.where(found == NO_EXPONENT, highest(distances), found)
