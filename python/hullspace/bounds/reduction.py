"""The part of a network that is not affine in a box around a point."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.bounds.ascent import both_bounds
from hullspace.bounds.relaxation import Functions, Model, joined

if TYPE_CHECKING:
    from hullspace.bounds.norms import Norm, Zones
    from hullspace.networks import ReluNetwork, Stage

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reduced:
    """A network in a ball: the units without a sign, and the outputs in terms of them.

    Attributes
    ----------
    model : Model
        The units without a sign; inputs are relative to the point.
    low, high : (n_hidden,) float64
        Bounds of the inputs of all hidden units.
    outputs : Functions
        The network's outputs.
    """

    model: Model
    low: _Floats
    high: _Floats
    outputs: Functions


@dataclass
class _Maps:
    """Outputs of a stage as functions of the input, relative to the point, and of the units."""

    x: _Floats  # (n_inputs + 1, n) with the constants last
    z: _Floats  # (n_units, n)
    sizes: _Floats  # (1, n)


@dataclass
class _Sweep:
    """Reduces stage after stage."""

    network: ReluNetwork
    norm: Norm
    zones: Zones
    known: tuple[_Floats, _Floats]
    steps: int
    maps: list[_Maps] = field(default_factory=list)
    parts: list[Functions] = field(default_factory=list)
    units: list[npt.NDArray[np.int64]] = field(default_factory=list)
    slopes: list[_Floats] = field(default_factory=list)
    blocks: list[slice] = field(default_factory=list)
    low: list[_Floats] = field(default_factory=list)
    high: list[_Floats] = field(default_factory=list)
    n_units: int = 0
    n_hidden: int = 0

    def functions(self, stage: Stage) -> Functions:
        """Return the inputs of a stage's units."""
        n = self.network.n_inputs
        x, z = np.zeros((n + 1, stage.n_units)), np.zeros((self.n_units, stage.n_units))
        x[-1], sizes = stage.bias, np.abs(stage.bias)
        for term in stage.terms:
            source = self.maps[term.source]
            x += term.operator.apply(source.x)
            if len(source.z):
                z[: len(source.z)] += term.operator.apply(source.z)
            sizes = sizes + term.operator.absolute().apply(source.sizes)[0]
        return Functions(
            np.ascontiguousarray(x[:-1].T), np.ascontiguousarray(z.T), x[-1].copy(), sizes
        )

    def model(self) -> Model:
        """Return the units so far."""
        n = self.network.n_inputs
        empty = Functions(np.zeros((0, n)), np.zeros((0, self.n_units)), np.zeros(0), np.zeros(0))
        wide = [
            Functions(
                part.x_rows,
                np.pad(part.z_rows, ((0, 0), (0, self.n_units - part.z_rows.shape[1]))),
                part.offsets,
                part.sizes,
            )
            for part in self.parts
        ]
        return Model(
            np.concatenate([np.zeros(0, np.int64), *self.units]),
            joined([empty, *wide]),
            np.concatenate([np.zeros(0), *self.slopes]),
            tuple(self.blocks),
        )

    def take(self, stage: Stage) -> None:
        """Bound a stage's units and keep those that have no sign."""
        inputs, hidden = self.functions(stage), stage.hidden
        here = slice(self.n_hidden, self.n_hidden + len(hidden))
        of_units = inputs.take(hidden)
        low, high = self.bounds(of_units, self.known[0][here], self.known[1][here])
        open_units = np.flatnonzero((low < 0.0) & (high > 0.0))
        places = hidden[open_units]
        factors = np.ones(stage.n_units)
        factors[hidden[high <= 0.0]] = stage.slopes[hidden[high <= 0.0]]
        factors[places] = 0.0
        x = np.vstack([inputs.x_rows.T, inputs.offsets]) * factors
        z = np.vstack([inputs.z_rows.T * factors, np.zeros((len(places), stage.n_units))])
        z[self.n_units + np.arange(len(places)), places] = 1.0
        sizes = (np.maximum(1.0, np.abs(stage.slopes)) * inputs.sizes)[None]
        self.maps.append(_Maps(x, z, sizes))
        self.low.append(low)
        self.high.append(high)
        if len(places):
            self.parts.append(inputs.take(places))
            self.units.append(here.start + open_units)
            self.slopes.append(stage.slopes[places])
            self.blocks.append(slice(self.n_units, self.n_units + len(places)))
        self.n_units += len(places)
        self.n_hidden = here.stop

    def bounds(self, inputs: Functions, low: _Floats, high: _Floats) -> tuple[_Floats, _Floats]:
        """Bound units' inputs in the ball, given what is known."""
        low = np.maximum(low, -inputs.sizes)
        high = np.minimum(high, inputs.sizes)
        todo = np.flatnonzero((low < 0.0) & (high > 0.0))
        if not len(todo):
            return low, high
        model, goal = self.model(), inputs.take(todo)
        earlier = [
            np.concatenate([np.zeros(0), *(s for s in side)])[model.units]
            for side in (self.low, self.high)
        ]
        steps = self.steps if len(model) else 1
        found = both_bounds(model, goal, earlier[0], earlier[1], self.norm, self.zones, steps)
        low[todo] = np.maximum(low[todo], found[0])
        high[todo] = np.minimum(high[todo], found[1])
        return low, high


def reduce_network(
    network: ReluNetwork,
    point: _Floats,
    norm: Norm,
    zones: Zones,
    known: tuple[_Floats, _Floats],
    steps: int,
) -> Reduced:
    """Bound all units in a ball and a box around a point, and leave out those with a sign."""
    n = network.n_inputs
    sweep = _Sweep(network, norm, zones, known, steps)
    reach = np.sqrt(zones.squares[0]) + np.abs(zones.centers[0])
    sizes = np.abs(point) + np.minimum(reach, np.maximum(-norm.lower, norm.upper))
    sweep.maps.append(_Maps(np.vstack([np.eye(n), point]), np.zeros((0, n)), sizes[None]))
    for stage in network.stages[:-1]:
        sweep.take(stage)
    outputs = sweep.functions(network.stages[-1])
    nothing = np.zeros(0)
    return Reduced(
        sweep.model(),
        np.concatenate([nothing, *sweep.low]),
        np.concatenate([nothing, *sweep.high]),
        outputs,
    )
