"""Walks along segments of the input space: every region on the way.

Stage by stage, after Sotoudeh and Thakur [1]_: the points at which units so far change cut a
segment into pieces on which the next stage's inputs are affine.

References
----------
.. [1] M. Sotoudeh and A. V. Thakur, "Computing linear restrictions of neural networks", NeurIPS
   (2019).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING, overload

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_threads, require_count, require_finite
from hullspace.extras import require
from hullspace.networks import pack
from hullspace.regions.arguments import as_network
from hullspace.regions.segments.envelope import class_changes
from hullspace.regions.segments.tracks import tracks
from hullspace.regions.segments.walker import SegmentWalker, prepare

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from hullspace.networks import ReluNetwork
    from hullspace.regions.segments.tracks import Track

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bytes = npt.NDArray[np.uint8]

# Segments that are walked at once: enough for full speed, few enough to share among threads.
_GROUP = 64


@dataclass(frozen=True, repr=False, eq=False)
class SegmentWalk:
    """The linear regions along one segment, as `walk_segment` returns them.

    The points of the segment are ``(1 - t) * start + t * stop`` for t from 0 to 1. Pieces are the
    intervals between breakpoints, regions that the segment crosses; piece i ends at breakpoint i.

    Attributes
    ----------
    network : ReluNetwork
        The network.
    start, stop : (n_inputs,) float64
        The segment's end points.
    breakpoints : (m,) float64
        Where units change, t in (0, 1), strictly ascending.
    indptr, indices : (m + 1,) and (n_changes,) int64
        ``indices[indptr[i]:indptr[i + 1]]`` are the hidden units that change at breakpoint i.
    first_pattern : (ceil(n_hidden / 8),) uint8
        Packed activation pattern of piece 0.
    logits : (m + 2, n_outputs) float64
        The outputs at 0, at the breakpoints, and at `end`.
    class_changes : (k,) float64
        Where the class, the one with the largest output, changes: strictly ascending.
    classes : (k + 1,) int64
        The classes of the intervals between; the lowest one where several share an interval. A
        single output is that of class 1, against zero.
    end : float
        How far the walk came: 1, or where the first breakpoint too many lies.
    """

    network: ReluNetwork
    start: _Floats
    stop: _Floats
    breakpoints: _Floats
    indptr: _Ints
    indices: _Ints
    first_pattern: _Bytes
    logits: _Floats
    class_changes: _Floats
    classes: _Ints
    end: float

    def __repr__(self) -> str:
        limited = "" if self.complete else f", end={self.end:.6g}"
        return (
            f"SegmentWalk(n_regions={self.n_regions}, classes={self.classes.tolist()}{limited})"
            if len(self.classes) <= 20
            else f"SegmentWalk(n_regions={self.n_regions}, {len(self.classes)} classes{limited})"
        )

    @property
    def complete(self) -> bool:
        """Whether the walk reached the segment's end."""
        return self.end == 1.0

    @property
    def n_regions(self) -> int:
        """Regions that the walk crosses; convex, hence none of them twice."""
        return len(self.breakpoints) + 1

    @property
    def knots(self) -> _Floats:
        """Where the `logits` are, (m + 2,): 0, the breakpoints, and `end`."""
        return np.concatenate([[0.0], self.breakpoints, [self.end]])

    @cached_property
    def units(self) -> list[_Ints]:
        """The hidden units that change at each breakpoint, ascending."""
        return np.split(self.indices, self.indptr[1:-1]) if len(self.breakpoints) else []

    def pattern(self, i: int) -> _Bytes:
        """Return the packed activation pattern of piece `i`, (ceil(n_hidden / 8),) uint8.

        Raises
        ------
        IndexError
            If there is no such piece.
        """
        if not -self.n_regions <= i < self.n_regions:
            raise IndexError(f"i must be below {self.n_regions}, got {i}")
        changes = self.indices[: self.indptr[i % self.n_regions]]
        odd = np.bincount(changes, minlength=self.network.n_hidden) % 2 == 1
        flipped: _Bytes = self.first_pattern ^ pack(odd[None, :])[0]
        return flipped

    @property
    def patterns(self) -> _Bytes:
        """Packed activation patterns of all pieces, (m + 1, ceil(n_hidden / 8)) uint8.

        Made anew each time: of a large network `pattern` gives one, `units` the differences.
        """
        packed = np.zeros((self.n_regions, len(self.first_pattern)), dtype=np.uint8)
        packed[0] = self.first_pattern
        rows = np.repeat(np.arange(1, self.n_regions), np.diff(self.indptr))
        bits = np.left_shift(1, self.indices % 8).astype(np.uint8)
        np.bitwise_xor.at(packed, (rows, self.indices // 8), bits)
        return np.bitwise_xor.accumulate(packed, axis=0)

    def points(self, t: npt.ArrayLike) -> _Floats:
        """Return the segment's points at `t`, of shape (*t.shape, *input_shape).

        Raises
        ------
        TypeError, ValueError
            If `t` does not hold numbers between 0 and 1.
        """
        at = _as_places(t, 1.0)
        rows = (1.0 - at[..., None]) * self.start + at[..., None] * self.stop
        return rows.reshape(at.shape + self.network.input_shape)

    def at(self, t: npt.ArrayLike) -> _Floats:
        """Return the logits at `t`, (*t.shape, n_outputs), by interpolation on the pieces.

        Raises
        ------
        TypeError, ValueError
            If `t` does not hold numbers between 0 and `end`.
        """
        at, knots = _as_places(t, self.end), self.knots
        i = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
        share = ((at - knots[i]) / (knots[i + 1] - knots[i]))[..., None]
        result: _Floats = (1.0 - share) * self.logits[i] + share * self.logits[i + 1]
        return result

    def plot(self, ax: Axes | None = None, classes: Sequence[str] | None = None) -> Axes:
        """Draw the logits along the segment, its classes shaded, up to 1000 breakpoints ticked.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default in a new figure.
        classes : sequence of str, optional
            Names of the classes.

        Returns
        -------
        matplotlib Axes
            Where it is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there are not as many names as classes.
        """
        from hullspace.regions.plots import plot_walk  # noqa: PLC0415 - only for plots

        return plot_walk(self, ax, classes)


class SegmentWalks(Sequence[SegmentWalk]):
    """The walks along several segments, in order: a sequence of `SegmentWalk`."""

    def __init__(self, walks: Sequence[SegmentWalk]) -> None:
        self._walks = tuple(walks)

    def __len__(self) -> int:
        return len(self._walks)

    @overload
    def __getitem__(self, i: int) -> SegmentWalk: ...
    @overload
    def __getitem__(self, i: slice) -> SegmentWalks: ...
    def __getitem__(self, i: int | slice) -> SegmentWalk | SegmentWalks:
        return SegmentWalks(self._walks[i]) if isinstance(i, slice) else self._walks[i]

    def __repr__(self) -> str:
        return f"SegmentWalks({len(self)} segments, {int(self.n_regions.sum())} regions)"

    @property
    def n_regions(self) -> _Ints:
        """Regions that each walk crosses, (n_segments,)."""
        return np.array([walk.n_regions for walk in self], dtype=np.int64)

    @property
    def n_changes(self) -> _Ints:
        """How often the class changes along each walk, (n_segments,)."""
        return np.array([len(walk.class_changes) for walk in self], dtype=np.int64)


def walk_segment(
    network: ReluNetwork,
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    max_breakpoints: int | None = None,
    n_threads: int | None = None,
    progress: bool = False,
) -> SegmentWalk | SegmentWalks:
    """Find every linear region, and every change of the class, along segments.

    The network may have any size; memory is that of the result and of some blocks of points, and
    time about that of evaluating the network at all breakpoints.

    A breakpoint is where some unit's input becomes positive or ceases to be. Units that change
    within rounding of one another, copies of a unit say, share a breakpoint, as do all changes
    whose t differ by less than 1e-15; others stay apart. A change that close to an end point
    counts as being there, which makes no breakpoint, and neither does an input that touches zero.
    Where an input is zero along a whole piece, up to rounding, the unit is off. Likewise for
    classes: of logits that agree along an interval, up to rounding of the terms that they are sums
    of, the lowest class counts.

    Parameters
    ----------
    network : ReluNetwork
        The network.
    a, b : (n_segments, *input_shape) or (n_segments, n_inputs) arrays
        Where the segments begin and end; or one input each, for one segment. One beginning goes
        with all ends, and the other way round.
    max_breakpoints : int, optional
        Stop each walk before the breakpoint that would exceed this number.
    n_threads : int, optional
        Threads that share many segments; all cores by default. The result does not depend on it.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    SegmentWalk or SegmentWalks
        The walk, if `a` and `b` are one input each; else one walk for each segment.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values; the message names it.

    Examples
    --------
    >>> import hullspace
    >>> weights = [[[1.0], [-1.0], [1.0]], [[1.0, 1.0, 0.0], [0.0, 0.0, 3.0]]]
    >>> network = hullspace.ReluNetwork.from_arrays(weights, [[0, 0, 0.5], [0, 0]])
    >>> walk = hullspace.walk_segment(network, [-1.0], [1.0])
    >>> walk.breakpoints.tolist(), [units.tolist() for units in walk.units]
    ([0.25, 0.5], [[2], [0, 1]])
    >>> walk.class_changes.tolist(), walk.classes.tolist()
    ([0.3125], [0, 1])
    """
    starts, one_start = _as_points(a, "a", as_network(network))
    stops, one_stop = _as_points(b, "b", network)
    n = len(stops) if len(starts) == 1 else len(starts)
    if len(stops) not in {1, n}:
        raise ValueError(f"b must have one row or {n} rows like a, got {len(stops)}")
    starts, stops = (np.broadcast_to(rows, (n, network.n_inputs)) for rows in (starts, stops))
    if max_breakpoints is not None:
        require_count(max_breakpoints, "max_breakpoints", 0)
    threads = as_threads(n_threads) or os.cpu_count() or 1
    walks = _walk_groups(network, starts, stops, max_breakpoints, threads, progress)
    return walks[0] if one_start and one_stop else SegmentWalks(walks)


def _walk_groups(
    network: ReluNetwork,
    starts: _Floats,
    stops: _Floats,
    most: int | None,
    threads: int,
    progress: bool,
) -> list[SegmentWalk]:
    """Walk groups of segments; which ones does not depend on the number of threads."""
    groups = [slice(first, first + _GROUP) for first in range(0, len(starts), _GROUP)]
    layers, stopped = prepare(network), Event()

    def walk(group: slice) -> list[SegmentWalk]:
        found = SegmentWalker(network, layers, most, advance)
        found.run(starts[group], stops[group])
        ends = zip(starts[group], stops[group], tracks(found, most), strict=True)
        return [_as_walk(network, *each) for each in ends]

    with ExitStack() as stack:
        advance = _progress(stack, len(starts), stopped, shown=progress)
        if threads == 1 or len(groups) < 2:
            return [found for group in groups for found in walk(group)]
        pool = stack.enter_context(ThreadPoolExecutor(min(threads, len(groups))))
        try:
            return [found for part in pool.map(walk, groups) for found in part]
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _progress(
    stack: ExitStack, n_segments: int, stopped: Event, *, shown: bool
) -> Callable[[float], None]:
    """Return what is told often how much more was walked; it raises once `stopped` is set."""
    bar = None
    if shown:
        style = "{desc}: {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}]"
        bar = require("tqdm", "torch").tqdm(
            total=n_segments, desc="segments", bar_format=style, smoothing=0
        )
        stack.callback(bar.close)

    def advance(share: float) -> None:
        if stopped.is_set():
            raise CancelledError
        if bar is not None:
            bar.update(share)

    return advance


def _as_walk(network: ReluNetwork, start: _Floats, stop: _Floats, track: Track) -> SegmentWalk:
    return SegmentWalk(
        network,
        start,
        stop,
        track.t[1:-1].copy(),
        track.indptr,
        track.indices,
        track.pattern,
        track.logits,
        *class_changes(track.t, track.logits, track.noise),
        float(track.t[-1]),
    )


def _as_points(value: npt.ArrayLike, name: str, network: ReluNetwork) -> tuple[_Floats, bool]:
    """Return inputs as rows, and whether `value` is one input without a leading dimension."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    shapes = {network.input_shape, (network.n_inputs,)}
    single = array.shape in shapes
    if not single and (array.ndim == 0 or array.shape[1:] not in shapes):
        shape = ", ".join(map(str, network.input_shape))
        raise ValueError(f"{name} must have shape (n, {shape}) or ({shape}), got {array.shape}")
    require_finite(array, name)
    return np.ascontiguousarray(array.reshape(-1, network.n_inputs), dtype=np.float64), single


def _as_places(t: npt.ArrayLike, end: float) -> _Floats:
    """Return places on a segment, checked."""
    array = np.asarray(t)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"t must hold real numbers, got dtype {array.dtype}")
    at = np.asarray(array, dtype=np.float64)
    if not ((at >= 0.0) & (at <= end)).all():
        raise ValueError(f"t must be between 0 and {end:.6g}")
    return at
