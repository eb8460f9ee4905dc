"""Double precision with error bounds: inputs of units at points, and sums of constraints.

Notes
-----
A sum of k products, in any order and with fused operations or without, differs from the exact one
by at most ``gamma_k = k u / (1 - k u)`` times the sum of the products' absolute values, with
``u = 2**-53`` [1]_. With ``|exact - computed| <= error`` for what a stage takes, what it computes
is in error by no more than::

    |W| @ (error + gamma |computed|) + gamma |bias|

where k counts the terms of the largest row, the operators and the bias, and the factor of the unit
before. The operators' `absolute` gives ``|W|``. The bound itself is a sum of positive terms, so a
small factor covers its own rounding. Products that underflow are covered by a floor under the
error of every number that is not exactly zero; a network with weights that are too small or too
large for that is left to rational arithmetic. An error of zero therefore means that a number, zero,
is exact.

References
----------
.. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM 2002,
   sections 3.1 and 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.certificates.rounding import ROUNDOFF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hullspace.certificates.regions_tree import Units
    from hullspace.networks import ReluNetwork, Stage

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Bounded = tuple[Floats, Floats]  # numbers, and how far the exact ones may be from them

# Covers the rounding of bounds, which are sums of up to 2**30 positive terms.
INFLATE = 1.0 + 2.0**-20
_LARGEST = 2.0**200
FLOOR = 2.0**-400
# Elements of the arrays of one stage that are handled at a time: 8 MB.
BLOCK = 2**20


def gamma(n_terms: int | Ints) -> Floats:
    """Bound the relative error of a sum of products."""
    share = np.asarray(n_terms, dtype=np.float64) * ROUNDOFF
    return np.asarray(share / (1.0 - share) * INFLATE)


def spread(values: Floats, errors: Floats, share: Floats | float) -> Floats:
    """Error that a sum takes over from each of its terms, and adds for it."""
    known = (values == 0.0) & (errors == 0.0)
    return np.where(known, 0.0, np.maximum(errors + share * np.abs(values), FLOOR))


def are_moderate(values: Floats) -> bool:
    """Whether numbers are zero, or neither so small nor so large that bounds would break down."""
    sizes = np.abs(values[values != 0.0])
    return bool(((sizes >= 1.0 / _LARGEST) & (sizes <= _LARGEST)).all())


def _affine(points: Floats, matrix: Floats, offsets: Floats) -> Bounded:
    """Return ``matrix @ x + offsets`` at exact points, with bounds of the errors."""
    share = gamma(matrix.shape[1] + 2)
    errors = spread(points, np.zeros_like(points), share) @ np.abs(matrix).T
    return points @ matrix.T + offsets, (errors + share * np.abs(offsets)) * INFLATE


@dataclass(frozen=True)
class Frame:
    """The coordinates y that a domain is given in, ``x = origin + basis @ y``, and the domain.

    Attributes
    ----------
    origin : (n_inputs,) float64
    basis : (n_inputs, d) float64
    A, b : (n_constraints, d) and (n_constraints,) float64
        The domain is ``A y <= b``.
    is_identity : bool
        Whether x is y.
    """

    origin: Floats
    basis: Floats
    A: Floats
    b: Floats
    is_identity: bool

    @cached_property
    def box(self) -> tuple[Floats, Floats]:
        """Bounds of the coordinates by the constraints on single ones, rounded outward."""
        lower, upper = np.full(self.A.shape[1], -np.inf), np.full(self.A.shape[1], np.inf)
        single = np.flatnonzero(np.count_nonzero(self.A, axis=1) == 1)
        places = np.argmax(self.A[single] != 0.0, axis=1)
        slopes = self.A[single, places]
        with np.errstate(all="ignore"):
            bounds = self.b[single] / slopes
        up = slopes > 0.0
        np.minimum.at(upper, places[up], np.nextafter(bounds[up], np.inf))
        np.maximum.at(lower, places[~up], np.nextafter(bounds[~up], -np.inf))
        return lower, upper

    def inputs(self, points: Floats) -> Bounded:
        """Return the inputs of the network at points, with bounds of their errors."""
        if self.is_identity:
            return points, np.zeros_like(points)
        return _affine(points, self.basis, self.origin)

    def outside(self, points: Floats) -> Bools:
        """Whether points may violate a constraint or be on its hyperplane, (n, n_constraints)."""
        void = ~self.A.any(axis=1) & (self.b >= 0.0)
        if not (are_moderate(self.A) and are_moderate(self.b)):
            return np.tile(~void, (len(points), 1))
        values, errors = _affine(points, self.A, -self.b)
        return ~((values + errors < 0.0) | void)


class FloatingNetwork:
    """Inputs of units, as numbers at points or as affine functions, with bounds of the errors."""

    def __init__(self, network: ReluNetwork, units: Units, frame: Frame) -> None:
        self.network, self.units, self.frame = network, units, frame
        self._absolute = [
            [term.operator.absolute() for term in stage.terms] for stage in network.stages
        ]
        self.is_reliable = are_moderate(frame.basis) and all(
            are_moderate(values)
            for stage in network.stages
            for values in (stage.bias, stage.slopes, *(t.operator.elements for t in stage.terms))
        )

    @property
    def width(self) -> int:
        """Units of the largest stage, or inputs."""
        return max(self.network.n_inputs, *(stage.n_units for stage in self.network.stages))

    def forward(
        self, starts: Floats, errors: Floats, constants: Floats, bits: Bools, n_stages: int
    ) -> Iterator[Bounded]:
        """Yield the inputs of the units of each stage, (n, n_rows, n_units), under given patterns.

        Parameters
        ----------
        starts, errors : (n, n_rows, n_inputs) float64
            Inputs of the network, or coefficients of them.
        constants : (n_rows,) float64
            What each row multiplies the biases by, 0 or 1.
        bits : (n, >= units of all stages but the last) bool
            The side that each hidden unit is taken to be on.
        n_stages : int
            How many stages.
        """
        outputs = [(starts, errors)]
        for k, stage in enumerate(self.network.stages[:n_stages]):
            values, doubts = self._inputs(k, stage, outputs, constants)
            yield values, doubts
            if k + 1 < n_stages:
                factors = np.ones((len(starts), stage.n_units))
                own = bits[:, self.units.first[k] : self.units.first[k + 1]]
                factors[:, stage.hidden] = np.where(own, 1.0, stage.slopes[stage.hidden])
                factors = factors[:, None, :]
                outputs.append((factors * values, np.abs(factors) * doubts))

    def _inputs(self, k: int, stage: Stage, outputs: list[Bounded], constants: Floats) -> Bounded:
        terms = sum(term.operator.longest_row for term in stage.terms) + len(stage.terms) + 4
        share = gamma(terms)
        shape = (*outputs[0][0].shape[:2], stage.n_units)
        values = np.broadcast_to(constants[:, None] * stage.bias, shape).copy()
        doubts = share * np.abs(values)
        for term, absolute in zip(stage.terms, self._absolute[k], strict=True):
            before, errors = outputs[term.source]
            n_in = before.shape[2]
            values += term.operator.apply(before.reshape(-1, n_in)).reshape(shape)
            passed = spread(before, errors, share).reshape(-1, n_in)
            doubts += absolute.apply(passed).reshape(shape)
        return values, doubts * INFLATE

    def evaluate(self, points: Floats, errors: Floats) -> list[Bounded]:
        """Return the inputs of every stage's units at points, (n, n_units); last the outputs.

        Units are on whatever side they are on: no unit changes faster than its input, or its input
        times its slope, so that errors pass through it.
        """
        outputs, found = [(points[:, None], errors[:, None])], []
        for k, stage in enumerate(self.network.stages):
            values, doubts = self._inputs(k, stage, outputs, np.ones(1))
            found.append((values[:, 0], doubts[:, 0]))
            given = np.where(values > 0.0, values, stage.slopes * values)
            outputs.append((given, np.maximum(np.abs(stage.slopes), 1.0) * doubts))
        return found

    def doubtful_units(self, points: Floats, bits: Bools) -> Bools:
        """Whether a unit's input at the point of a pattern may have another sign, (n, n_hidden)."""
        found = np.ones(bits.shape, dtype=bool)
        if not self.is_reliable:
            return found
        inputs, errors = self.frame.inputs(points)
        n_stages = len(self.network.stages) - 1
        step = max(BLOCK // self.width, 1)
        for first in range(0, len(points), step):
            some = slice(first, first + step)
            results = self.forward(
                inputs[some, None], errors[some, None], np.ones(1), bits[some], n_stages
            )
            for k, (values, doubts) in enumerate(results):
                own = slice(self.units.first[k], self.units.first[k + 1])
                hidden = self.network.stages[k].hidden
                signed = np.where(bits[some, own], values[:, 0, hidden], -values[:, 0, hidden])
                found[some, own] = ~(signed > doubts[:, 0, hidden])
        return found

    def maps(self, bits: Bools, n_stages: int) -> Bounded:
        """Affine functions of the hidden units of the first stages, (n, d + 1, n_units).

        The coefficients of y, then the constant, under each pattern.
        """
        frame = self.frame
        start = np.vstack([frame.basis.T, frame.origin])
        starts = np.broadcast_to(start, (len(bits), *start.shape))
        constants = np.zeros(len(start))
        constants[-1] = 1.0
        found = [
            (values[:, :, stage.hidden], errors[:, :, stage.hidden])
            for (values, errors), stage in zip(
                self.forward(starts, np.zeros_like(starts), constants, bits, n_stages),
                self.network.stages,
                strict=False,
            )
        ]
        values, errors = (np.concatenate(parts, axis=2) for parts in zip(*found, strict=True))
        return values, errors
