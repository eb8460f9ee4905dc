"""Sums of constraints that are negative in the whole domain, in double precision.

Two ways lead to a proof. In a domain that has bounds for its coordinates, a residual slope counts
with the farthest point of the box. Without, exact multipliers near the given ones, of which the
slopes cancel, must exist: as many rows as unknowns and one more give a linear system for the
corrections, whose solution an approximate inverse encloses [1]_.

References
----------
.. [1] S. M. Rump, "Verification methods: rigorous results using floating-point arithmetic",
   Acta Numerica 19 (2010), section 10.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.certificates.regions_floating import BLOCK, FLOOR, INFLATE, gamma, spread
from hullspace.certificates.regions_tree import ON, UNDECIDED
from hullspace.certificates.rounding import ROUNDOFF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hullspace.certificates.regions_floating import FloatingNetwork
    from hullspace.certificates.regions_tree import Branches, Bytes

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

# Systems with more unknowns are not inverted.
_LARGEST_SYSTEM = 32


@dataclass(frozen=True)
class Sums:
    """Which rows to sum up, and how often, for some branches.

    Attributes
    ----------
    counts : (n,) int64
        Rows of each.
    rows : (n_entries,) int64
        Their numbers.
    multipliers : (n_entries,) float64
        What each is multiplied by.
    """

    counts: Ints
    rows: Ints
    multipliers: Floats

    @cached_property
    def owners(self) -> Ints:
        """The branch of each entry."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @cached_property
    def starts(self) -> Ints:
        """The first entry of each branch, and their number."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    def select(self, which: npt.NDArray[Any]) -> Sums:
        """Return the sums of some branches."""
        counts = self.counts[which]
        before = np.cumsum(counts) - counts
        entries = np.repeat(self.starts[which] - before, counts) + np.arange(counts.sum())
        return Sums(counts, self.rows[entries], self.multipliers[entries])

    def are_sound(self, branches: Branches, n_constraints: int) -> Bools:
        """Whether rows are decided units or constraints, and multipliers none that are negative."""
        n_hidden = branches.states.shape[1]
        owners = self.owners
        good = (self.rows >= 0) & (self.rows < n_hidden + n_constraints)
        units = np.flatnonzero(good & (self.rows < n_hidden))
        good[units] = branches.states[owners[units], self.rows[units]] != UNDECIDED
        good &= (self.multipliers >= 0.0) & np.isfinite(self.multipliers)
        wrong = np.bincount(owners[~good], minlength=len(branches)) > 0
        used = np.bincount(owners[self.multipliers > 0.0], minlength=len(branches)) > 0
        return used & ~wrong


def are_empty(network: FloatingNetwork, branches: Branches, sums: Sums) -> Bools:
    """Whether sums, which must be sound, are negative in the whole domain, rounding included."""
    proven = np.zeros(len(branches), dtype=bool)
    if not network.is_reliable:
        return proven
    units = network.units
    hidden = sums.rows < len(units)
    last = np.full(len(branches), -1)
    np.maximum.at(last, sums.owners[hidden], units.stages[sums.rows[hidden]])
    for k in np.unique(last).tolist():
        chosen = np.flatnonzero(last == k)
        n_before = units.first[max(k, 0)]
        for block in _blocks(network, branches.states[chosen, :n_before], sums.counts[chosen]):
            some = chosen[block]
            own = sums.select(some)
            values, errors = _functions(network, branches.states[some], own, k)
            proven[some] = _are_negative(values, errors, own, network.frame.box)
    return proven


def _blocks(network: FloatingNetwork, states: Bytes, counts: Ints) -> Iterator[slice]:
    """Blocks of branches, with few patterns of the stages before, and few rows."""
    size = network.frame.basis.shape[1] + 1
    patterns = _runs(states) // max(BLOCK // (network.width * size), 1)
    rows = np.cumsum(counts) // max(BLOCK // size, 1)
    firsts = np.flatnonzero(np.diff(patterns, prepend=-1) | np.diff(rows, prepend=-1))
    for first, last in zip(firsts, [*firsts[1:], len(rows)], strict=True):
        yield slice(first, last)


def _runs(states: Bytes) -> Ints:
    """Return the number of the run of equal rows that each row belongs to."""
    changes = (states[1:] != states[:-1]).any(axis=1)
    return np.concatenate([[0], np.cumsum(changes)])


def _functions(
    network: FloatingNetwork, states: Bytes, sums: Sums, k: int
) -> tuple[Floats, Floats]:
    """Coefficients of y and constant of each entry's row, (n_entries, d + 1), and their errors."""
    frame, n_hidden, owners = network.frame, len(network.units), sums.owners
    values = np.empty((len(sums.rows), frame.basis.shape[1] + 1))
    errors = np.zeros_like(values)
    given = sums.rows >= n_hidden
    constraints = sums.rows[given] - n_hidden
    values[given, :-1], values[given, -1] = -frame.A[constraints], frame.b[constraints]
    if k >= 0:
        numbers = _runs(states[:, : network.units.first[k]])
        representatives = np.flatnonzero(np.diff(numbers, prepend=-1))
        maps, doubts = network.maps(states[representatives] == ON, k + 1)
        rows, owners = sums.rows[~given], owners[~given]
        signs = np.where(states[owners, rows] == ON, 1.0, -1.0)
        values[~given] = signs[:, None] * maps[numbers[owners], :, rows]
        errors[~given] = doubts[numbers[owners], :, rows]
    return values, errors


def _are_negative(values: Floats, errors: Floats, sums: Sums, box: tuple[Floats, Floats]) -> Bools:
    """Whether the sum of each branch's rows is negative everywhere."""
    firsts, owners = sums.starts[:-1], sums.owners
    sizes = np.frexp(np.maximum.reduceat(sums.multipliers, firsts))[1]
    multipliers = np.ldexp(sums.multipliers, -sizes[owners])
    share = gamma(sums.counts + 2)[owners, None]
    terms = multipliers[:, None] * values
    doubts = multipliers[:, None] * spread(values, errors, share) * INFLATE
    total, doubt = np.add.reduceat(terms, firsts), np.add.reduceat(doubts, firsts) * INFLATE
    clear = np.minimum.reduceat(np.where(multipliers > 0.0, multipliers, 1.0), firsts) >= FLOOR
    with np.errstate(all="ignore"):  # what overflows proves nothing
        proven = clear & _are_negative_in(box, total, doubt)
        d = values.shape[1] - 1
        open_ones = np.flatnonzero(clear & ~proven & (sums.counts == d + 1))
        if len(open_ones) and 0 < d <= _LARGEST_SYSTEM:
            entries = firsts[open_ones, None] + np.arange(d + 1)
            proven[open_ones] = _cancel(
                terms[entries], doubts[entries], total[open_ones], doubt[open_ones]
            )
    return proven


def _are_negative_in(box: tuple[Floats, Floats], total: Floats, doubt: Floats) -> Bools:
    """Whether affine functions are negative in a box, which may be unbounded."""
    lower, upper = box
    slopes, constants = total[:, :-1], total[:, -1]
    flat = (slopes == 0.0) & (doubt[:, :-1] == 0.0)
    highest = np.where(flat, 0.0, np.where(slopes > 0.0, slopes * upper, slopes * lower))
    farthest = np.maximum(np.abs(lower), np.abs(upper))
    further = np.where(flat, 0.0, doubt[:, :-1] * farthest)
    sizes = np.abs(constants) + np.abs(highest).sum(axis=1)
    error = doubt[:, -1] + further.sum(axis=1) + gamma(slopes.shape[1] + 3) * sizes + FLOOR
    negative: Bools = constants + highest.sum(axis=1) + error * INFLATE < 0.0
    return negative


def _cancel(terms: Floats, doubts: Floats, total: Floats, doubt: Floats) -> Bools:
    """Whether factors near 1 of the terms, (n, d + 1, d + 1), make slopes cancel below zero.

    With all but the longest term's slopes as columns of B and the residual r of their sum, the
    exact factors are 1 + z, where B z = -r. An approximate inverse X of B with
    ``|I - X B| <= alpha < 1`` proves that B is regular and ``|z| <= |X r| / (1 - alpha)``, in the
    largest norm.
    """
    n, d = len(terms), terms.shape[1] - 1
    proven = np.zeros(n, dtype=bool)
    longest = np.argmax(np.abs(terms[:, :, :-1]).max(axis=2), axis=1)
    others = np.flatnonzero(np.arange(d + 1) != longest[:, None]).reshape(n, d) % (d + 1)
    each = np.arange(n)[:, None]
    B, E = (x[each, others, :-1].transpose(0, 2, 1) for x in (terms, doubts))
    finite = np.isfinite(B).all(axis=(1, 2), keepdims=True)
    regular = np.linalg.det(np.where(finite, B, 0.0)) != 0.0
    B, E, total, doubt = B[regular], E[regular], total[regular], doubt[regular]
    X = np.linalg.inv(B)
    size = np.abs(X)
    share = gamma(d + 2)
    defect = np.abs(np.eye(d) - X @ B) + share * (size @ np.abs(B) + np.eye(d)) + size @ E
    alpha = defect.sum(axis=2).max(axis=1) * INFLATE
    residual = np.abs(total[:, :-1]) + doubt[:, :-1] + FLOOR
    z = (size @ residual[:, :, None]).max(axis=(1, 2)) / (1.0 - alpha) * INFLATE
    constants = (np.abs(terms[regular, :, -1]) + doubts[regular, :, -1]).sum(axis=1)
    value = (
        total[:, -1] + (doubt[:, -1] + z * constants + ROUNDOFF * np.abs(total[:, -1])) * INFLATE
    )
    proven[regular] = (alpha < 0.5) & (z <= 0.5) & (value < -FLOOR)
    return proven
