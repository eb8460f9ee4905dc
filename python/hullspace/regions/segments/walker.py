"""Where the units of a network change along segments, stage by stage.

Knots cut each segment into pieces on which all stages so far are affine, so values at the knots
say everything; the zeros of the next stage's units inside the pieces are the next knots (Sotoudeh
and Thakur 2019). What a stage gives at a new knot is the mean of its neighbours' values, weighted
by where the unit crosses: nothing is divided by a piece's length, and zeros stay zeros. Pieces are
followed through all stages in order of the segment, a block at a time, so memory stays bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hullspace.networks import ReluNetwork, Stage

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]

# Rounding of a unit's input, relative to the sum of the absolute values of its terms.
_ROUNDING = 16 * float(np.finfo(np.float64).eps)
# Places that differ by no more than this are one: rounding of t.
SAME_PLACE = 4 * float(np.finfo(np.float64).eps)
# Values of the widest stage that a block of knots may have: 8 MB.
_BLOCK = 2**20
_FEWEST_KNOTS = 8


@dataclass(frozen=True)
class Knots:
    """Knots of one or several segments in order, with the outputs of stages at them.

    Attributes
    ----------
    segments : (n_knots,) int64
        Their segments, ascending.
    t : (n_knots,) float64
        Where they are, ascending in each segment.
    values : dict of int to (n_knots, n) float64
        The sources (see `Term`) that later stages take.
    continued : bool
        Whether the first knot is also the last one of the block before.
    """

    segments: _Ints
    t: _Floats
    values: dict[int, _Floats]
    continued: bool = False

    def pieces(self) -> _Ints:
        """Return the first knot of each piece."""
        return np.flatnonzero(self.segments[1:] == self.segments[:-1])


@dataclass(frozen=True)
class _Refined:
    """Old and new knots in order: each a share of the way from an old knot to the next."""

    origins: _Ints
    shares: _Floats
    segments: _Ints
    t: _Floats

    def take(self, values: _Floats, part: slice) -> _Floats:
        """Return values at some of the knots, given those at the old knots."""
        origins, shares = self.origins[part], self.shares[part]
        found: _Floats = values[origins]
        new = np.flatnonzero(shares > 0.0)
        share = shares[new, None]
        found[new] = (1.0 - share) * found[new] + share * values[origins[new] + 1]
        return found

    def parts(self, most: int) -> Iterator[slice]:
        """Cut into blocks of at most `most` knots; each begins with the last knot before."""
        last = len(self.t) - 1
        cuts = np.linspace(0, last, -(-last // (most - 1)) + 1).astype(int).tolist()
        for first, end in pairwise(cuts):
            yield slice(first, end + 1)


@dataclass(frozen=True)
class _Zeros:
    """Zeros of units inside pieces: piece, unit, share of the piece, and t."""

    pieces: _Ints
    units: _Ints
    shares: _Floats
    when: _Floats


@dataclass(frozen=True)
class _Crossings(_Zeros):
    """Zeros by piece and place; `groups` are the new knots they make, `firsts` one zero of each."""

    groups: _Ints
    firsts: _Ints


class _Layer:
    """A stage, with bounds of the rounding of its units' inputs."""

    def __init__(self, stage: Stage) -> None:
        self.hidden, self.slopes, self.bias = stage.hidden, stage.slopes, stage.bias
        self.linear = not len(stage.hidden)
        # A slice where all units are hidden: that copies nothing.
        every = len(stage.hidden) == stage.n_units
        self.columns: slice | _Ints = slice(None) if every else stage.hidden
        self.terms = [(term.source, term.operator) for term in stage.terms]
        self._absolute = [(source, operator.absolute()) for source, operator in self.terms]
        self._sums = [
            (source, operator.apply(np.ones((1, operator.n_in)))[0])
            for source, operator in self._absolute
        ]

    def inputs(self, values: dict[int, _Floats]) -> _Floats:
        """Return the units' inputs at some knots."""
        total = _tiled(self.bias, values)
        for source, operator in self.terms:
            total += operator.apply(values[source])
        return total

    def noise(self, values: dict[int, _Floats]) -> _Floats:
        """Return how much of the units' inputs rounding explains."""
        total = _tiled(np.abs(self.bias), values)
        for source, operator in self._absolute:
            total += operator.apply(np.abs(values[source]))
        total *= _ROUNDING
        return total

    def most_noise(self, values: dict[int, _Floats]) -> _Floats:
        """Return upper bounds of the rounding of the units' inputs, without operators."""
        total = _tiled(np.abs(self.bias), values)
        for source, sums in self._sums:
            most = np.maximum(values[source].max(axis=1), -values[source].min(axis=1))
            total += most[:, None] * sums
        total *= _ROUNDING
        return total

    def activate(self, inputs: _Floats) -> _Floats:
        """Return the units' outputs."""
        return inputs if self.linear else np.where(inputs > 0.0, inputs, self.slopes * inputs)


def _tiled(row: _Floats, values: dict[int, _Floats]) -> _Floats:
    """Return one copy of a row for each knot."""
    return np.tile(row, (len(next(iter(values.values()))), 1))


def prepare(network: ReluNetwork) -> list[_Layer]:
    """Return the network's stages as `SegmentWalker` takes them; several walks may share them."""
    return [_Layer(stage) for stage in network.stages]


class SegmentWalker:
    """Finds all breakpoints of some segments of a network's input space.

    Attributes
    ----------
    initial : (n_segments, n_hidden) bool
        Which units are on at the beginning of each segment.
    flips : list of (segments, t, units)
        Which units change where.
    ends : list of (segments, t, logits, noise)
        The knots after the last stage; the last one of a block may be the first one of the next.
        Differences of logits below `noise` may be rounding.
    """

    def __init__(
        self,
        network: ReluNetwork,
        layers: list[_Layer],
        most: int | None,
        advance: Callable[[float], object],
    ) -> None:
        self._layers, self._most, self._advance = layers, most, advance
        widths = [network.n_inputs, *(len(layer.bias) for layer in layers)]
        self._block = max(_BLOCK // max(widths), _FEWEST_KNOTS)
        self._offsets = np.cumsum([0, *(len(layer.hidden) for layer in layers)])
        self._last_use = dict.fromkeys(range(len(layers) + 1), -1)
        for k, layer in enumerate(layers):
            self._last_use.update(dict.fromkeys((source for source, _ in layer.terms), k))
        self._state = np.zeros(network.n_hidden, dtype=bool)
        self.flips: list[tuple[_Ints, _Floats, _Ints]] = []
        self.ends: list[tuple[_Ints, _Floats, _Floats, _Floats]] = []
        self.initial = np.zeros((0, network.n_hidden), dtype=bool)
        self._n_pieces = np.zeros(0, dtype=np.int64)

    def run(self, starts: _Floats, ends: _Floats) -> None:
        """Walk from each row of `starts` to the same row of `ends`."""
        n = len(starts)
        self.initial = np.zeros((n, len(self._state)), dtype=bool)
        self._n_pieces = np.zeros(n, dtype=np.int64)
        points = np.stack([starts, ends], axis=1).reshape(2 * n, -1)
        self._follow(Knots(np.repeat(np.arange(n), 2), np.tile([0.0, 1.0], n), {0: points}), 0)

    def _follow(self, knots: Knots, first: int) -> None:
        """Take a block of knots through the stages from number `first` on."""
        for k in range(first, len(self._layers) - 1):
            self._advance(0.0)
            layer = self._layers[k]
            inputs = layer.inputs(knots.values)
            most = _clean(layer, inputs, knots.values)
            found = None if layer.linear else self._change(k, knots, inputs, most)
            del most
            refined = _refine(knots, found)
            if len(refined.t) > self._block:
                for part in refined.parts(self._block):
                    if not self._done(refined.segments[part]):
                        self._follow(self._next(k, knots, inputs, refined, found, part), k + 1)
                return
            knots = self._next(k, knots, inputs, refined, found, slice(0, len(refined.t)))
        self._finish(knots)

    def _done(self, segments: _Ints) -> bool:
        """Whether all of the segments have as many breakpoints as were asked for."""
        return self._most is not None and bool((self._n_pieces[segments] > self._most).all())

    def _change(self, k: int, knots: Knots, inputs: _Floats, most: _Floats) -> _Crossings | None:
        """Record where the units of a stage change; return those that make new knots."""
        layer, pieces = self._layers[k], knots.pieces()
        if not len(pieces):
            return None
        hidden = inputs[:, layer.columns]
        on_left, on_right, zeros = _zeros(hidden, pieces, knots.t)
        inputs[:, layer.columns] = hidden
        state = self._state[self._offsets[k] : self._offsets[k + 1]]
        opens = np.ones(len(pieces), dtype=bool)
        opens[1:] = pieces[1:] != pieces[:-1] + 1
        if knots.continued and pieces[0] == 0:
            opens[0] = False
            self._record(k, knots, pieces[:1], (state != on_left[0])[None, :])
        segments = knots.segments[pieces[opens]]
        self.initial[segments, self._offsets[k] : self._offsets[k + 1]] = on_left[opens]
        joined = np.flatnonzero(~opens[1:])
        self._record(k, knots, pieces[joined + 1], on_right[joined] != on_left[joined + 1])
        state[:] = on_right[-1]
        if not len(zeros.pieces):
            return None
        found = _merge(layer, knots, most, hidden, zeros)
        where = found.when[found.firsts][found.groups]
        units = self._offsets[k] + found.units
        self.flips.append((knots.segments[found.pieces], where, units))
        return found

    def _record(self, k: int, knots: Knots, at: _Ints, changed: _Bools) -> None:
        """Record units that change at old knots."""
        rows, units = np.nonzero(changed)
        places = at[rows]
        self.flips.append((knots.segments[places], knots.t[places], self._offsets[k] + units))

    def _next(
        self,
        k: int,
        knots: Knots,
        inputs: _Floats,
        refined: _Refined,
        found: _Crossings | None,
        part: slice,
    ) -> Knots:
        """Return a block of the knots after stage number k."""
        layer = self._layers[k]
        values = {
            source: refined.take(old, part)
            for source, old in knots.values.items()
            if self._last_use[source] > k
        }
        own = refined.take(inputs, part)
        if found is not None:
            # The places of the new knots, in order.
            rows = np.flatnonzero(refined.shares > 0.0)[found.groups]
            here = (rows >= part.start) & (rows < part.stop)
            own[rows[here] - part.start, layer.hidden[found.units[here]]] = 0.0
        values[k + 1] = layer.activate(own)
        first = part.start
        continued = (
            knots.continued
            if first == 0
            else bool(refined.segments[first - 1] == refined.segments[first])
        )
        return Knots(refined.segments[part], refined.t[part], values, continued)

    def _finish(self, knots: Knots) -> None:
        """Record the outputs."""
        layer, pieces = self._layers[-1], knots.pieces()
        noise = layer.noise(knots.values).max(axis=1)
        self.ends.append((knots.segments, knots.t, layer.inputs(knots.values), noise))
        lengths = knots.t[pieces + 1] - knots.t[pieces]
        long = pieces[lengths > SAME_PLACE]
        self._n_pieces += np.bincount(knots.segments[long], minlength=len(self._n_pieces))
        self._advance(float(lengths.sum()))


def _clean(layer: _Layer, inputs: _Floats, values: dict[int, _Floats]) -> _Floats:
    """Set to zero the inputs that rounding explains; return upper bounds of that of all."""
    most = layer.most_noise(values)
    rows = np.flatnonzero(((np.abs(inputs) <= most) & (inputs != 0.0)).any(axis=1))
    if len(rows):
        noise = layer.noise({source: v[rows] for source, v in values.items()})
        inputs[rows] = np.where(np.abs(inputs[rows]) <= noise, 0.0, inputs[rows])
    return most


def _zeros(hidden: _Floats, pieces: _Ints, t: _Floats) -> tuple[_Bools, _Bools, _Zeros]:
    """Find the zeros of units inside pieces; those too near to a knot for float64 go there.

    Returns first whether each unit is on at the left and at the right end of each piece.
    """
    while True:
        on, zero = hidden > 0.0, hidden == 0.0
        left, right = on[pieces], on[pieces + 1]
        on_left = left | (zero[pieces] & right)
        on_right = right | (zero[pieces + 1] & left)
        rows, units = np.nonzero(on_left != on_right)
        at = pieces[rows]
        value = hidden[at, units]
        shares = value / (value - hidden[at + 1, units])
        when = t[at] + shares * (t[at + 1] - t[at])
        low, high = when <= t[at], when >= t[at + 1]
        if not (low | high).any():
            return on_left, on_right, _Zeros(at, units, shares, when)
        hidden[at[low], units[low]] = 0.0
        hidden[at[high] + 1, units[high]] = 0.0


def _merge(
    layer: _Layer, knots: Knots, most: _Floats, hidden: _Floats, zeros: _Zeros
) -> _Crossings:
    """Sort zeros, and put those together whose distance rounding explains."""
    order = np.lexsort((zeros.shares, zeros.pieces))
    at, units = zeros.pieces[order], zeros.units[order]
    shares, when = zeros.shares[order], zeros.when[order]
    columns = layer.hidden[units]
    rise = np.abs(hidden[at + 1, units] - hidden[at, units])
    doubt = np.maximum(most[at, columns], most[at + 1, columns]) / rise
    same, gaps = at[1:] == at[:-1], np.diff(shares)
    near = np.flatnonzero(same & (gaps <= np.minimum(doubt[1:], doubt[:-1])))
    together = same & (when[1:] <= when[:-1])
    if len(near):
        asked, rows = np.unique(at[near], return_inverse=True)
        largest = {s: np.maximum(abs(v[asked]), abs(v[asked + 1])) for s, v in knots.values.items()}
        noise = layer.noise(largest)
        fine = [noise[rows, columns[i]] / rise[i] for i in (near, near + 1)]
        together[near] |= gaps[near] <= np.minimum(*fine)
    new = np.concatenate([[True], ~together])
    return _Crossings(at, units, shares, when, np.cumsum(new) - 1, np.flatnonzero(new))


def _refine(knots: Knots, found: _Crossings | None) -> _Refined:
    """Put the new knots between the old ones."""
    old = np.arange(len(knots.t))
    if found is None:
        return _Refined(old, np.zeros(len(old)), knots.segments, knots.t)
    at = found.pieces[found.firsts]
    origins = np.concatenate([old, at])
    shares = np.concatenate([np.zeros(len(old)), found.shares[found.firsts]])
    t = np.concatenate([knots.t, found.when[found.firsts]])
    order = np.lexsort((shares, origins))
    origins = origins[order]
    return _Refined(origins, shares[order], knots.segments[origins], t[order])
