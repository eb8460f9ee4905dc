"""Where searches for the nearest image with another answer begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hullspace.extras import require
from hullspace.pixels.descent import retreat
from hullspace.pixels.goals import Goals

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from hullspace.pixels.box import Box
    from hullspace.pixels.images import Images
    from hullspace.pixels.oracle import Oracle

# Random images that stand beside the caller's images as examples of other answers.
_N_RANDOM = 16
# Only so many of the highest logits are asked how far their classes are.
_N_CLASSES = 10
# Size of noise, relative to the width of the box.
_NOISE = 0.1
# Evaluations that bring another image near to the boundary.
_ROUNDS = 12


@dataclass(frozen=True)
class Pool:
    """Images with their logits, from which searches may start: any answer counts."""

    rows: Tensor
    logits: Tensor

    @classmethod
    def of(cls, oracle: Oracle, images: Images, generator: torch.Generator) -> Pool:
        """Take the caller's images, the corners of the box, and random images."""
        torch = require("torch", "torch")
        low, high = images.low, images.high
        shares = torch.rand(_N_RANDOM, len(low), generator=generator, dtype=torch.float64)
        # Half of them are pushed to the sides of the box.
        shares[::2] = shares[::2].round()
        noise = low + shares.to(low) * (high - low)
        rows = torch.cat([images.rows, low[None], high[None], noise])
        return cls(rows, oracle.logits(rows))

    def examples(self, goals: Goals, origins: Tensor, n: int) -> Tensor:
        """Find the n nearest images with an answer wanted, (n, n_images, d); NaN for none."""
        torch = require("torch", "torch")
        distances = torch.cdist(origins, self.rows)
        for i, row in enumerate(distances):
            goal = Goals(goals.rise[i : i + 1], goals.fall[i : i + 1])
            row[goal.margins(self.logits) <= 0] = np.inf
        least, order = distances.topk(min(n, len(self.rows)), dim=1, largest=False)
        examples = self.rows[order].masked_fill(least.isinf()[..., None], np.nan)
        return examples.transpose(0, 1)


def nearest_classes(
    oracle: Oracle, box: Box, origins: Tensor, goals: Goals, logits: Tensor, n: int
) -> Tensor:
    """Find the classes that would be met first if the model were linear, (n_images, n)."""
    torch = require("torch", "torch")
    n_asked = min(int(goals.rise[0].sum()), _N_CLASSES)
    asked = logits.masked_fill(~goals.rise, -np.inf).topk(n_asked, dim=1).indices
    distances = []
    for classes in asked.T:
        toward = goals.toward(classes)

        def loss(features: Tensor, part: slice, toward: Goals = toward) -> Tensor:
            return toward.take(part).margins(oracle.space.logits(features))

        _, margins, slopes = oracle.slopes(origins, loss)
        distances.append(-margins / box.dual_lengths(slopes).clamp_min(1e-20))
    order = torch.stack(distances, 1).topk(min(n, n_asked), dim=1, largest=False).indices
    nearest: Tensor = asked.gather(1, order)
    return nearest


def all_starts(
    oracle: Oracle,
    box: Box,
    origins: Tensor,
    goals: Goals,
    pool: Pool,
    n_starts: int,
    generator: torch.Generator,
) -> tuple[Tensor, Goals]:
    """Return starts and goals of searches, one after the other, each for all the images.

    The image itself; the image with the goal of reaching a class near to it; the nearest other
    image with the answer wanted; noise; then over again with the next class and image.
    """
    torch = require("torch", "torch")
    each = -(-(n_starts - 1) // 3)
    several = bool((goals.rise.sum(1) > 1).all())
    nearest = origins.new_zeros(len(origins), 0)
    if several and each:
        logits = oracle.logits(origins)
        nearest = nearest_classes(oracle, box, origins, goals, logits, each)
    examples = pool.examples(goals, origins, each)

    def noisy() -> Tensor:
        noise = torch.randn(origins.shape, generator=generator, dtype=torch.float64).to(origins)
        return box.clip(origins + _NOISE * (box.high - box.low) * noise)

    def example(k: int) -> Tensor:
        found = torch.where(examples[k].isnan(), origins, examples[k])
        return retreat(oracle, origins, found, goals, 0.0, _ROUNDS)

    pairs = [(origins, goals)]
    for k in range(each):
        toward = k < nearest.shape[1]
        pairs.append((origins, goals.toward(nearest[:, k])) if toward else (noisy(), goals))
        pairs.append((example(k), goals))
        pairs.append((noisy(), goals))
    starts, wanted = zip(*pairs[:n_starts], strict=True)
    return torch.cat(starts), Goals.together(wanted)
