"""How far a network can be from its affine map at one input, by intervals.

Within a radius of the input each unit's output is what the input's linear region makes of it plus
a *deviation*: zero in the region, and beyond it at most what the units that may have changed sign
add. The affine part is known exactly; deviations are carried forward as intervals, as S. Gowal et
al., "Scalable verified training for provably robust image classification", ICCV 2019, do with the
whole value. A radius costs two evaluations of the network, and no matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from hullspace.bounds.gradients import UnitGradients
    from hullspace.networks import ReluNetwork, Stage

_Floats = npt.NDArray[np.float64]
# Radii that are tried at a time, and rounds of them.
_RADII, _ROUNDS = 16, 8
# Where the search begins if nothing is proven yet, relative to where it ends.
_LEAST = 1e-9


@dataclass(frozen=True)
class _Interval:
    """Intervals ``center - width`` to ``center + width``, one row for each radius."""

    center: _Floats
    width: _Floats

    @property
    def ends(self) -> tuple[_Floats, _Floats]:
        return self.center - self.width, self.center + self.width

    def widened(self, rounding: float) -> _Floats:
        """Return widths that cover the rounding of a product with the interval, too."""
        return self.width + rounding * (np.abs(self.center) + self.width)


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
    rounding : float
        What sums of products may be off by, relative to the sums of their absolute values.
    """

    def __init__(
        self,
        network: ReluNetwork,
        found: UnitGradients,
        norm: float,
        label: int,
        rounding: float,
    ) -> None:
        self.network, self.found, self.rounding = network, found, rounding
        self._gradients = found.lengths if norm == 2.0 else found.sizes
        self._dual = 2 if norm == 2.0 else 1
        rows = -np.eye(network.n_outputs)
        rows[:, label] += 1.0
        self._rows = np.delete(rows, label, axis=0)

    @cached_property
    def _margins_start(self) -> tuple[_Floats, _Floats]:
        """Lower bounds of the margins at the input, and upper bounds of their gradients' norms."""
        found, sizes = self.found, np.abs(self._rows)
        start = self._rows @ found.inputs[-1]
        start -= sizes @ found.value_errors[-1] + self.rounding * np.abs(start)
        lengths = np.linalg.norm(self._rows @ found.affine_map[0], self._dual, axis=1)
        return start, (1.0 + self.rounding) * (lengths + sizes @ found.gradient_errors[-1])

    def margins(self, radii: _Floats) -> _Floats:
        """Bound the class's output less each of the others from below, (n_radii, n_outputs - 1)."""
        held, _ = self._forward(radii)
        start, lengths = self._margins_start
        low: _Floats = start - (1.0 + self.rounding) * radii[:, None] * lengths
        for term in self.network.stages[-1].terms:
            weights = term.operator.apply_transposed(self._rows).T
            part = held[term.source]
            spread = part.widened(self.rounding) @ np.abs(weights)
            low = low + part.center @ weights - (1.0 + self.rounding) * spread
            low = low - self.rounding * np.abs(low)
        return low

    def bounds(self, radius: float) -> tuple[_Floats, _Floats]:
        """Bound the inputs of all hidden units within a radius, (n_hidden,) each."""
        _, inputs = self._forward(np.array([radius]))
        nothing = np.zeros(0)
        low = np.concatenate([nothing, *(ends[0] for ends in inputs)])
        return low, np.concatenate([nothing, *(ends[1] for ends in inputs)])

    def radius(self, proven: float, end: float, tolerance: float) -> float:
        """Return the largest radius, up to an end, in which all margins are found positive.

        Parameters
        ----------
        proven : float
            A radius that needs no check.
        end : float
            Where to stop; finite.
        tolerance : float
            How much larger, relative to the answer, the next radius that was tried is.
        """
        low, high = proven or _LEAST * end, end
        for _ in range(_ROUNDS):
            if high <= low * (1.0 + tolerance):
                break
            radii = np.geomspace(low, high, _RADII)
            good = (self.margins(radii) > 0.0).all(axis=1)
            count = len(radii) if good.all() else int(good.argmin())
            proven = max(proven, float(radii[count - 1]) if count else 0.0)
            if count in {0, len(radii)}:
                break
            low, high = float(radii[count - 1]), float(radii[count])
        return min(proven, end)

    def _forward(self, radii: _Floats) -> tuple[list[_Interval], list[tuple[_Floats, _Floats]]]:
        """Return the deviations of all stages' outputs, and bounds of the hidden inputs."""
        nothing = np.zeros((len(radii), self.network.n_inputs))
        held, inputs, found = [_Interval(nothing, nothing)], [], self.found
        more = 1.0 + self.rounding
        for k, stage in enumerate(self.network.stages[:-1]):
            deviation = self._affine(stage, held)
            reach = radii[:, None] * (self._gradients[k] + found.gradient_errors[k])
            affine = _Interval(found.inputs[k], more * (reach + found.value_errors[k]))
            held.append(self._through(affine, deviation, stage.slopes, found.factors[k]))
            total = _Interval(affine.center + deviation.center, affine.width + deviation.width)
            total = _Interval(total.center, total.widened(self.rounding))
            low, high = (end[0, stage.hidden] for end in total.ends)
            inputs.append((low, high))
        return held, inputs

    def _affine(self, stage: Stage, held: list[_Interval]) -> _Interval:
        center = np.zeros((len(held[0].center), stage.n_units))
        width = np.zeros_like(center)
        for term in stage.terms:
            part = held[term.source]
            center += term.operator.apply(part.center)
            width += term.operator.absolute().apply(part.widened(self.rounding))
        return _Interval(center, width * (1.0 + self.rounding))

    def _through(
        self, affine: _Interval, deviation: _Interval, slopes: _Floats, factors: _Floats
    ) -> _Interval:
        """Bound ``unit(a + d) - factor * a``: the deviations of units' outputs.

        The function is affine on both sides of ``a + d = 0``, so its extremes over the rectangle
        are at corners and where that line meets the sides.
        """
        sides, ends = affine.ends, deviation.ends
        corners = [(a, d) for a in sides for d in ends]
        corners += [(a, np.clip(-a, *ends)) for a in sides]
        corners += [(np.clip(-d, *sides), d) for d in ends]
        low, high, size = np.full((3, *deviation.center.shape), [[[np.inf]], [[-np.inf]], [[0.0]]])
        for a, d in corners:
            total = a + d
            value = np.where(total > 0.0, total, slopes * total) - factors * a
            low, high = np.minimum(low, value), np.maximum(high, value)
            size = np.maximum(size, np.abs(a) + np.abs(d))
        steepest = np.maximum(1.0, np.abs(slopes))
        spread = 0.5 * (high - low) + self.rounding * steepest * size
        return _Interval(0.5 * (high + low), spread)
