"""Distances to the hyperplanes of a network's units, with every rounding error bounded.

The standard model of rounding: a sum of n products is off by at most n u / (1 - n u) times the sum
of their absolute values (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", section
3.1). Carried through the stages, the error of a unit's input is at most the same factor for all
stages together times what the network of absolute values makes of the absolute input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hullspace.networks import ReluNetwork

_Floats = npt.NDArray[np.float64]
_UNIT = 2.0**-53
# The norms and quotients below are a few roundings more.
_SPARE = 1.0 + 2.0**-40


@dataclass(frozen=True)
class UnitGradients:
    """The affine map of a point's region, and the sizes of its units' gradients, stage by stage.

    Attributes
    ----------
    bits : (n_hidden,) bool
        The activation pattern.
    factors : list of (n_units,) float64
        What it makes of the units' inputs.
    inputs : list of (n_units,) float64
        The units' inputs at the point.
    lengths, sizes : list of (n_units,) float64
        Norms of their gradients: the 2-norm and the 1-norm.
    value_errors, gradient_errors : list of (n_units,) float64
        The inputs, and the gradients in the 1-norm, are off by at most this.
    affine_map : ((n_outputs, n_inputs), (n_outputs,)) float64
        Of the outputs.
    """

    bits: npt.NDArray[np.bool_]
    factors: list[_Floats]
    inputs: list[_Floats]
    lengths: list[_Floats]
    sizes: list[_Floats]
    value_errors: list[_Floats]
    gradient_errors: list[_Floats]
    affine_map: tuple[_Floats, _Floats]


@dataclass(frozen=True)
class UnitDistances:
    """Lower bounds on distances from a point, and the affine map of its region.

    Attributes
    ----------
    bits : (n_hidden,) bool
        The activation pattern.
    euclidean, largest : (n_hidden,) float64
        To the units' hyperplanes, in two norms; infinite for units that are constant.
    outputs : (n_outputs,) float64
        At the point.
    affine_map : ((n_outputs, n_inputs), (n_outputs,)) float64
        Of the outputs.
    value_errors, gradient_errors : (n_outputs,) float64
        The outputs, and the gradients in the 1-norm, are off by at most this.
    """

    bits: npt.NDArray[np.bool_]
    euclidean: _Floats
    largest: _Floats
    outputs: _Floats
    affine_map: tuple[_Floats, _Floats]
    value_errors: _Floats
    gradient_errors: _Floats

    def ties(self, label: int) -> tuple[float, float]:
        """Return lower bounds on the distances to the affine map's nearest tie with a class."""
        others = np.delete(np.arange(len(self.outputs)), label)
        if not len(others):
            return np.inf, np.inf
        rows = self.affine_map[0][label] - self.affine_map[0][others]
        margins = self.outputs[label] - self.outputs[others]
        values = self.value_errors[label] + self.value_errors[others]
        slopes = self.gradient_errors[label] + self.gradient_errors[others]
        sizes = np.abs(rows).sum(axis=1)
        euclidean = np.linalg.norm(rows, axis=1)
        return (
            float(_quotients(margins, values, euclidean, slopes).min()),
            float(_quotients(margins, values, sizes, slopes).min()),
        )


def _quotients(values: _Floats, errors: _Floats, norms: _Floats, slopes: _Floats) -> _Floats:
    """Lower bounds on ``|value| / norm`` where both are off; infinite for a constant."""
    least = np.maximum(np.abs(values) * (2.0 - _SPARE) - errors * _SPARE, 0.0)
    most = (norms + slopes) * _SPARE
    found = np.full(len(values), np.inf)
    np.divide(least, most * _SPARE, out=found, where=most > 0.0)
    return found


def rounding_factor(network: ReluNetwork) -> float:
    """Return what the sums of all stages may be off by, relative to absolute values."""
    roundings = sum(
        3 + sum(term.operator.longest_row + 1 for term in stage.terms) for stage in network.stages
    )
    return roundings * _UNIT / (1.0 - roundings * _UNIT) * _SPARE


def relaxation_rounding(network: ReluNetwork) -> float:
    """Return the same for bounds made of lines that replace units."""
    return 8.0 * (rounding_factor(network) + _UNIT * (network.n_inputs + network.n_hidden + 8))


def forward(network: ReluNetwork, rows: _Floats, factors: list[_Floats]) -> Iterator[_Floats]:
    """Yield what each stage's affine part without bias makes of a batch, dropping what is used."""
    last = {term.source: k for k, stage in enumerate(network.stages) for term in stage.terms}
    held = {0: rows}
    for k, stage in enumerate(network.stages):
        total = np.zeros((len(rows), stage.n_units))
        for term in stage.terms:
            total += term.operator.apply(held[term.source])
        yield total
        held[k + 1] = factors[k] * total
        held = {source: value for source, value in held.items() if last.get(source, -1) > k}


def absolute_sums(
    network: ReluNetwork, point: _Floats, factors: list[_Floats]
) -> tuple[list[_Floats], list[_Floats]]:
    """Return the sums of absolute values over all paths, stage by stage.

    The first are of the inputs' sizes and all biases: they bound the units' inputs. The second are
    of ones, without biases: they bound the 1-norms of the gradients.
    """
    held = [np.vstack([np.abs(point), np.ones(len(point))])]
    values, slopes = [], []
    for stage, factor in zip(network.stages, factors, strict=True):
        total = np.zeros((2, stage.n_units))
        total[0] = np.abs(stage.bias)
        for term in stage.terms:
            total += term.operator.absolute().apply(held[term.source])
        values.append(total[0])
        slopes.append(total[1])
        held.append(np.abs(factor) * total)
    return values, slopes


def unit_gradients(
    network: ReluNetwork, point: _Floats, memory: float, rounding: float
) -> UnitGradients:
    """Carry the gradients of all units forward and keep their norms.

    `rounding` is `rounding_factor`, or 0 to take the arithmetic for exact.
    """
    inputs = [a[0] for a in network.preactivations(point[None])]
    hidden = [stage.hidden for stage in network.stages]
    bits = np.concatenate([a[units] > 0.0 for a, units in zip(inputs, hidden, strict=True)])
    factors = network.factors(bits)
    squares, sizes, outputs = _norms(network, factors, memory)
    value_sums, slope_sums = absolute_sums(network, point, factors)
    return UnitGradients(
        bits,
        factors,
        inputs,
        [np.sqrt(part) for part in squares],
        sizes,
        [rounding * part for part in value_sums],
        [rounding * part for part in slope_sums],
        (outputs, inputs[-1] - outputs @ point),
    )


def unit_distances(network: ReluNetwork, found: UnitGradients) -> UnitDistances:
    """Bound the distances to the hyperplanes of all hidden units from below."""
    hidden = [stage.hidden for stage in network.stages]

    def of_units(parts: list[_Floats]) -> _Floats:
        return np.concatenate([part[units] for part, units in zip(parts, hidden, strict=True)])

    values, errors = of_units(found.inputs), of_units(found.value_errors)
    slopes = of_units(found.gradient_errors)
    return UnitDistances(
        found.bits,
        _quotients(values, errors, of_units(found.lengths), slopes),
        _quotients(values, errors, of_units(found.sizes), slopes),
        found.inputs[-1],
        found.affine_map,
        found.value_errors[-1],
        found.gradient_errors[-1],
    )


def _norms(
    network: ReluNetwork, factors: list[_Floats], memory: float
) -> tuple[list[_Floats], list[_Floats], _Floats]:
    """Return all gradients' sums of squares and of sizes, and the outputs' gradients."""
    n, width = network.n_inputs, sum(stage.n_units for stage in network.stages)
    step = int(min(n, max(1.0, memory / (16.0 * (width + n)))))
    squares = [np.zeros(stage.n_units) for stage in network.stages]
    sizes = [np.zeros(stage.n_units) for stage in network.stages]
    outputs = np.empty((network.n_outputs, n))
    for first in range(0, n, step):
        rows = np.eye(min(step, n - first), n, first)
        rows_out = rows
        for k, columns in enumerate(forward(network, rows, factors)):
            squares[k] += np.einsum("ij,ij->j", columns, columns)
            sizes[k] += np.abs(columns).sum(axis=0)
            rows_out = columns
        outputs[:, first : first + step] = rows_out.T
    return squares, sizes, outputs
