"""The search for images of given features, over rows of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hullspace.arguments import as_nonnegative
from hullspace.extras import require
from hullspace.pixels.images import as_count
from hullspace.pixels.minimize import minimize, wander
from hullspace.pixels.oracle import Oracle

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from hullspace.features import FeatureSpace
    from hullspace.pixels.images import Images
    from hullspace.pixels.minimize import Objective

# Noise of the second start, relative to the width of the box; that of others is greater.
_NOISE = 0.1
# Adam's first step, relative to the width of the box, and its share of the steps.
_RATE, _WANDERING = 0.03, 0.5
# A search goes on below the tolerance to this share of it, so that rounding does not matter.
_MARGIN = 0.5


@dataclass(frozen=True)
class InversionSearch:
    """The search for images of given features, for one batch after the other."""

    oracle: Oracle
    low: Tensor
    high: Tensor
    weight: float
    tolerance: float
    n_starts: int
    max_steps: int
    generator: torch.Generator

    @classmethod
    def of(
        cls,
        space: FeatureSpace,
        batch: Images,
        *,
        weight: float,
        tolerance: float,
        n_starts: int,
        max_steps: int,
        batch_size: int,
        random_state: int,
    ) -> InversionSearch:
        """Check what `invert` takes; errors name the argument."""
        return cls(
            Oracle(space, batch.shape, as_count(batch_size, "batch_size")),
            batch.low,
            batch.high,
            as_nonnegative(weight, "weight"),
            as_nonnegative(tolerance, "tolerance"),
            as_count(n_starts, "n_starts"),
            as_count(max_steps, "max_steps"),
            require("torch", "torch").Generator().manual_seed(random_state),
        )

    def run(self, origins: Tensor, targets: Tensor, sizes: Tensor) -> Tensor:
        """Return the best images found."""
        torch = require("torch", "torch")
        best = origins.clone()
        least = self._objective(origins, targets)(
            origins, torch.arange(len(best), device=best.device)
        )[0]
        for number in range(self.n_starts):
            rows = (~self._enough(least, sizes)).nonzero()[:, 0]
            if len(rows) == 0:
                break
            x = origins[rows] if number == 0 else self._noisy(origins[rows], _NOISE * number)
            x, values = self._one(x, origins[rows], targets[rows], sizes[rows])
            lower = values < least[rows]
            best[rows[lower]], least[rows[lower]] = x[lower], values[lower]
        return best

    def _one(
        self, x: Tensor, origins: Tensor, targets: Tensor, sizes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One search: L-BFGS, and where it stalls Adam and L-BFGS again."""
        objective = self._objective(origins, targets)
        x, values = minimize(
            objective,
            x,
            self.low,
            self.high,
            self.max_steps,
            lambda values: self._enough(values, sizes),
        )
        rows = (~self._enough(values, sizes)).nonzero()[:, 0]
        if len(rows) == 0:
            return x, values
        objective = self._objective(origins[rows], targets[rows])
        n_steps = max(1, int(_WANDERING * self.max_steps))
        again, _ = wander(objective, x[rows], self.low, self.high, n_steps, _RATE)
        again, lower = minimize(
            objective,
            again,
            self.low,
            self.high,
            self.max_steps,
            lambda values: self._enough(values, sizes[rows]),
        )
        better = lower < values[rows]
        x[rows[better]], values[rows[better]] = again[better], lower[better]
        return x, values

    def _objective(self, origins: Tensor, targets: Tensor) -> Objective:
        """Half of the squares' sum, and its gradient."""

        def evaluate(x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
            def loss(features: Tensor, part: slice) -> Tensor:
                return 0.5 * (features - targets[rows[part]]).square().sum(1)

            _, values, slopes = self.oracle.slopes(x, loss)
            if self.weight:
                moves = x - origins[rows]
                values = values + 0.5 * self.weight * moves.square().sum(1)
                slopes = slopes + self.weight * moves
            return values, slopes

        return evaluate

    def _enough(self, values: Tensor, sizes: Tensor) -> Tensor:
        if self.weight:
            return values <= 0
        return (2 * values).sqrt() <= _MARGIN * self.tolerance * sizes

    def _noisy(self, origins: Tensor, size: float) -> Tensor:
        torch = require("torch", "torch")
        noise = torch.randn(origins.shape, generator=self.generator, dtype=torch.float64)
        rows: Tensor = origins + size * (self.high - self.low) * noise.to(origins)
        return rows.clamp(self.low, self.high)
