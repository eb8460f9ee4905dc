"""Checks of linear regions: pattern, class, affine map, and how far they certainly reach.

Distances to hyperplanes are bounded from below in double precision. Where such a bound is not as
long as a radius that is claimed, both are compared in integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.certificates.claims import Claims
from hullspace.certificates.constraints import System
from hullspace.certificates.evaluations import Evaluation, Lengths
from hullspace.certificates.fields import array_of, float_of, floats_of, vector_of
from hullspace.certificates.regions_exact import ExactFunctions, ExactWeights, TooLargeError
from hullspace.certificates.regions_tree import OFF, ON
from hullspace.certificates.rounding import bound_of, gamma
from hullspace.networks.network import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable

    from hullspace.certificates.integers import Integers
    from hullspace.certificates.regions_tree import Bytes
    from hullspace.certificates.rounding import Bools, Floats

# Lower bounds of distances may allow for so many times the rounding that is accounted for here.
_CAUTION = 32.0
_ABOUT = 1.0 + 2.0**-20
# Distances that are decided in integers, and inputs of networks in which they are.
_MOST_EXACT, _MOST_INPUTS = 64, 512


def check_linear_region(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check a `LinearRegion`; see `hullspace.certificates.check`."""
    evaluation = Evaluation(subject)
    network = evaluation.network
    n = network.n_inputs
    point = floats_of(result, "point", (n,))
    packed = array_of(result, "pattern", (-(-network.n_hidden // 8),), "u")
    weight = vector_of(result.affine_map[0], "an affine map", (network.n_outputs, n))
    bias = vector_of(result.affine_map[1], "an affine map", (network.n_outputs,))
    bits = unpack(packed[None].astype(np.uint8), network.n_hidden)
    same = queries is None or np.array_equal(point, evaluation.point_of(queries))
    if not (same and evaluation.is_reliable and np.isfinite(point).all()):
        return np.zeros(1, dtype=bool)
    region = _Region(evaluation, point, bits[0])
    return np.array(
        [
            np.array_equal(pack(bits)[0], packed)
            and region.has_pattern()
            and region.has_label(result.label)
            and _is_inside(result.domain, point)
            and region.has_map(weight, bias)
            and region.has_radii(result, tolerance)
        ]
    )


def _is_inside(domain: Any, point: Floats) -> bool:
    if domain is None:
        return True
    system = System.of(domain.A, domain.b, (domain.E, domain.d))
    claims = Claims.of(system, np.zeros((1, len(system.rows))), {}, 0.0)
    return bool(claims.are_feasible(point[None])[0])


@dataclass(frozen=True)
class _Distances:
    """Distances to hyperplanes: proven ones, those of a cautious solver, and ones not exceeded."""

    proven: Floats
    cautious: Floats
    largest: Floats

    @classmethod
    def of(cls, values: Floats, doubts: Floats, lengths: tuple[Floats, Floats]) -> _Distances:
        """Divide values by lengths; infinite for constants."""
        least, most = lengths
        size = np.abs(values)
        constant = most == 0.0
        safe = np.where(constant, 1.0, most)
        proven = np.maximum(size - doubts, 0.0) / (safe * (1.0 + gamma(4)))
        longest = safe + _CAUTION * (most - least)
        cautious = np.maximum(size - _CAUTION * doubts, 0.0) / longest
        proven, cautious = (np.where(constant, np.inf, d) for d in (proven, cautious))
        largest = np.where(least > 0.0, (size + doubts) / np.where(least > 0.0, least, 1.0), np.inf)
        return cls(proven, cautious, largest)

    def may_be(self, claimed: float, tolerance: float) -> bool:
        """Whether a number may be the smallest of these distances, rounded down."""
        cautious, largest = self.cautious.min(initial=np.inf), self.largest.min(initial=np.inf)
        return bool((1.0 - tolerance) * cautious <= claimed <= largest)

    def doubtful(self, claimed: float) -> list[int]:
        """Return which distances may be shorter than a number."""
        return np.flatnonzero(self.proven < claimed).tolist()


class _Region:
    """What is known of the region of a pattern around a point, rounding included."""

    def __init__(self, evaluation: Evaluation, point: Floats, bits: Bools) -> None:
        self.evaluation, self.point, self.bits = evaluation, point, bits
        (hidden, hidden_doubts), (outputs, output_doubts) = evaluation.at(point[None])
        self.hidden, self.hidden_doubts = hidden[0], hidden_doubts[0]
        self.outputs, self.output_doubts = outputs[0], output_doubts[0]
        stages = evaluation.network.stages
        self._lengths = Lengths(len(bits))
        n_outputs = len(self.outputs)
        self.map = np.empty((n_outputs, len(point)))
        self.map_doubts = np.empty_like(self.map)
        for some, found in evaluation.slopes(bits):
            parts = (
                np.concatenate(
                    [each[i][:, s.hidden] for each, s in zip(found, stages, strict=True)], 1
                )
                for i in (0, 1)
            )
            self._lengths.add(*parts)
            self.map[:, some], self.map_doubts[:, some] = found[-1][0].T, found[-1][1].T

    def has_pattern(self) -> bool:
        """Whether no unit is beyond doubt on the other side at the point."""
        signed = np.where(self.bits, self.hidden, -self.hidden)
        return bool((signed >= -self.hidden_doubts).all())

    def has_label(self, label: int) -> bool:
        """Whether an output is the largest, or beyond doubt not alone with that."""
        least = (self.outputs - self.output_doubts).max()
        may_be = self.outputs + self.output_doubts >= least
        if label == -1:
            return bool(np.count_nonzero(may_be) > 1)
        return bool(0 <= label < len(may_be) and may_be[label])

    def has_map(self, weight: Floats, bias: Floats) -> bool:
        """Whether an affine map is that of the region, up to rounding."""
        close = np.abs(weight - self.map) <= 4.0 * self.map_doubts
        sizes = np.abs(weight) @ np.abs(self.point) + np.abs(bias)
        values = weight @ self.point + bias
        allowed = bound_of(4.0 * self.output_doubts + gamma(len(self.point) + 4) * sizes)
        return bool(close.all() and (np.abs(values - self.outputs) <= allowed).all())

    def has_radii(self, result: Any, tolerance: float) -> bool:
        """Whether radii are the distances to the nearest hyperplanes and ties, rounded down."""
        return all(
            self._has_radii(
                float_of(result, f"radius{suffix}"),
                float_of(result, f"class_radius{suffix}"),
                int(result.label),
                tolerance,
                exact=bool(getattr(result, f"exact{suffix}")),
                largest=largest,
            )
            for suffix, largest in (("", False), ("_inf", True))
        )

    def _has_radii(
        self,
        radius: float,
        class_radius: float,
        label: int,
        tolerance: float,
        *,
        exact: bool,
        largest: bool,
    ) -> bool:
        """Whether the radii in one norm are right."""
        lengths = self._lengths.bounds(largest=largest)
        units = _Distances.of(self.hidden, self.hidden_doubts, lengths)
        right = units.may_be(radius, tolerance)
        right = right and self._is_proven(radius, units, self._unit, largest=largest)
        if label == -1:
            return right and class_radius == 0.0 and exact
        ties = self._ties(label, largest=largest)
        if class_radius != radius:
            right = right and class_radius < radius and ties.may_be(class_radius, tolerance)
        others = np.delete(np.arange(len(self.outputs)), label)

        def tie(i: int) -> Integers:
            return self._tie(label, int(others[i]))

        right = right and self._is_proven(class_radius, ties, tie, largest=largest)
        reached = ties.cautious.min(initial=np.inf) <= radius
        missed = ties.largest.min(initial=np.inf) * _ABOUT >= radius
        return right and bool(reached if exact else missed)

    def _is_proven(
        self,
        claimed: float,
        distances: _Distances,
        row_of: Callable[[int], Integers],
        *,
        largest: bool,
    ) -> bool:
        """Whether no distance is shorter than claimed; in integers where rounding leaves doubt."""
        doubtful = distances.doubtful(claimed)
        if len(doubtful) > _MOST_EXACT or (doubtful and len(self.point) > _MOST_INPUTS):
            return False
        try:
            rows = [row_of(i) for i in doubtful]
        except TooLargeError:
            return False
        return all(_is_beyond(row, self.point, claimed, largest=largest) for row in rows)

    @cached_property
    def _functions(self) -> ExactFunctions:
        n = len(self.point)
        start = np.array([[int(i == j) for j in range(n + 1)] for i in range(n)], dtype=object)
        weights = ExactWeights(self.evaluation.network, self.evaluation.units)
        return ExactFunctions(weights, start, 0)

    @cached_property
    def _states(self) -> Bytes:
        return np.where(self.bits, ON, OFF).astype(np.uint8)

    def _unit(self, unit: int) -> Integers:
        """Return the affine function of a hidden unit, up to a factor."""
        return self._functions.rows(self._states, [unit])[0][0]

    def _tie(self, label: int, other: int) -> Integers:
        """Return the difference of two outputs, up to a factor."""
        last = len(self.evaluation.network.stages) - 1
        found = self._functions.rows_of(self._states, [(last, label), (last, other)])
        difference: Integers = found[0][0] - found[1][0]
        return difference

    def _ties(self, label: int, *, largest: bool) -> _Distances:
        """Return the distances to the ties of the region's affine map with a class."""
        others = np.delete(np.arange(len(self.outputs)), label)
        lengths = Lengths(len(others))
        slopes = (self.map[label] - self.map[others]).T
        lengths.add(slopes, (self.map_doubts[label] + self.map_doubts[others]).T)
        margins = self.outputs[label] - self.outputs[others]
        doubts = self.output_doubts[label] + self.output_doubts[others]
        return _Distances.of(margins, doubts, lengths.bounds(largest=largest))


def _is_beyond(row: Integers, point: Floats, radius: float, *, largest: bool) -> bool:
    """Whether a hyperplane, in integers, is at least that far from a point, exactly."""
    *slopes, constant = row.tolist()
    if not any(slopes):
        return True
    if not np.isfinite(radius):
        return False
    value = sum(a * Fraction(float(x)) for a, x in zip(slopes, point, strict=True)) + constant
    if largest:
        return bool(Fraction(radius) * sum(map(abs, slopes)) <= abs(value))
    return bool(Fraction(radius) ** 2 * sum(a * a for a in slopes) <= value**2)
