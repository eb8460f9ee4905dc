"""Linear bounds on a network near a point, in terms of the units that change sign there.

Within a ball and a box most units keep their sign and are affine. What is left is a small network
of the others: ``a = R x + L z + c`` with ``z`` the units' outputs and L strictly lower triangular.
A function of these is bounded backwards, replacing each unit by a line below or above it
(H. Zhang et al., "Efficient neural network robustness certification with general activation
functions", NeurIPS 2018), with the lines' slopes and the multipliers of decided signs left open
(S. Wang et al., "Beta-CROWN", NeurIPS 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Functions:
    """Functions ``x_rows @ x + z_rows @ z + offsets`` of the input and of the units' outputs.

    `sizes` are sums of the absolute values of all products that make them: rounding is in
    proportion.
    """

    x_rows: _Floats
    z_rows: _Floats
    offsets: _Floats
    sizes: _Floats

    def __len__(self) -> int:
        return len(self.offsets)

    def __neg__(self) -> Functions:
        return Functions(-self.x_rows, -self.z_rows, -self.offsets, self.sizes)

    def take(
        self, which: npt.NDArray[np.intp] | list[int], n_units: int | None = None
    ) -> Functions:
        """Return some of the functions, in terms of the first units."""
        return Functions(
            self.x_rows[which], self.z_rows[which, :n_units], self.offsets[which], self.sizes[which]
        )

    def minus(self, other: Functions) -> Functions:
        """Return the differences."""
        return Functions(
            self.x_rows - other.x_rows,
            self.z_rows - other.z_rows,
            self.offsets - other.offsets,
            self.sizes + other.sizes,
        )


def joined(parts: list[Functions]) -> Functions:
    """Put functions of the same units one after the other."""
    return Functions(
        np.concatenate([part.x_rows for part in parts]),
        np.concatenate([part.z_rows for part in parts]),
        np.concatenate([part.offsets for part in parts]),
        np.concatenate([part.sizes for part in parts]),
    )


@dataclass(frozen=True)
class Lines:
    """Bounds ``normals @ x + offsets`` of functions from below, and the lines that made them.

    Attributes
    ----------
    normals, offsets : (n, n_inputs), (n,) float64
        The bounds.
    sizes : (n,) float64
        Sums of absolute values of all products in them.
    weights, slopes, intercepts : (n, n_units) float64
        Of each unit's output; the line that replaces it.
    """

    normals: _Floats
    offsets: _Floats
    sizes: _Floats
    weights: _Floats
    slopes: _Floats
    intercepts: _Floats

    def part(self, which: slice) -> Lines:
        """Return some of the bounds."""
        return Lines(
            self.normals[which],
            self.offsets[which],
            self.sizes[which],
            self.weights[which],
            self.slopes[which],
            self.intercepts[which],
        )


@dataclass(frozen=True)
class Model:
    """The units that may change sign near a point, and how they depend on one another.

    Attributes
    ----------
    units : (n_units,) int64
        Their numbers as hidden units.
    inputs : Functions
        The units' inputs, each a function of the outputs of earlier blocks only.
    slopes : (n_units,) float64
        Where the input is negative.
    blocks : tuple of slice
        Units of one stage each, in order.
    """

    units: _Ints
    inputs: Functions
    slopes: _Floats
    blocks: tuple[slice, ...]

    def __len__(self) -> int:
        return len(self.units)

    @cached_property
    def steepness(self) -> _Floats:
        """Bounds of the lengths of the units' gradients, above zero."""
        found = np.linalg.norm(self.inputs.x_rows, axis=1)
        for block in self.blocks:
            before = slice(block.start)
            found[block] += np.abs(self.inputs.z_rows[block, before]) @ found[before]
        return np.where(found > 0.0, found, 1.0)

    def lines(
        self, goal: Functions, low: _Floats, high: _Floats, alpha: _Floats, beta: _Floats
    ) -> Lines:
        """Bound functions from below where the units' inputs are within bounds.

        Parameters
        ----------
        goal : Functions
            n of them, or one for all, in terms of the first m units.
        low, high : (n or 1, m) float64
            Bounds of the units' inputs. A unit has a sign where they do.
        alpha : (n or 1, m) float64
            Slopes of the lines on the convex side of units without a sign.
        beta : (n or 1, m) float64
            Multipliers, at least 0, of ``input >= 0`` or ``input <= 0`` for units with a sign.
        """
        n, m = max(len(goal), len(low)), goal.z_rows.shape[1]
        slope = self.slopes[:m]
        width = np.maximum(high - low, np.finfo(float).tiny)
        on, off = low >= 0.0, (high <= 0.0) & (low < 0.0)
        free = ~(on | off)
        chord = np.where(on, 1.0, np.where(off, slope, (high - slope * low) / width))
        below = np.where(free, alpha, chord)
        cut = np.where(free, (slope - 1.0) * high * low / width, 0.0)
        push = np.where(off, beta, np.where(on, -beta, 0.0))
        weights = np.empty((n, m))
        weights[:] = goal.z_rows
        gains, slopes, above = np.empty((n, m)), np.empty((n, m)), np.empty((n, m), dtype=bool)
        for block in reversed(self.blocks):
            if block.start >= m:
                continue
            if block.stop < m:
                rest = slice(block.stop, m)
                weights[:, block] += gains[:, rest] @ self.inputs.z_rows[rest, block]
            p = weights[:, block]
            # Slopes above 1 turn a unit's graph over: the chord is below it.
            above[:, block] = np.where(slope[block] <= 1.0, p < 0.0, p > 0.0)
            slopes[:, block] = np.where(above[:, block], chord[:, block], below[:, block])
            gains[:, block] = p * slopes[:, block] + push[:, block]
        intercepts = np.where(above, cut, 0.0)
        sizes = self.inputs.sizes[:m]
        steepness = np.maximum(1.0, np.abs(slope))
        return Lines(
            goal.x_rows + gains @ self.inputs.x_rows[:m],
            goal.offsets + gains @ self.inputs.offsets[:m] + (weights * intercepts).sum(axis=1),
            goal.sizes + np.abs(gains) @ sizes + np.abs(weights) @ (2.0 * steepness * sizes),
            weights,
            slopes,
            intercepts,
        )

    def values(self, points: _Floats, lines: Lines) -> tuple[_Floats, _Floats]:
        """Return the units' inputs and outputs at points, with the lines for the units."""
        m = lines.slopes.shape[1]
        a = points @ self.inputs.x_rows[:m].T + self.inputs.offsets[:m]
        z = np.empty_like(a)
        for block in self.blocks:
            if block.start >= m:
                break
            if block.start:
                a[:, block] += z[:, : block.start] @ self.inputs.z_rows[block, : block.start].T
            z[:, block] = lines.slopes[:, block] * a[:, block] + lines.intercepts[:, block]
        return a, z
