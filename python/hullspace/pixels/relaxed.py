"""Radii proven by linear bounds on the network: those of the exact search, without branching.

Within a radius r, lines that replace the units bound each margin from below by an affine function
(H. Zhang et al., "Efficient neural network robustness certification with general activation
functions", NeurIPS 2018), which gives a distance d(r) that points with a margin of at most 0 keep,
if they are within r. So ``min(r, d(r))`` is proven. d falls with r: the largest radius that can be
proven so is where the two meet, and each r tells on which side of it that is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.bounds.ascent import ascend, start_slopes
from hullspace.bounds.reduction import reduce_network
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.bounds.norms import Norm
    from hullspace.networks import ReluNetwork
    from hullspace.pixels.deviations import Deviations

_Floats = npt.NDArray[np.float64]
# Steps of ascent for the margins, and for the units' bounds.
_STEPS, _UNIT_STEPS = 20, 1
# A distance so many times the radius is as good as any; radii that are tried at most.
_BEYOND, _TRIES = 4.0, 60
# Where nothing can be proven, the search ends with radii so much smaller than its first.
_LEAST = 1e-6
# Bytes for each unit and each input or open unit: their matrix, and what is made of it.
_BYTES = 24


@dataclass
class Relaxed:
    """The search for one input's radius in one norm.

    Attributes
    ----------
    network, point, label : ReluNetwork, (n_inputs,) float64, int
        The network, the input and its class.
    norm : Euclidean or Largest
        The norm, in the box that inputs are in.
    deviations : Deviations
        What bounds the units' inputs first.
    memory : float
        Bytes that the bounds may take.
    deadline : float
        When to stop, by ``time.perf_counter``.
    """

    network: ReluNetwork
    point: _Floats
    label: int
    norm: Norm
    deviations: Deviations
    memory: float
    deadline: float
    # Bounds of all units' inputs within the radius in front.
    _known: tuple[float, _Floats, _Floats] | None = field(default=None, init=False)

    def radius(
        self, proven: float, guess: float, end: float, tolerance: float
    ) -> tuple[float, Status]:
        """Find the largest radius, up to an end, that can be proven, but for a tolerance.

        Parameters
        ----------
        proven : float
            A radius that needs no check.
        guess, end : float
            Where to start and to stop; finite and positive.
        tolerance : float
            How much farther, relative to the answer, the bounds might have reached.
        """
        if not self._fits(0):
            return proven, Status.LIMIT
        low, high, r, status = proven, np.inf, min(guess, end), Status.COMPLETE
        near, far = (proven, np.inf), (np.inf, 0.0)
        for _ in range(_TRIES):
            if time.perf_counter() >= self.deadline:
                return low, Status.LIMIT
            d = self._distance(r)
            if d is None:
                # The bounds need too much memory this far out.
                status, high = Status.LIMIT, min(high, r)
            else:
                low, high = max(low, min(r, d)), min(high, max(r, d) if d < _BEYOND * r else np.inf)
            if d is not None and d >= r:
                near = (r, d)
            else:
                far = (r, d or 0.0)
            if low >= end or high <= max(low * (1.0 + tolerance), _LEAST * guess):
                return low, status
            r = min(_between(near, far, low, high), end)
        return low, Status.LIMIT

    def _fits(self, n_open: int) -> bool:
        n_units = sum(stage.n_units for stage in self.network.stages)
        return _BYTES * n_units * (self.network.n_inputs + n_open) <= self.memory

    def _distance(self, r: float) -> float | None:
        """Return a distance that points where the class changes keep, if they are within r.

        None if the bounds need too much memory.
        """
        low, high = self.deviations.bounds(r * (1.0 + 1e-9))
        if self._known is not None and self._known[0] >= r:
            low, high = np.maximum(low, self._known[1]), np.minimum(high, self._known[2])
        if not self._fits(int(((low < 0.0) & (high > 0.0)).sum())):
            return None
        zones = self.norm.zones(r * (1.0 + 1e-12))
        reduced = reduce_network(
            self.network, self.point, self.norm, zones, (low, high), _UNIT_STEPS
        )
        others = np.delete(np.arange(self.network.n_outputs), self.label)
        goal = reduced.outputs.take([self.label] * len(others))
        goal = goal.minus(reduced.outputs.take(others))
        model = reduced.model
        shape = (len(others), len(model))
        low, high = (
            np.broadcast_to(end[model.units], shape) for end in (reduced.low, reduced.high)
        )
        start = (start_slopes(model, low, high), np.zeros(shape), np.zeros(len(others)))
        enough = self.norm.value(_BEYOND * r)
        duals = ascend(model, goal, low, high, start, self.norm, enough, _STEPS)
        found = self.norm.distance(float(duals.values.min()))
        if found < r:
            self._known = (r, reduced.low, reduced.high)
        return found


def _between(near: tuple[float, float], far: tuple[float, float], low: float, high: float) -> float:
    """Return the next radius, given the last ones on both sides and their distances."""
    (r, d), (s, e) = near, far
    if not np.isfinite(s):
        # The distance falls a few times as fast as the radius grows.
        return 2.0 * r if d >= _BEYOND * r else r * (d / r) ** 0.25
    if not np.isfinite(d):
        return float(np.sqrt(max(low, s / _BEYOND**2) * s))
    # Where the line through both meets the radius.
    crossing = (d * (s - r) + r * (d - e)) / (s - r + d - e)
    margin = 0.1 * (high - low)
    return float(np.clip(crossing, low + margin, high - margin))
