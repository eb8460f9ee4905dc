"""How far a network can be from its affine map at one input, by intervals.

Within a radius of the input each unit's output is what the input's linear region makes of it plus
a *deviation*: zero in the region, and beyond it at most what the units that may have changed sign
add. The affine part is known exactly; deviations are carried forward as intervals (S. Gowal et al.,
"Scalable verified training for provably robust image classification", ICCV 2019, carry the whole
value so). A radius takes two evaluations of the network, and no matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.regions._gradients import rounding_factor

if TYPE_CHECKING:
    from hullspace.networks import ReluNetwork, Stage
    from hullspace.regions._gradients import UnitGradients

_Floats = npt.NDArray[np.float64]
# A part that covers the few roundings around each sum of products.
_SPARE = 4.0


@dataclass(frozen=True)
class _Interval:
    """Intervals ``center - width`` to ``center + width``, one row for each radius."""

    center: _Floats
    width: _Floats

    @classmethod
    def between(cls, low: _Floats, high: _Floats) -> _Interval:
        return cls(0.5 * (low + high), 0.5 * (high - low))


class Deviations:
    """The deviations around one input, for radii in one norm.

    Parameters
    ----------
    network : ReluNetwork
        The network.
    found : UnitGradients
        Of the input.
    norm : 2 or inf
        What radii are measured in.
    label : int
        The input's class.
    """

    def __init__(
        self, network: ReluNetwork, found: UnitGradients, norm: float, label: int
    ) -> None:
        self.network, self.found, self.label = network, found, label
        self._gradients = found.lengths if norm == 2.0 else found.sizes
        self._norm = norm
        self._rounding = _SPARE * rounding_factor(network)

    @cached_property
    def _rows(self) -> _Floats:
        """Differences of the class's output and the others, as weights of the outputs."""
        rows = -np.eye(self.network.n_outputs)
        rows[:, self.label] += 1.0
        return np.delete(rows, self.label, axis=0)

    def margins(self, radii: _Floats) -> _Floats:
        """Bound the differences of the class's output and the others from below, (n_radii, n)."""
        held = self._forward(radii)[0]
        last, found, rows = self.network.stages[-1], self.found, self._rows
        gradients = rows @ found.affine_map[0]
        order = 2 if self._norm == 2.0 else 1
        sizes = np.abs(rows)
        lengths = np.linalg.norm(gradients, order, axis=1) + sizes @ found.gradient_errors[-1]
        start = rows @ found.inputs[-1] - sizes @ found.value_errors[-1]
        start = start - self._rounding * np.abs(start)
        low = start - (1.0 + self._rounding) * radii[:, None] * lengths
        for term in last.terms:
            weights = term.operator.apply_transposed(rows)
            part = held[term.source]
            spread = part.width + self._rounding * (np.abs(part.center) + part.width)
            spread = spread @ np.abs(weights).T * (1.0 + self._rounding)
            low = low + part.center @ weights.T - spread
        return low - self._rounding * np.abs(low)

    def bounds(self, radius: float) -> tuple[_Floats, _Floats]:
        """Bound the inputs of all hidden units within a radius, (n_hidden,) each."""
        _, low, high = self._forward(np.array([radius]))
        return np.concatenate(low, axis=1)[0], np.concatenate(high, axis=1)[0]

    def _forward(self, radii: _Floats) -> tuple[list[_Interval], list[_Floats], list[_Floats]]:
        """Return the deviations of all stages but the last, and bounds of the hidden inputs."""
        nothing = np.zeros((len(radii), self.network.n_inputs))
        held, lows, highs = [_Interval(nothing, nothing)], [np.zeros((len(radii), 0))], []
        highs.append(lows[0])
        for k, stage in enumerate(self.network.stages[:-1]):
            deviation = self._affine(stage, held)
            reach = (1.0 + self._rounding) * (
                radii[:, None] * (self._gradients[k] + self.found.gradient_errors[k])
                + self.found.value_errors[k]
            )
            reach = reach + self._rounding * np.abs(self.found.inputs[k])
            affine = _Interval(self.found.inputs[k], reach)
            held.append(_through(affine, deviation, stage.slopes, self.found.factors[k]))
            width = (1.0 + self._rounding) * (reach + deviation.width)
            center = affine.center + deviation.center
            width = width + self._rounding * np.abs(center)
            lows.append((center - width)[:, stage.hidden])
            highs.append((center + width)[:, stage.hidden])
        return held, lows, highs

    def _affine(self, stage: Stage, held: list[_Interval]) -> _Interval:
        center = np.zeros((len(held[0].center), stage.n_units))
        width = np.zeros_like(center)
        for term in stage.terms:
            part = held[term.source]
            spread = part.width + self._rounding * (np.abs(part.center) + part.width)
            center += term.operator.apply(part.center)
            width += term.operator.absolute().apply(spread)
        return _Interval(center, width * (1.0 + self._rounding))


def _through(
    affine: _Interval, deviation: _Interval, slopes: _Floats, factors: _Floats
) -> _Interval:
    """Bound ``unit(a + d) - factor * a``: the deviations of units' outputs.

    The function is affine on both sides of ``a + d = 0``, so its extremes over the rectangle are at
    corners and where that line meets the sides.
    """
    a_ends = (affine.center - affine.width, affine.center + affine.width)
    d_ends = (deviation.center - deviation.width, deviation.center + deviation.width)
    low, high = np.inf, -np.inf
    corners = [(a, d) for a in a_ends for d in d_ends]
    corners += [(a, np.clip(-a, *d_ends)) for a in a_ends]
    corners += [(np.clip(-d, *a_ends), d) for d in d_ends]
    for a, d in corners:
        total = a + d
        value = np.where(total > 0.0, total, slopes * total) - factors * a
        low, high = np.minimum(low, value), np.maximum(high, value)
    return _Interval.between(np.asarray(low), np.asarray(high))
