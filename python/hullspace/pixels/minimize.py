"""Minimization in a box, of one function a row, all rows at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hullspace.extras import require

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    # From points, (k, d), and the rows that they are of, (k,), to values, (k,), and gradients.
    Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    # From values, (n,), to which rows are good enough, (n,).
    Enough = Callable[[Tensor], Tensor]

# Pairs of steps and changes of the gradient that are kept.
_MEMORY = 8
# Armijo's constant, and how short a step may become before the row starts anew or gives up.
_DECREASE, _SHORTEST = 1e-4, 1e-7
# A step that lowers the value by no more than this, relative, so many times in a row is the last.
_STALL, _PATIENCE = 1e-6, 10


@dataclass
class _Memory:
    """The latest steps of each row and what they changed in the gradient, as a ring."""

    steps: Tensor  # (memory, n, d)
    changes: Tensor
    place: Tensor  # (n,), where the next pair goes
    size: Tensor  # (n,)

    @classmethod
    def empty(cls, x: Tensor) -> _Memory:
        torch = require("torch", "torch")
        zeros = x.new_zeros(_MEMORY, *x.shape)
        place = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        return cls(zeros, zeros.clone(), place, place.clone())

    def push(self, rows: Tensor, steps: Tensor, changes: Tensor) -> None:
        self.steps[self.place[rows], rows] = steps
        self.changes[self.place[rows], rows] = changes
        self.place[rows] = (self.place[rows] + 1) % _MEMORY
        self.size[rows] = (self.size[rows] + 1).clamp_max(_MEMORY)

    def directions(self, rows: Tensor, slopes: Tensor, free: Tensor) -> Tensor:
        """Run the two loops of L-BFGS over the free pixels (Nocedal and Wright, algorithm 7.4)."""
        torch = require("torch", "torch")
        q = slopes * free
        scale = rows.new_ones(len(rows)).to(q)
        known = torch.zeros_like(scale, dtype=torch.bool)
        pairs = []
        for age in range(1, _MEMORY + 1):
            place = (self.place[rows] - age) % _MEMORY
            s, y = self.steps[place, rows] * free, self.changes[place, rows] * free
            product, square = (s * y).sum(1), (y * y).sum(1)
            s_square = (s * s).sum(1)
            useful = (self.size[rows] >= age) & (product > 1e-8 * (square * s_square).sqrt())
            inverse = torch.where(useful, 1 / product, 0.0)
            alpha = inverse * (s * q).sum(1)
            q = q - alpha[:, None] * y
            scale = torch.where(useful & ~known, product / square, scale)
            known |= useful
            pairs.append((s, y, inverse, alpha))
        q = q * scale[:, None]
        for s, y, inverse, alpha in reversed(pairs):
            beta = inverse * (y * q).sum(1)
            q = q + (alpha - beta)[:, None] * s
        return -q * free


@dataclass
class _State:
    """Where each row is, and where it tries to go."""

    x: Tensor
    values: Tensor
    slopes: Tensor
    ways: Tensor
    lengths: Tensor
    stalled: Tensor
    memory: _Memory = field(repr=False)


def minimize(
    objective: Objective, x: Tensor, low: Tensor, high: Tensor, n_steps: int, enough: Enough
) -> tuple[Tensor, Tensor]:
    """Projected L-BFGS with a line search of its own for every row; points and values.

    Pixels at a bound that their slope pushes them against are held; the others take
    quasi-Newton steps, cut off at the box and shortened until they lower the value enough
    (Bertsekas 1982, Kim, Sra and Dhillon 2010). Every step evaluates the rows that still get
    lower, once. Values must not be negative.
    """
    torch = require("torch", "torch")
    everything = torch.arange(len(x), device=x.device)
    values, slopes = objective(x, everything)
    state = _State(
        x.clone(),
        values,
        slopes,
        torch.zeros_like(x),
        torch.ones_like(values),
        torch.zeros_like(everything),
        _Memory.empty(x),
    )
    _turn(state, everything, low, high)
    for _ in range(n_steps):
        going = (state.stalled < _PATIENCE) & ~enough(state.values)
        rows = going.nonzero()[:, 0]
        if len(rows) == 0:
            break
        _step(state, rows, objective, low, high)
    return state.x, state.values


def _step(state: _State, rows: Tensor, objective: Objective, low: Tensor, high: Tensor) -> None:
    """Try a step of each row; take it where it is good, else shorten it."""
    x, values, slopes = state.x[rows], state.values[rows], state.slopes[rows]
    trial = (x + state.lengths[rows, None] * state.ways[rows]).clamp(low, high)
    trial_values, trial_slopes = objective(trial, rows)
    steps = trial - x
    expected = (slopes * steps).sum(1)
    good = trial_values <= values + _DECREASE * expected.clamp_max(0.0)
    good &= trial_values < values
    taken = rows[good]
    state.memory.push(taken, steps[good], (trial_slopes - slopes)[good])
    gain = (values - trial_values)[good] <= _STALL * values[good]
    state.stalled[taken] = (state.stalled[taken] + 1) * gain
    state.x[taken], state.values[taken] = trial[good], trial_values[good]
    state.slopes[taken] = trial_slopes[good]
    _turn(state, taken, low, high)
    _shorten(state, rows[~good], (trial_values - values - expected)[~good], expected[~good])
    lost = rows[~good]
    lost = lost[state.lengths[lost] < _SHORTEST]
    # Once more along the slope, without what was learned before; then give up.
    hopeless = state.memory.size[lost] == 0
    state.stalled[lost[hopeless]] = _PATIENCE
    state.memory.size[lost] = 0
    _turn(state, lost, low, high)


def _shorten(state: _State, rows: Tensor, curvature: Tensor, expected: Tensor) -> None:
    """Shorten steps to the minimum of the parabola through what is known."""
    torch = require("torch", "torch")
    share = (-0.5 * expected / curvature).nan_to_num(nan=0.5).clamp(0.1, 0.5)
    state.lengths[rows] = state.lengths[rows] * torch.where(curvature > 0, share, 0.5)


def _turn(state: _State, rows: Tensor, low: Tensor, high: Tensor) -> None:
    """Choose where rows go next."""
    torch = require("torch", "torch")
    if len(rows) == 0:
        return
    x, slopes = state.x[rows], state.slopes[rows]
    free = ~(((x <= low) & (slopes > 0)) | ((x >= high) & (slopes < 0)))
    ways = state.memory.directions(rows, slopes, free)
    steepest = -slopes * free
    square = (steepest * steepest).sum(1)
    # Where nothing is known: the step at which a linear function would be zero.
    first = steepest * (state.values[rows] / square.clamp_min(1e-30))[:, None]
    uphill = (ways * slopes).sum(1) >= 0
    state.memory.size[rows[uphill]] = 0
    fresh = uphill | (state.memory.size[rows] == 0)
    state.ways[rows] = torch.where(fresh[:, None], first, ways)
    state.lengths[rows] = 1.0
    state.stalled[rows[square == 0]] = _PATIENCE  # a minimum, or dead units


def wander(
    objective: Objective,
    x: Tensor,
    low: Tensor,
    high: Tensor,
    n_steps: int,
    rate: float,
) -> tuple[Tensor, Tensor]:
    """Adam (Kingma and Ba 2015) in a box, from long to short steps; the best points and values.

    For rows where line searches stall at the kinks of a piecewise linear model.
    """
    torch = require("torch", "torch")
    everything = torch.arange(len(x), device=x.device)
    best, least = x.clone(), x.new_full((len(x),), float("inf"))
    mean, square = torch.zeros_like(x), torch.zeros_like(x)
    for step in range(1, n_steps + 1):
        values, slopes = objective(x, everything)
        lower = values < least
        best, least = torch.where(lower[:, None], x, best), torch.where(lower, values, least)
        mean = 0.9 * mean + 0.1 * slopes
        square = 0.99 * square + 0.01 * slopes**2
        way = (mean / (1 - 0.9**step)) / ((square / (1 - 0.99**step)).sqrt() + 1e-12)
        x = (x - rate * (1 - step / (n_steps + 1)) * (high - low) * way).clamp(low, high)
    return best, least
