"""The classes along segments: the upper envelope of lines, exactly and for all segments at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from hullspace.partition.ties import Ties

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Segments:
    """The classes that segments pass through, as `DecisionPartition.segment` returns them.

    Segment i has the pieces ``offsets[i]`` to ``offsets[i + 1]``; ``segments[i]`` gives its
    breakpoints and classes.

    Attributes
    ----------
    offsets : (n_segments + 1,) int64
        Where each segment's pieces begin in `starts` and `classes`.
    starts : (n_pieces,) float64
        Where each piece begins: 0 at z0, 1 at z1. A piece ends where the next one begins.
    classes : (n_pieces,) int64
        The class on it.
    """

    offsets: _Ints
    starts: _Floats
    classes: _Ints

    @property
    def n_changes(self) -> _Ints:
        """How often the class changes along each segment, (n_segments,)."""
        changes: _Ints = np.diff(self.offsets) - 1
        return changes

    def __getitem__(self, i: int) -> tuple[_Floats, _Ints]:
        if not -len(self) <= i < len(self):
            raise IndexError(f"segment {i} of {len(self)}")
        first, last = self.offsets[i % len(self)], self.offsets[i % len(self) + 1]
        return self.starts[first + 1 : last], self.classes[first:last]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return f"Segments({len(self)} segments, {int(self.n_changes.sum())} changes of class)"


def segment(ties: Ties, z0: npt.ArrayLike, z1: npt.ArrayLike) -> Segments:
    """Find where the class changes along segments; see `DecisionPartition.segment`."""
    start, end = ties.as_features(z0, "z0"), ties.as_features(z1, "z1")
    if len(start) != len(end) and len(start) != 1:
        raise ValueError(f"z0 must have one row or {len(end)} rows like z1, got {len(start)}")
    values = np.broadcast_to(ties.logits(start), (len(end), ties.n_classes))
    slopes = (end - start) @ ties.weight.T
    # Just after the start the steepest of the classes that tie there wins.
    leading = values == values.max(axis=1, keepdims=True)
    current = np.where(leading, slopes, -np.inf).argmax(axis=1)
    rows, at = np.arange(len(end)), np.zeros(len(end))
    pieces = []
    while len(rows):
        pieces.append((rows, at, current))
        rows, at, current = _next_pieces(values[rows], slopes[rows], rows, at, current)
    return _gathered(pieces, len(end))


def _next_pieces(
    values: _Floats, slopes: _Floats, rows: _Ints, at: _Floats, current: _Ints
) -> tuple[_Ints, _Floats, _Ints]:
    """Where the current classes are overtaken before the end, and by which."""
    own = (np.arange(len(rows)), current)
    gains = slopes - slopes[own][:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = np.where(gains > 0.0, (values[own][:, None] - values) / gains, np.inf)
    crossings = np.maximum(crossings, at[:, None])
    when = crossings.min(axis=1)
    # Of several that overtake at once the steepest stays on top.
    winners = np.where(crossings == when[:, None], slopes, -np.inf).argmax(axis=1)
    on = when < 1.0
    return rows[on], when[on], winners[on]


def _gathered(pieces: list[tuple[_Ints, _Floats, _Ints]], n_segments: int) -> Segments:
    if not pieces:
        return Segments(np.zeros(1, np.int64), np.zeros(0), np.zeros(0, np.int64))
    rows, starts, classes = (np.concatenate(part) for part in zip(*pieces, strict=True))
    order = np.argsort(rows, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_segments))])
    return Segments(offsets.astype(np.int64), starts[order], classes[order].astype(np.int64))
