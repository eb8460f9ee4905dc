"""Membership decided by the simplex method in integers, with the help of double precision.

The columns ``(p, 1)`` of the points span a cone, and a query is in the hull exactly when ``(q, 1)``
is in that cone. A basis of points either has nonnegative coordinates, which proves that, or a row
of its inverse separates: it is negative at the query and nonnegative at all points, or else it
names a point that enters. The dual simplex method with least-index choices ends after finitely
many steps [1]_. The inverse is kept as integers over one common denominator, so that each pivot's
divisions are exact [2]_.

References
----------
.. [1] R. G. Bland, "New finite pivoting rules for the simplex method", Mathematics of Operations
   Research 2 (1977).
.. [2] J. Edmonds, "Systems of distinct representatives and linear algebra", Journal of Research of
   the National Bureau of Standards 71B (1967).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.certificates.integers import ExactData, Integers, largest, quotient, ratios
from hullspace.certificates.rounding import norms
from hullspace.status import Proof

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

# Pivots that choose by size, which is fast, before those that choose by index, which end.
_GREEDY_PIVOTS = 500
_PIVOTS = 5000
# A pivot's cost grows with the cube of the dimension: this is about half a minute of pivots.
_WORK = 3e7
_ARTIFICIAL = -1
_REDUNDANT = -2


class Tableau:
    """Inverse of a basis of columns ``(p, 1)`` and the query's coordinates in that basis.

    ``rows[:, :-1] / denominator`` is the inverse and ``rows[:, -1] / denominator`` are the
    coordinates; the basis begins with unit columns that belong to no point.
    """

    def __init__(self, exact: ExactData, row: int) -> None:
        self._exact = exact
        query = np.append(exact.query(row), 1)
        self.rows: Integers = np.column_stack([np.eye(len(query), dtype=int).astype(object), query])
        self.denominator = 1
        self.basis = np.full(len(query), _ARTIFICIAL)

    def _column(self, index: int) -> Integers:
        point = np.append(self._exact.points(np.array([index]))[0], 1)
        column: Integers = self.rows[:, :-1] @ point
        return column

    def pivot(self, leaving: int, column: Integers, index: int) -> None:
        """Let a point enter the basis in the place `leaving`."""
        row, element = self.rows[leaving].copy(), column[leaving]
        self.rows = (self.rows * element - np.outer(column, row)) // self.denominator
        self.rows[leaving] = row
        self.denominator = element
        if element < 0:
            self.rows, self.denominator = -self.rows, -element
        self.basis[leaving] = index

    def enter(self, index: int, leaving: int | None = None) -> None:
        """Bring a point into the basis, by default for a unit column, if it is independent."""
        column = self._column(index)
        if leaving is None:
            free = np.flatnonzero((self.basis == _ARTIFICIAL) & (column != 0))
            if not len(free):
                return
            leaving = int(free[0])
        self.pivot(leaving, column, index)

    def is_combination(self) -> bool:
        """Whether the query is a convex combination of the basis' points."""
        artificial = self.basis < 0
        coordinates = self.rows[:, -1]
        return all(coordinates[artificial] == 0) and all(coordinates >= 0)

    def signs(self, row: int) -> tuple[npt.NDArray[np.float64], float, Integers]:
        """Values of a row of the inverse at all points, to within a bound, and the row itself."""
        exact, functional = self._exact, self.rows[row, :-1]
        normal, offset = functional[:-1], functional[-1]
        size = max(largest(normal), 1)
        direction = ratios(normal, size)
        constant = quotient(normal @ exact.center + offset, size << exact.shift)
        blocks = exact.data.point_blocks()
        values = np.concatenate([block @ direction for block in blocks]) + constant
        length = float(norms(direction))
        return values, self._rounding(length, constant), functional

    def _rounding(self, length: float, constant: float) -> float:
        """Bound the error of `signs`: twice the data's own covers that of the row as well."""
        zero = np.zeros((1, len(self.basis) - 1))
        bound = float(self._exact.data.rounding(zero)[0])
        return 2.0 * length * bound + 2.0**-50 * abs(constant)

    def exact_values(self, functional: Integers, indices: npt.NDArray[np.intp]) -> Integers:
        """Values of a row of the inverse at some points."""
        values: Integers = self._exact.points(indices) @ functional[:-1] + functional[-1]
        return values

    def first(self, row: int, *, negative: bool, by_size: bool) -> int | None:
        """Return a point where a row of the inverse is negative (else: nonzero), if there is one.

        The one with the largest value where double precision suffices, or the first of all.
        """
        values, bound, functional = self.signs(row)
        sizes = -values if negative else np.abs(values)
        best = int(sizes.argmax())
        if sizes[best] > bound and by_size:
            return best
        clear = np.flatnonzero(sizes > bound)
        end = clear[0] if len(clear) else len(sizes)
        doubtful = np.flatnonzero(np.abs(values[:end]) <= bound)
        found = self.exact_values(functional, doubtful)
        hits = doubtful[found < 0 if negative else found != 0]
        if len(hits):
            return int(hits[0])
        return int(end) if end < len(sizes) else None


def decide(exact: ExactData, row: int, start: Iterable[int]) -> Proof:
    """Prove where one query lies, from a basis that contains `start` as far as it can."""
    tableau = Tableau(exact, row)
    for index in start:
        tableau.enter(int(index))
    if not _complete(tableau):
        return Proof.PROVEN_OUTSIDE
    for count in range(min(_PIVOTS, int(_WORK / len(tableau.basis) ** 3) + 1)):
        greedy = count < _GREEDY_PIVOTS
        leaving = _leaving(tableau, by_size=greedy)
        if leaving is None:
            return Proof.PROVEN_INSIDE
        entering = tableau.first(leaving, negative=True, by_size=greedy)
        if entering is None:
            return Proof.PROVEN_OUTSIDE
        tableau.enter(entering, leaving)
    return Proof.UNPROVEN


def _complete(tableau: Tableau) -> bool:
    """Replace unit columns by points; False if the query is not in the points' affine hull."""
    for row in np.flatnonzero(tableau.basis == _ARTIFICIAL):
        entering = tableau.first(int(row), negative=False, by_size=True)
        if entering is not None:
            tableau.enter(entering, int(row))
        elif tableau.rows[row, -1] != 0:
            return False
        else:
            tableau.basis[row] = _REDUNDANT
    return True


def _leaving(tableau: Tableau, *, by_size: bool) -> int | None:
    """Place in the basis of a negative coordinate: the most negative or the first point's."""
    negative = np.flatnonzero(tableau.rows[:, -1] < 0)
    if not len(negative):
        return None
    keys = tableau.rows[negative, -1] if by_size else tableau.basis[negative]
    return int(negative[np.argmin(keys)])
