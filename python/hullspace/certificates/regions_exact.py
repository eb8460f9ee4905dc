"""Inputs of units and sums of constraints in integers, for what rounding leaves in doubt.

Doubles are integers times powers of two. All inputs of the units of a stage are integers in one
common unit, a power of two, and so are all outputs. Only what a unit depends on is computed, and
kept as long as the patterns of the stages before stay the same.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.certificates.integers import to_integers, unit_exponent
from hullspace.certificates.regions_tree import ON

if TYPE_CHECKING:
    from hullspace.certificates.integers import Integers
    from hullspace.certificates.regions_floating import Bools, Floats, Frame
    from hullspace.certificates.regions_tree import Bytes, Ints, Units
    from hullspace.networks.network import ReluNetwork

# Products of integers, some 10 million a second, that one unit or one elimination may take.
_MOST_PRODUCTS = 10**6
# Weights that are kept as integers, some 100 bytes each.
_MOST_KEPT = 10**6


class TooLargeError(Exception):
    """An exact answer would take too many products of integers."""


class ExactWeights:
    """The weights of a network as integers, converted when they are first used."""

    def __init__(self, network: ReluNetwork, units: Units) -> None:
        self.network, self.units = network, units
        self.exponents = [
            [unit_exponent(term.operator.elements) for term in stage.terms]
            for stage in network.stages
        ]
        self.bias_exponents = [unit_exponent(stage.bias) for stage in network.stages]
        self.slope_exponents = [min(unit_exponent(stage.slopes), 0) for stage in network.stages]
        self._slopes = [
            to_integers(stage.slopes, exponent)
            for stage, exponent in zip(network.stages, self.slope_exponents, strict=True)
        ]
        self._biases = [
            to_integers(stage.bias, exponent)
            for stage, exponent in zip(network.stages, self.bias_exponents, strict=True)
        ]
        self._rows: dict[tuple[int, int, int], tuple[Ints, Integers]] = {}
        self._n_kept = 0

    def row(self, k: int, term: int, unit: int) -> tuple[Ints, Integers]:
        """Places and integers of a unit's weights that are not zero."""
        key = (k, term, unit)
        if key not in self._rows:
            places, values = self.network.stages[k].terms[term].operator.row(unit)
            if self._n_kept + len(places) > _MOST_KEPT:
                self._rows.clear()
                self._n_kept = 0
            self._n_kept += len(places)
            self._rows[key] = places, to_integers(values, self.exponents[k][term])
        return self._rows[key]

    def bias(self, k: int, unit: int) -> int:
        """Return the bias of a unit."""
        return int(self._biases[k][unit])

    def factors(self, k: int, states: Bytes) -> list[int]:
        """Return what the units of a stage are multiplied by, in units of its slopes."""
        stage = self.network.stages[k]
        factors = self._slopes[k].copy()
        own = states[self.units.first[k] : self.units.first[k + 1]]
        factors[stage.hidden[own == ON]] = 1 << -self.slope_exponents[k]
        return list(factors)


class ExactFunctions:
    """Inputs of units as rows of integers: of affine functions, or at a point.

    Parameters
    ----------
    weights : ExactWeights
        The network.
    start : (n_inputs, n) integers
        The network's inputs in terms of what the rows mean; the last column is the constant.
    exponent : int
        Of the unit of `start`.
    """

    def __init__(self, weights: ExactWeights, start: Integers, exponent: int) -> None:
        self._weights, self._start = weights, start
        self.exponents: list[int] = []  # of the inputs of each stage's units
        outputs = [exponent]
        for k, stage in enumerate(weights.network.stages):
            found = [
                weights.exponents[k][t] + outputs[term.source] for t, term in enumerate(stage.terms)
            ]
            self.exponents.append(min([weights.bias_exponents[k], *found]))
            outputs.append(self.exponents[-1] + weights.slope_exponents[k])
        self._outputs = outputs
        n_stages = len(weights.network.stages)
        self._rows: list[dict[int, Integers]] = [{} for _ in range(n_stages)]
        self._factors: list[list[int]] = [[] for _ in range(n_stages)]
        self._states = np.zeros(0, dtype=np.uint8)

    def _move(self, states: Bytes) -> None:
        """Forget what depends on a pattern that changed."""
        units = self._weights.units
        same = len(self._states) == len(states)
        for k in range(len(self._rows)):
            own = slice(units.first[k], units.first[k + 1])
            if not same:
                self._rows[k].clear()
            if not same or (self._states[own] != states[own]).any() or not self._factors[k]:
                self._factors[k] = self._weights.factors(k, states)
                same = False
        self._states = states.copy()

    def rows(self, states: Bytes, hidden: list[int]) -> list[tuple[Integers, int]]:
        """Return row and exponent of the inputs of hidden units, on decided sides of earlier ones.

        Raises
        ------
        TooLargeError
            If that would take too long.
        """
        units = self._weights.units
        return self.rows_of(states, [(int(units.stages[u]), int(units.places[u])) for u in hidden])

    def rows_of(self, states: Bytes, wanted: list[tuple[int, int]]) -> list[tuple[Integers, int]]:
        """Return the same of any units, each given by its stage and its place in it."""
        self._move(states)
        needed: list[set[int]] = [set() for _ in self._rows]
        for k, unit in wanted:
            if unit not in self._rows[k]:
                needed[k].add(unit)
        self._require(needed)
        for k, found in enumerate(needed):
            for unit in found:
                self._rows[k][unit] = self._row(k, unit)
        return [(self._rows[k][unit], self.exponents[k]) for k, unit in wanted]

    def _require(self, needed: list[set[int]]) -> None:
        """Add the units that the needed ones depend on."""
        work = 0
        for k in range(len(needed) - 1, -1, -1):
            for unit in needed[k]:
                for t, term in enumerate(self._weights.network.stages[k].terms):
                    places, _ = self._weights.row(k, t, unit)
                    work += len(places) * self._start.shape[1]
                    if work > _MOST_PRODUCTS:
                        raise TooLargeError
                    if term.source:
                        source = term.source - 1
                        factors, known = self._factors[source], self._rows[source]
                        needed[source].update(
                            i for i in places.tolist() if factors[i] and i not in known
                        )

    def _row(self, k: int, unit: int) -> Integers:
        weights, exponent = self._weights, self.exponents[k]
        total = np.zeros(self._start.shape[1], dtype=object)
        total[-1] = weights.bias(k, unit) << (weights.bias_exponents[k] - exponent)
        for t, term in enumerate(weights.network.stages[k].terms):
            places, values = weights.row(k, t, unit)
            shift = weights.exponents[k][t] + self._outputs[term.source] - exponent
            if term.source == 0:
                part = values @ self._start[places]
            else:
                factors, rows = self._factors[term.source - 1], self._rows[term.source - 1]
                used = [n for n, i in enumerate(places.tolist()) if factors[i]]
                if not used:
                    continue
                scales = np.array([factors[i] for i in places[used].tolist()], dtype=object)
                part = (values[used] * scales) @ np.stack([rows[i] for i in places[used].tolist()])
            total = total + (part << shift)
        return total


class ExactRegions:
    """Decides in integers what double precision leaves open."""

    def __init__(self, network: ReluNetwork, units: Units, frame: Frame) -> None:
        self._network, self._units, self._frame = network, units, frame

    @cached_property
    def _weights(self) -> ExactWeights:
        return ExactWeights(self._network, self._units)

    @cached_property
    def _start(self) -> tuple[Integers, int]:
        """The network's inputs as functions of y and 1, and their unit."""
        start = np.column_stack([self._frame.basis, self._frame.origin])
        exponent = unit_exponent(start)
        return to_integers(start, exponent), exponent

    @cached_property
    def _functions(self) -> ExactFunctions:
        return ExactFunctions(self._weights, *self._start)

    @cached_property
    def _bounds(self) -> list[tuple[Fraction | None, Fraction | None]]:
        """Largest and least value of each coordinate by the constraints on it alone."""
        bounds: list[tuple[Fraction | None, Fraction | None]] = []
        single = np.count_nonzero(self._frame.A, axis=1) == 1
        for column in self._frame.A.T:
            above: list[Fraction] = []
            below: list[Fraction] = []
            for j in np.flatnonzero(single & (column != 0.0)).tolist():
                bound = Fraction(float(self._frame.b[j])) / Fraction(float(column[j]))
                (above if column[j] > 0.0 else below).append(bound)
            bounds.append((min(above, default=None), max(below, default=None)))
        return bounds

    def _is_inside(self, point: list[Fraction], constraints: npt.NDArray[np.intp]) -> bool:
        """Whether a point strictly satisfies constraints of the domain."""
        for j in constraints.tolist():
            places = np.flatnonzero(self._frame.A[j])
            room = Fraction(float(self._frame.b[j])) - sum(
                Fraction(float(self._frame.A[j, i])) * point[i] for i in places.tolist()
            )
            if room < 0 or (room == 0 and len(places)):
                return False
        return True

    def is_interior(
        self,
        point: Floats,
        states: Bytes,
        doubtful: npt.NDArray[np.intp],
        constraints: npt.NDArray[np.intp],
    ) -> bool:
        """Whether doubtful units and constraints hold strictly at the point of a pattern.

        A unit that is off may be zero if it is zero in the whole region.
        """
        exact = [Fraction(float(x)) for x in point]
        if not self._is_inside(exact, constraints):
            return False
        if not len(doubtful):
            return True
        exponent = min(unit_exponent(point), 0)
        numbers = np.append(to_integers(point, exponent), [1 << -exponent])
        start, unit = self._start
        at_point = ExactFunctions(self._weights, (start @ numbers)[:, None], unit + exponent)
        try:
            values = at_point.rows(states, doubtful.tolist())
            for unit, (value, _) in zip(doubtful.tolist(), values, strict=True):
                signed = value[-1] if states[unit] == ON else -value[-1]
                if signed < 0 or (signed == 0 and not self._is_off(states, unit)):
                    return False
        except TooLargeError:
            return False
        return True

    def is_fine_interior(self, parts: npt.NDArray[np.generic], states: Bytes) -> bool:
        """Whether all units and constraints hold strictly at a point ``(t y, t)`` in parts."""
        n_rows = self._frame.basis.shape[1] + 1
        sound = parts.dtype == np.float64 and parts.ndim == 2 and len(parts) == n_rows
        if not sound or not np.isfinite(parts).all():
            return False
        numbers: Integers = to_integers(parts, unit_exponent(parts)).sum(axis=1)
        t = int(numbers[-1])
        if t <= 0 or not self._is_inside(
            [Fraction(int(x), t) for x in numbers[:-1]], np.arange(len(self._frame.b))
        ):
            return False
        try:
            rows = self._functions.rows(states, list(range(len(states))))
        except TooLargeError:
            return False
        for unit, (row, _) in enumerate(rows):
            value = row @ numbers if states[unit] == ON else -(row @ numbers)
            if value < 0 or (value == 0 and (states[unit] == ON or row.any())):
                return False
        return True

    def _is_off(self, states: Bytes, unit: int) -> bool:
        """Whether a unit is zero everywhere under a pattern, and off."""
        row, _ = self._functions.rows(states, [unit])[0]
        return states[unit] != ON and not row.any()

    def is_empty(self, states: Bytes, rows: Ints, multipliers: Floats) -> bool:
        """Whether constraints of a branch cannot all be positive, by multipliers near the given."""
        used = multipliers > 0.0
        rows, multipliers = rows[used], multipliers[used]
        try:
            functions, strict = self._constraints(states, rows)
        except TooLargeError:
            return False
        if any(r < len(self._units) and states[r] == ON for r in rows[~functions.any(axis=1)]):
            return True  # zero everywhere, and nowhere positive
        given = to_integers(multipliers, unit_exponent(multipliers))
        if self._is_proof(functions, strict, given):
            return True
        if functions.size * min(functions.shape) > _MOST_PRODUCTS:
            return False
        for equations in (functions[:, :-1], functions):
            repaired = _repaired(equations, given)
            if self._is_proof(functions, strict, repaired):
                return True
        return False

    def _constraints(self, states: Bytes, rows: Ints) -> tuple[Integers, Bools]:
        """Constraints as integers in a common unit, and which are positive inside the branch.

        Constraints that are not zero everywhere are positive in the interior of the points that
        satisfy them.
        """
        n_hidden = len(self._units)
        hidden = [r for r in rows.tolist() if r < n_hidden]
        found = dict(zip(hidden, self._functions.rows(states, hidden), strict=True))
        lowest, parts = 0, []
        for r in rows.tolist():
            if r < n_hidden:
                row, exponent = found[r]
                row = row if states[r] == ON else -row
            else:
                j = r - n_hidden
                given = np.append(-self._frame.A[j], self._frame.b[j])
                exponent = unit_exponent(given)
                row = to_integers(given, exponent)
            parts.append((row, exponent))
            lowest = min(lowest, exponent)
        functions = np.stack([row << (exponent - lowest) for row, exponent in parts])
        return functions, (functions != 0).any(axis=1)

    def _is_proof(self, functions: Integers, strict: Bools, multipliers: Integers) -> bool:
        """Whether the sum is negative, or zero though some term is positive, in the domain."""
        if any(m < 0 for m in multipliers):
            return False
        total = multipliers @ functions
        highest = Fraction(int(total[-1]))
        for k in np.flatnonzero(total[:-1]).tolist():
            bound = self._bounds[k][0 if total[k] > 0 else 1]
            if bound is None:
                return False
            highest += int(total[k]) * bound
        positive = any(m > 0 for m in multipliers[strict])
        return highest < 0 or (highest == 0 and positive)


def _repaired(equations: Integers, given: Integers) -> Integers:
    """Multipliers near the given ones with which rows of integers cancel exactly.

    Each is the given one times a factor. The factors of a set of large terms are eliminated, in
    integers (Bareiss 1968), and follow from those of the others, which stay 1.
    """
    terms = (equations * given[:, None]).T
    left, pivots, denominator = list(range(len(terms))), dict[int, int](), 1
    free = list(range(len(given)))
    while left and free:
        sizes = np.abs(terms[np.ix_(left, free)])
        row, column = divmod(int(np.argmax(sizes)), len(free))
        place, pivot = left[row], free[column]
        if not terms[place, pivot]:
            break
        kept, element = terms[place].copy(), terms[place, pivot]
        terms = (terms * element - np.outer(terms[:, pivot], kept)) // denominator
        terms[place], denominator = kept, element
        pivots[pivot] = place
        left.remove(place)
        free.remove(pivot)
    factors = np.full(len(given), abs(denominator), dtype=object)
    for pivot, place in pivots.items():
        rest = sum(terms[place, free].tolist())
        factors[pivot] = -rest if denominator > 0 else rest
    repaired: Integers = factors * given
    return repaired
