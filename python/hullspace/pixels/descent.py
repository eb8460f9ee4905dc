"""Steps toward the nearest image with another answer, for many images at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import TYPE_CHECKING

import numpy as np

from hullspace.extras import require

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from hullspace.pixels.box import Box
    from hullspace.pixels.goals import Goals
    from hullspace.pixels.oracle import Loss, Oracle


@dataclass(frozen=True)
class Pace:
    """How a descent goes from coarse to fine.

    Attributes
    ----------
    n_steps : int
        How many steps it takes.
    strides : (float, float)
        Length of the first and of the last step, relative to the radius.
    shrinkage : (float, float)
        By how much the radius shrinks where an image has another answer, first and last.
    """

    n_steps: int
    strides: tuple[float, float]
    shrinkage: tuple[float, float]

    def at(self, step: int) -> tuple[float, float]:
        """Stride and shrinkage of a step, along a cosine."""
        share = 0.5 * (1.0 + cos(pi * step / self.n_steps))
        stride, shrink = (
            last + (first - last) * share for first, last in (self.strides, self.shrinkage)
        )
        return stride, shrink


def descend(
    oracle: Oracle, box: Box, origins: Tensor, starts: Tensor, goals: Goals, pace: Pace
) -> Tensor:
    """Return the nearest images found whose margins are not negative; NaN where there is none.

    The method of Pintor et al., "Fast minimum-norm adversarial attacks through adaptive norm
    constraints" (2021): every step follows the slope of the margin and returns to a ball, which
    shrinks where the answer has changed and grows where it has not. Strides are relative to the
    ball's radius here, and any image may be the start.
    """
    torch = require("torch", "torch")
    loss = loss_of(oracle, goals)
    x = starts
    best: Tensor = torch.full_like(origins, np.nan)
    least = origins.new_full((len(origins),), np.inf)
    radii = least.clone()
    for step in range(pace.n_steps):
        stride, shrink = pace.at(step)
        _, margins, slopes = oracle.slopes(x, loss)
        distances = box.lengths(x - origins)
        changed = margins >= 0
        nearer = changed & (distances < least)
        best = torch.where(nearer[:, None], x, best)
        least = torch.where(nearer, distances, least)
        # Where the answer would change if the margin were linear.
        guess = distances - margins / box.dual_lengths(slopes).clamp_min(1e-20)
        outside = torch.where(
            least.isinf(), guess.clamp_max(box.widest), torch.minimum(radii * (1 + shrink), least)
        )
        radii = torch.where(changed, torch.minimum(radii, least) * (1 - shrink), outside)
        moves = box.normalized(slopes) * (stride * radii)[:, None]
        x = box.clip(origins + box.shrink(x + moves - origins, radii))
    return best


def loss_of(oracle: Oracle, goals: Goals) -> Loss:
    """Margins as a function of features."""

    def margins(features: Tensor, part: slice) -> Tensor:
        return goals.take(part).margins(oracle.space.logits(features))

    return margins


def slide(
    oracle: Oracle, box: Box, origins: Tensor, x: Tensor, goals: Goals, n_steps: int
) -> Tensor:
    """Slide images along the boundary toward the origins, as long as that brings them nearer.

    Sequential quadratic programming: the margin is taken for linear, the origin is projected onto
    the half-space of the box where it is not negative, the image moves there, and back onto the
    side where the answer has changed (compare Croce and Hein, "Minimally distorted adversarial
    examples with a fast adaptive boundary attack", 2020). Within one linear region one step is
    exact. Steps that bring nothing are halved.
    """
    torch = require("torch", "torch")
    loss = loss_of(oracle, goals)
    _, margins, slopes = oracle.slopes(x, loss)
    distances = box.lengths(x - origins)
    strides = torch.ones_like(distances)
    for _ in range(n_steps):
        needs = -margins - (slopes * (origins - x)).sum(1)
        ideal = box.onto_halfspace(origins, slopes, needs)
        trial = x + strides[:, None] * (ideal - x)
        _, lacks, trial_slopes = oracle.slopes(trial, loss)
        back = box.onto_halfspace(trial, trial_slopes, -1.01 * lacks)
        trial = torch.where((lacks < 0)[:, None], back, trial)
        _, trial_margins, trial_slopes = oracle.slopes(trial, loss)
        trial_distances = box.lengths(trial - origins)
        better = (trial_margins >= 0) & (trial_distances < distances)
        x = torch.where(better[:, None], trial, x)
        slopes = torch.where(better[:, None], trial_slopes, slopes)
        margins = torch.where(better, trial_margins, margins)
        distances = torch.where(better, trial_distances, distances)
        strides = torch.where(better, (2 * strides).clamp_max(1.0), strides / 2)
    return x


def retreat(
    oracle: Oracle, origins: Tensor, x: Tensor, goals: Goals, tie: float, n_rounds: int = 60
) -> Tensor:
    """Go from x, where margins are not negative, toward the origins until they are below `tie`.

    The answer at the result has changed. Where neighbouring numbers on the segment still differ
    by more, the last step is made by some of the pixels only.
    """
    torch = require("torch", "torch")

    def between(near: Tensor, far: Tensor, shares: Tensor) -> Tensor:
        # In this order `far`, which is known to have another answer, is met at 1.
        return far + (1 - shares[:, None]) * (near - far)

    def mixed(near: Tensor, far: Tensor, shares: Tensor) -> Tensor:
        n = far.shape[1]
        taken = torch.arange(n, device=far.device) < shares[:, None] * n
        points: Tensor = torch.where(taken, far, near)
        return points

    rows = torch.arange(len(x), device=x.device)
    near, far = origins, x.clone()
    for path in (between, mixed):
        ends, margins = _bisect(
            oracle, path, (near[rows], far[rows]), goals.take(rows), tie, n_rounds
        )
        far[rows] = ends[1]
        open_ = (margins > tie) & (ends[0] != ends[1]).any(1)
        near = near.clone()
        near[rows] = ends[0]
        rows = rows[open_]
    return far


def _bisect(
    oracle: Oracle,
    path: Callable[[Tensor, Tensor, Tensor], Tensor],
    ends: tuple[Tensor, Tensor],
    goals: Goals,
    tie: float,
    n_rounds: int,
) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Narrow a path down to where margins change sign; return both ends and the far one's margin.

    False position and bisection by turns.
    """
    torch = require("torch", "torch")
    near, far = ends
    low, high = near.new_zeros(len(far)), near.new_ones(len(far))
    below, above = (goals.margins(oracle.logits(end)) for end in ends)
    for turn in range(n_rounds):
        middle = (low + high) / 2
        if turn % 2 == 0:
            secant = low + (high - low) * (below / (below - above))
            # A little beyond the guess, so that the end that is kept is the one that moves.
            guess = secant + 0.01 * (high - secant)
            middle = torch.where((guess > low) & (guess < high), guess, middle)
        open_ = (above > tie) & (below < 0) & (middle > low) & (middle < high)
        rows = open_.nonzero()[:, 0]
        if len(rows) == 0:
            break
        points = path(near[rows], far[rows], middle[rows])
        margins = goals.take(rows).margins(oracle.logits(points))
        up, down = rows[margins >= 0], rows[margins < 0]
        high[up], above[up] = middle[up], margins[margins >= 0]
        low[down], below[down] = middle[down], margins[margins < 0]
    return (path(near, far, low), path(near, far, high)), above
