"""Nearest points of single linear regions where a function is at most 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

    from hullspace.bounds.norms import Norm
    from hullspace.bounds.relaxation import Functions, Model

_Floats = npt.NDArray[np.float64]
_Bits = npt.NDArray[np.bool_]

# Units that a walk tries to cross, and inputs that count as 0 at a point.
_CROSSED, _ZERO = 12, 1e-9
# A walk starts from values that are at most so many times the best, and tries so many regions.
_DETOUR, _PROJECTIONS = 4.0, 60


class Regions:
    """The regions of a model, where a function falls to 0 in each, and the best point so far.

    Parameters
    ----------
    model, goal, norm : Model, Functions, Norm
        The units, one function of them, and the norm in the box.
    found : callable
        Takes points that may be better; returns the value that better ones stay below.
    """

    def __init__(
        self, model: Model, goal: Functions, norm: Norm, found: Callable[[_Floats | None], float]
    ) -> None:
        self.model, self.goal, self.norm = model, goal, norm
        self._found = found
        self._tried: set[bytes] = set()
        self._sizes = np.append(
            model.inputs.sizes, goal.sizes + np.abs(goal.z_rows) @ model.inputs.sizes
        )

    @property
    def cut(self) -> float:
        """What values of interest are below."""
        return self._found(None)

    def inputs(self, y: _Floats) -> _Floats:
        """Return the units' inputs at a point."""
        model = self.model
        a = model.inputs.x_rows @ y + model.inputs.offsets
        for block in model.blocks:
            z = np.where(a > 0.0, a, model.slopes * a)[: block.start]
            a[block] += model.inputs.z_rows[block, : block.start] @ z
        return a

    def system(self, bits: _Bits) -> tuple[_Floats, _Floats]:
        """Return rows and bounds of the part of a region where the function is at most 0."""
        inputs = self.model.inputs
        own = np.column_stack([inputs.x_rows, inputs.offsets])
        maps, outs = np.zeros_like(own), np.zeros_like(own)
        factors = np.where(bits, 1.0, self.model.slopes)[:, None]
        for block in self.model.blocks:
            before = slice(block.start)
            maps[block] = own[block] + inputs.z_rows[block, before] @ outs[before]
            outs[block] = factors[block] * maps[block]
        last = np.append(self.goal.x_rows[0], self.goal.offsets[0]) + self.goal.z_rows[0] @ outs
        rows = np.vstack([np.where(bits, -1.0, 1.0)[:, None] * maps, last])
        return rows[:, :-1], -rows[:, -1]

    def project(
        self, bits: _Bits, start: _Floats | None = None, enough: float | None = None
    ) -> tuple[_Floats | None, float]:
        """Find the nearest point of a region where the function is at most 0; bound its value.

        Parameters
        ----------
        bits : (n_units,) bool
            The region's pattern.
        start : (n_units + 1,) float64, optional
            Multipliers to start from.
        enough : float, optional
            A value that is of no interest; by default that of the best point so far.
        """
        self._tried.add(bits.tobytes())
        guess = np.zeros(len(bits) + 1) if start is None else start
        limit = self.cut if enough is None else enough
        point, value = self.norm.project(*self.system(bits), self._sizes, guess, limit)
        if point is not None:
            self._found(point)
        return point, value

    def descend(self, y: _Floats) -> None:
        """Improve on a point: by its region's nearest one, and those across units that bind.

        On its way the descent may be worse than the best point so far.
        """
        bits = self.inputs(y) > 0.0
        best = _DETOUR * self.cut
        todo = [bits]
        for _ in range(_PROJECTIONS):
            if not todo:
                return
            bits = todo.pop(0)
            if bits.tobytes() in self._tried:
                continue
            point, value = self.project(bits, enough=best)
            if point is None or not value < best:
                continue
            best, todo = value, []
            a = np.abs(self.inputs(point))
            order = np.argsort(a)[:_CROSSED]
            for unit in order[a[order] <= _ZERO * (1.0 + a.max(initial=0.0))].tolist():
                across = bits.copy()
                across[unit] = not across[unit]
                todo.append(across)
