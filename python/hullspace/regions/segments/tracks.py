"""What a walk recorded, sorted by segment and place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.networks import pack
from hullspace.regions.segments.walker import SAME_PLACE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hullspace.regions.segments.walker import SegmentWalker

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bytes = npt.NDArray[np.uint8]

_NO_FLIPS = (np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))


@dataclass(frozen=True)
class Track:
    """What a walk found along one segment.

    Attributes
    ----------
    t : (m + 2,) float64
        0, the breakpoints, and where the walk ends.
    logits, noise : (m + 2, n_outputs) and (m + 2,) float64
        The outputs there, and what rounding may change of them.
    indptr, indices : (m + 1,) and (n_changes,) int64
        The units that change at each breakpoint.
    pattern : (ceil(n_hidden / 8),) uint8
        Packed pattern of the first piece.
    """

    t: _Floats
    logits: _Floats
    noise: _Floats
    indptr: _Ints
    indices: _Ints
    pattern: _Bytes


def tracks(walk: SegmentWalker, most: int | None) -> Iterator[Track]:
    """Yield a track for each segment, with at most `most` breakpoints."""
    flips = [np.concatenate(part) for part in zip(_NO_FLIPS, *walk.flips, strict=True)]
    order = np.lexsort((flips[1], flips[0]))
    owners, places, units = (part[order] for part in flips)
    homes, t, logits, noise = (np.concatenate(part) for part in zip(*walk.ends, strict=True))
    segments = np.arange(len(walk.initial) + 1)
    knots, changes = np.searchsorted(homes, segments), np.searchsorted(owners, segments)
    for i, bits in enumerate(walk.initial):
        mine, own = slice(*knots[i : i + 2]), slice(*changes[i : i + 2])
        rows, indptr, indices = _joined(t[mine], places[own], units[own], bits, most)
        rows = knots[i] + rows
        yield Track(t[rows], logits[rows], noise[rows], indptr, indices, pack(bits[None, :])[0])


def _joined(
    t: _Floats, places: _Floats, units: _Ints, bits: npt.NDArray[np.bool_], most: int | None
) -> tuple[_Ints, _Ints, _Ints]:
    """Join knots that rounding of t cannot tell apart, and cut off what is too much.

    Returns the knots that remain, and the units that change at the breakpoints among them. A unit
    that changes at the beginning changes in `bits`; one that changes twice at a place does not.
    """
    groups = np.append(0, np.cumsum(t[1:] - t[:-1] > SAME_PLACE))
    rows = np.searchsorted(groups, np.arange(groups[-1] + 1))
    if t[-1] == 1.0:
        rows[-1] = len(t) - 1
    # Beyond the last knot a walk that stopped may know some units' changes, not all.
    known = places <= t[-1]
    homes, units = groups[np.searchsorted(t, places[known])], units[known]
    order = np.lexsort((units, homes))
    homes, units = homes[order], units[order]
    new = np.append(True, (homes[1:] != homes[:-1]) | (units[1:] != units[:-1]))[: len(homes)]
    firsts = np.flatnonzero(new)
    odd = firsts[np.diff(firsts, append=len(homes)) % 2 == 1]
    homes, units = homes[odd], units[odd]
    bits[units[homes == 0]] ^= True
    last = len(rows) - 1 if most is None else min(len(rows) - 1, most + 1)
    # A place at which every change was undone is no breakpoint.
    inner = np.unique(homes[(homes > 0) & (homes < last)])
    indptr = np.append(np.searchsorted(homes, inner), np.searchsorted(homes, last))
    indices = units[indptr[0] : indptr[-1]]
    return rows[np.concatenate([[0], inner, [last]])], indptr - indptr[0], indices
