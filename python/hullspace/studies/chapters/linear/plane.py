"""The linear regions that a plane through three images cuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.regions import RegionSlice, SegmentWalk, slice_regions, walk_segment
from hullspace.status import Status
from hullspace.studies.plane import Plane
from hullspace.studies.subject import network_inputs

if TYPE_CHECKING:
    from hullspace.networks import ReluNetwork

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]

# Time of a region grows with the units. So many units of all regions of a slice together take
# some seconds, but more regions than that cannot be told apart in a picture.
_UNITS, _MOST_REGIONS = 4_000_000, 8_000
# Seconds after which the search for regions ends.
_SECONDS = 5.0
# The window reaches this far beyond the three images, relative to their extent.
_REACH = 0.25
# A part of it is no smaller than this share.
_LEAST_PART = 1e-9
# Points of the window along each side whose class is looked up, also for networks of many units.
_GRID, _COARSE_GRID, _MANY_UNITS = 64, 32, 50_000
# Points that are looked at on a segment for a change of class, and how often closer to it.
_LOOKS, _ROUNDS = 17, 12
# Breakpoints after which a walk ends, and units of all the regions on it together: some seconds.
MOST_BREAKPOINTS, _WALKED_UNITS = 100_000, 60_000_000


@dataclass(frozen=True)
class PlaneResult:
    """What a plane through three images cuts.

    Attributes
    ----------
    images : (3,) int64
        The test images: predicted right, of three classes, with margins near the median.
    classes : (3,) int64
        Their classes.
    points : (3, 2) float64
        Where they are in the plane.
    window : ((low, high), (low, high))
        A rectangle around them.
    grid : (n, n) int64
        The class at points of the window, measured: row by row from its lower left corner.
    cut : RegionSlice
        The linear regions in `part`, with the images as points.
    part : ((low, high), (low, high))
        The window, or where that holds too many regions a part of it around a point
        of the decision boundary where a third class is near.
    """

    images: _Ints
    classes: _Ints
    points: _Floats
    window: _Floats
    grid: _Ints
    cut: RegionSlice
    part: _Floats

    @property
    def whole(self) -> bool:
        """Whether the regions are those of the whole window."""
        return bool(np.array_equal(self.part, self.window))

    @property
    def complete(self) -> bool:
        """Whether all regions of `part` were found before the time limit."""
        return self.cut.status == Status.COMPLETE and not len(self.cut.too_thin)

    @property
    def covered(self) -> float:
        """Share of the area of `part` that the regions cover."""
        return float(self.cut.volumes.sum() / np.ptp(self.part, axis=1).prod())


def plane_through(
    network: ReluNetwork,
    images: npt.ArrayLike,
    names: tuple[str, ...],
    *,
    places: _Ints | None = None,
    n_threads: int | None = None,
) -> PlaneResult | None:
    """Lay a plane through three images and find its linear regions, as many as there is time for.

    Parameters
    ----------
    network : ReluNetwork
        From images to logits.
    images : (3, *input_shape) array
        The images.
    names : tuple of str
        Names of the classes.
    places : (3,) int64, optional
        Their numbers among the test images; 0, 1 and 2 by default.
    n_threads : int, optional
        Threads to use; all cores by default.

    Returns
    -------
    PlaneResult or None
        None if there are fewer images, or they are on a line.
    """
    pixels = network_inputs(network, images, names)
    x = pixels.reshape(len(pixels), network.n_inputs)
    plane = Plane.through(x)
    if plane is None:
        return None
    classes = network(pixels).argmax(axis=1)
    places = np.arange(3) if places is None else places
    points = plane.coordinates(x)
    low, high = points.min(axis=0), points.max(axis=0)
    reach = _REACH * float((high - low).max())
    window = np.column_stack([low - reach, high + reach])
    grid, middle = _grid(network, plane, window, points)
    part = _part(network, plane, window, middle)
    (s0, s1), (t0, t1) = part.tolist()
    cut = slice_regions(
        network,
        plane.origin,
        plane.basis[0],
        plane.basis[1],
        ((s0, s1), (t0, t1)),
        max_regions=4 * _budget(network),
        time_limit=_SECONDS,
        n_threads=n_threads,
    )
    cut.points, cut.names = points, tuple(names[c] for c in classes)
    _ = cut.polygons, cut.boundary  # found now, and kept
    return PlaneResult(places, classes, points, window, grid, cut, part)


def _budget(network: ReluNetwork) -> int:
    """Regions for which there is time."""
    return int(np.clip(_UNITS // max(network.n_hidden, 1), 1, _MOST_REGIONS))


def most_breakpoints(network: ReluNetwork) -> int:
    """Breakpoints on a walk for which there is time."""
    return min(MOST_BREAKPOINTS, max(_WALKED_UNITS // max(network.n_hidden, 1), 1))


def _grid(
    network: ReluNetwork, plane: Plane, window: _Floats, points: _Floats
) -> tuple[_Ints, _Floats]:
    """Return the classes in the window, and a point between the images where three nearly tie."""
    n = _GRID if network.n_hidden <= _MANY_UNITS else _COARSE_GRID
    s, t = (low + (np.arange(n) + 0.5) / n * (high - low) for low, high in window)
    xy = np.stack(np.meshgrid(s, t), axis=-1).reshape(-1, 2)
    parts = np.array_split(plane.lift(xy), n)
    logits = np.concatenate([network(x.reshape(-1, *network.input_shape)) for x in parts])
    between = ((xy >= points.min(axis=0)) & (xy <= points.max(axis=0))).all(axis=1)
    middle = _near_a_tie(network, plane, xy, logits, between)
    return logits.argmax(axis=1).reshape(n, n), middle


def _near_a_tie(
    network: ReluNetwork, plane: Plane, xy: _Floats, logits: _Floats, between: _Bools
) -> _Floats:
    """Return a point of the decision boundary, by a third class if there is one near."""
    classes, ranked = logits.argmax(axis=1), np.sort(logits, axis=1)
    # Pairs of neighbours in the grid, those of two classes, between the images where possible.
    n = round(len(xy) ** 0.5)
    at = np.arange(n * n).reshape(n, n)
    pairs = np.concatenate(
        [
            np.stack([at[:, :-1], at[:, 1:]], axis=-1).reshape(-1, 2),
            np.stack([at[:-1], at[1:]], axis=-1).reshape(-1, 2),
        ]
    )
    pairs = pairs[classes[pairs[:, 0]] != classes[pairs[:, 1]]]
    inside = between[pairs].all(axis=1)
    pairs = pairs[inside] if inside.any() else pairs
    if not len(pairs):
        middle: _Floats = xy[between].mean(axis=0)
        return middle
    gaps = ranked[:, -1] - ranked[:, -min(3, logits.shape[1])]
    a, b = xy[pairs[gaps[pairs].sum(axis=1).argmin()]]
    return _first_change(network, plane, a, b)


def _first_change(network: ReluNetwork, plane: Plane, a: _Floats, b: _Floats) -> _Floats:
    """Return a point between two where the class changes, by looking closer and closer."""
    for _ in range(_ROUNDS):
        xy = np.linspace(a, b, _LOOKS)
        x = plane.lift(xy).reshape(-1, *network.input_shape)
        classes = network(x).argmax(axis=1)
        k = int((classes != classes[0]).argmax())
        if k == 0:  # none any more: rounding
            break
        a, b = xy[k - 1], xy[k]
    middle: _Floats = 0.5 * (a + b)
    return middle


def _part(network: ReluNetwork, plane: Plane, window: _Floats, middle: _Floats) -> _Floats:
    """Return the largest part of the window whose regions there should be time for.

    Two lines through its middle that cross m and n regions suggest about m * n regions.
    """
    most, sides = _budget(network), np.ptp(window, axis=1)
    # From the middle to the left, to the right, down and up.
    ends = np.tile(middle, (2, 2, 1))
    ends[0, :, 0], ends[1, :, 1] = window[0], window[1]
    starts = plane.lift(np.tile(middle, (4, 1)))
    walks = walk_segment(
        network, starts, plane.lift(ends.reshape(4, 2)), max_breakpoints=most_breakpoints(network)
    )
    assert not isinstance(walks, SegmentWalk)  # noqa: S101 - there are four
    # Distances of the breakpoints from the middle, as shares of the window.
    lengths = np.abs(ends - middle).max(axis=2).ravel() / np.repeat(sides, 2)
    away = [
        np.sort(np.concatenate([walks[k].breakpoints * lengths[k] for k in (2 * i, 2 * i + 1)]))
        for i in range(2)
    ]
    seen = min(
        [
            walk.end * length
            for walk, length in zip(walks, lengths, strict=True)
            if not walk.complete
        ],
        default=np.inf,
    )
    if np.isinf(seen) and np.prod([len(each) + 1 for each in away]) <= most:
        return window
    tried = np.sort(np.concatenate(away))
    counts = np.prod([np.searchsorted(each, tried, side="right") + 1 for each in away], axis=0)
    share = min(tried[max(int(np.searchsorted(counts, most, side="right")) - 1, 0)], seen)
    half = max(share * sides.min(), _LEAST_PART * sides.max())
    return np.column_stack([middle - half, middle + half])
