"""Proofs that no point satisfies a system of constraints.

Multipliers ``y >= 0`` of the inequalities ``A x <= b`` and free ones ``l`` of the equalities
``E x = d`` with ``A^T y + E^T l = 0`` and ``b.y + d.l < 0`` prove that (Farkas). In double
precision the sum of rows seldom cancels to the last bit. With a residual ``g = A^T y + E^T l``
every feasible point satisfies ``g.x <= b.y + d.l``, and so lies at least ``-(b.y + d.l) / |g|``
from the origin. Multipliers are accepted in two cases.

1. The residual is no more than rounding the sum explains, and that distance, bounded from below
   with all rounding accounted for, is at least `_FAR` times the distance of the farthest
   hyperplane that the multipliers use.
2. The residual is next to nothing, ``2**-40`` of the terms, and exact multipliers exist on the
   same rows. Rational arithmetic solves for those next to the given ones; they must cancel
   exactly, be nonnegative, and give a negative value. Then there is no feasible point at all,
   however thin the margin. This is tried where the first case does not apply, on at most
   `_EXACT_ROWS` rows.

The first case proves that no point is feasible within the stated distance and leaves open what is
beyond. It has to: two hyperplanes that are parallel up to rounding do meet somewhere, some
``2**50`` times as far away as they are apart, and no multipliers prove the wedge behind that place
empty. Data in double precision cannot mean such points.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import qr

from hullspace.certificates.integers import largest, ratios, to_integers, unit_exponent
from hullspace.certificates.rounding import (
    NO_EXPONENT,
    dots,
    every,
    exponents,
    gamma,
    highest,
    norms,
)

if TYPE_CHECKING:
    from hullspace.certificates.constraints import System
    from hullspace.certificates.integers import Integers
    from hullspace.certificates.rounding import Bools, Floats, Rows

_FAR = 2**20
# A sum whose residual exceeds this many roundings of each of its terms does not cancel.
_ROUNDINGS = 4
# One whose residual exceeds this share of them is no approximation of one that does.
_NEARLY = 2.0**-40
# Big integers take some ten milliseconds for as many rows to eliminate, or products to sum.
_EXACT_ROWS = 32
_EXACT_PRODUCTS = 100_000


def are_empty(system: System, multipliers: Floats) -> Bools:
    """Whether multipliers, one row for each problem, prove that no point is feasible."""
    signs = every(multipliers[:, : system.n_inequalities] >= 0.0)
    sound = signs & every(np.isfinite(multipliers))
    multipliers = np.where(sound[:, None], multipliers, 0.0)
    used = multipliers != 0.0
    sizes = highest(np.where(used, exponents(multipliers) + system.scales, NO_EXPONENT))
    scaled = system.scaled_multipliers(multipliers, sizes)
    offsets = system.scaled_offsets(system.units(used))
    residuals, values = norms(system.combinations(scaled)), dots(offsets, scaled)
    unit = gamma(used.sum(axis=1) + 4)
    total = dots(np.abs(scaled), np.broadcast_to(system.lengths, scaled.shape))
    error = unit * dots(np.abs(offsets), np.abs(scaled))
    # What is feasible lies beyond; the last factor covers the rounding of this line.
    far = _FAR * _farthest(system, offsets, used) * (residuals + unit * total) * (1 + 2.0**-40)
    cancels = residuals <= _ROUNDINGS * unit * total
    beyond = (values + error < 0.0) & (-values - error >= far)
    proven: Bools = sound & cancels & beyond
    open_ones = sound & ~proven & (residuals <= _NEARLY * total) & (values - error < 0.0)
    for problem in np.flatnonzero(open_ones):
        rows = np.flatnonzero(used[problem])
        exact = _Exact.of(system.select(int(problem)), rows, scaled[problem, rows])
        proven[problem] = exact is not None and (
            exact.cancels() or (cancels[problem] and exact.is_far()) or exact.can_be_repaired()
        )
    return proven


def _farthest(system: System, offsets: Floats, used: Bools) -> Floats:
    """Distance of the farthest hyperplane in use from the origin."""
    lengths = np.where(system.lengths > 0.0, system.lengths, np.inf)
    farthest: Floats = np.where(used, np.abs(offsets) / lengths, 0.0).max(axis=1, initial=0.0)
    return farthest


@dataclass(frozen=True)
class _Exact:
    """The rows in use as integers, each kind in a common unit: scaled rows, offsets, multipliers.

    A scale common to all numbers of a kind changes none of the answers below.
    """

    rows: Integers  # (n_rows, n_features)
    offsets: Integers
    multipliers: Integers
    n_inequalities: int

    @classmethod
    def of(cls, system: System, used: Rows, multipliers: Floats) -> _Exact | None:
        """Convert one problem; None where that would take too long."""
        if len(used) * system.rows.shape[1] > _EXACT_PRODUCTS:
            return None
        rows, given, scales = system.rows[used], system.offsets[used], system.scales[used]
        offsets = np.left_shift(
            to_integers(given, unit_exponent(given)), (scales.max() - scales).astype(object)
        )
        return cls(
            to_integers(rows, unit_exponent(rows)),
            offsets,
            to_integers(multipliers, unit_exponent(multipliers)),
            int(np.count_nonzero(used < system.n_inequalities)),
        )

    def cancels(self) -> bool:
        """Whether the given multipliers are a proof as they stand."""
        residual = self.multipliers @ self.rows
        return not residual.any() and bool(self.multipliers @ self.offsets < 0)

    def is_far(self) -> bool:
        """Whether all that is feasible is `_FAR` times as far away as the hyperplanes in use."""
        residual, value = self.multipliers @ self.rows, self.multipliers @ self.offsets
        farthest = max(
            (
                Fraction(int(offset * offset), int(row @ row))
                for row, offset in zip(self.rows, self.offsets, strict=True)
                if row.any()
            ),
            default=Fraction(0),
        )
        return bool(value < 0 and value**2 >= _FAR**2 * farthest * int(residual @ residual))

    def can_be_repaired(self) -> bool:
        """Whether exact multipliers exist on these rows, near the given ones."""
        if len(self.rows) > _EXACT_ROWS:
            return False
        columns, pivots, denominator = self._eliminated()
        free = np.setdiff1d(np.arange(len(self.rows)), [pivot for _, pivot in pivots])
        repaired = np.zeros(len(self.rows), dtype=object)
        repaired[free] = self.multipliers[free] * abs(denominator)
        sign = 1 if denominator > 0 else -1
        for place, pivot in pivots:
            repaired[pivot] = -sign * (columns[place, free] @ self.multipliers[free])
        nonnegative = all(number >= 0 for number in repaired[: self.n_inequalities])
        return nonnegative and bool(repaired @ self.offsets < 0)

    def _eliminated(self) -> tuple[Integers, list[tuple[int, int]], int]:
        """Eliminate the multipliers that change least, in integers (Bareiss 1968).

        Returns the matrix, (row, column) of each pivot, and the value of all pivots.
        """
        columns, denominator = self.rows.T.copy(), 1
        sizes = np.array([float(abs(y) / largest(self.multipliers)) for y in self.multipliers])
        scaled = ratios(columns, largest(columns)) * sizes
        order = qr(scaled, mode="r", pivoting=True)[1]
        pivots: list[tuple[int, int]] = []
        left = list(range(len(columns)))
        for column in order:
            place = next((i for i in left if columns[i, column] != 0), None)
            if place is None:
                continue
            row, element = columns[place].copy(), columns[place, column]
            columns = (columns * element - np.outer(columns[:, column], row)) // denominator
            columns[place], denominator = row, element
            left.remove(place)
            pivots.append((place, int(column)))
        return columns, pivots, int(denominator)
