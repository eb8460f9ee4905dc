"""Moves within the box of pixels: lengths, steepest directions, projections onto half-spaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hullspace.extras import require

if TYPE_CHECKING:
    from torch import Tensor

# Rounds of Newton's method after which a projection is taken as it is; three to six are usual.
_ROUNDS = 60


@dataclass(frozen=True)
class Box:
    """The box of pixels with a norm, 2 or infinity.

    Attributes
    ----------
    low, high : tensor, (d,)
        The corners.
    norm : float
        What moves are measured in.
    """

    low: Tensor
    high: Tensor
    norm: float

    def lengths(self, moves: Tensor) -> Tensor:
        """Lengths of moves, (n, d), as (n,)."""
        vector_norm = require("torch", "torch").linalg.vector_norm
        lengths: Tensor = vector_norm(moves, ord=self.norm, dim=1)
        return lengths

    def dual_lengths(self, slopes: Tensor) -> Tensor:
        """Return what linear functions of these slopes gain at most by moves of length one."""
        vector_norm = require("torch", "torch").linalg.vector_norm
        order = 2 if self.norm == 2 else 1
        lengths: Tensor = vector_norm(slopes, ord=order, dim=1)
        return lengths

    def clip(self, rows: Tensor) -> Tensor:
        """Nearest points of the box."""
        return rows.clamp(self.low, self.high)

    def shrink(self, moves: Tensor, radii: Tensor) -> Tensor:
        """Make moves no longer than the radii: scaled for norm 2, cut off for infinity."""
        if np.isinf(self.norm):
            return moves.clamp(-radii[:, None], radii[:, None])
        scale = (radii / self.lengths(moves).clamp_min(_tiny(moves))).clamp_max(1.0)
        return moves * scale[:, None]

    def normalized(self, slopes: Tensor) -> Tensor:
        """Return moves of length one along the slopes, zero where there is no slope."""
        return slopes / self.lengths(slopes).clamp_min(_tiny(slopes))[:, None]

    @property
    def widest(self) -> float:
        """The length of the box's diagonal."""
        return float(self.lengths((self.high - self.low)[None])[0])

    def onto_halfspace(self, rows: Tensor, normals: Tensor, needs: Tensor) -> Tensor:
        """Nearest points y of the box to its points `rows` with ``normals . (y - rows) >= needs``.

        Where the box does not reach that far, the point that gains the most. The nearest point
        is ``clip(rows + t v)`` with v the normal, or its sign for norm infinity, and the gain is
        a concave piecewise linear function of t, so that Newton's method from t = 0 ascends to
        the answer in finitely many steps.
        """
        way = normals.sign() if np.isinf(self.norm) else normals
        torch = require("torch", "torch")
        t = torch.zeros_like(needs)
        for _ in range(_ROUNDS):
            points = rows + t[:, None] * way
            free = ((points < self.high) & (way > 0)) | ((points > self.low) & (way < 0))
            gain = (normals * (self.clip(points) - rows)).sum(1)
            rate = (normals * way * free).sum(1)
            rest = needs - gain
            step = torch.where((rest > 0) & (rate > 0), rest / rate.clamp_min(_tiny(rate)), 0.0)
            if not bool((t + step > t).any()):
                break
            t = t + step
        return self.clip(rows + t[:, None] * way)


def _tiny(tensor: Tensor) -> float:
    return float(require("torch", "torch").finfo(tensor.dtype).tiny)
