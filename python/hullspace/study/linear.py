"""The analysis of a network's linear regions: in a plane, between images, around images."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from hullspace.regions import RegionSlice, SegmentWalk, region_at, slice_regions, walk_segment
from hullspace.status import Status
from hullspace.study.slices import Plane

if TYPE_CHECKING:
    from collections.abc import Callable

    from hullspace.networks import ReluNetwork
    from hullspace.study.analyses import Settings
    from hullspace.study.progress import Steps

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]
_In = TypeVar("_In")
_Out = TypeVar("_Out")

# Time of a region grows with the units. So many units of all regions of a slice together take
# some seconds, but more regions than that cannot be told apart in a picture.
_UNITS, _MOST_REGIONS = 4_000_000, 8_000
# Of the search in the plane, of the walks and of the radii: seconds after which each ends.
_SECONDS = 5.0
# The window reaches this far beyond the three images, relative to their extent.
_REACH = 0.25
# Nor is a part of it smaller than this share.
_LEAST_PART = 1e-9
# Points of the window along each side whose class is looked up.
_GRID = 64
# Pairs of images of the same class, and as many of different ones; images with radii; images
# among which all are chosen.
_PAIRS, _BALLS, _MOST_IMAGES = 8, 100, 1_000
# Breakpoints after which a walk ends.
_MOST_BREAKPOINTS = 100_000


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


@dataclass(frozen=True)
class WayResult:
    """What lies on the straight ways between images.

    Attributes
    ----------
    pairs : (n, 2) int64
        The test images at the ends.
    same : (n,) bool
        Whether the network puts both in one class.
    lengths : (n,) float64
        Their distances in the 2-norm.
    n_regions, n_changes : (n,) int64
        Linear regions crossed, and changes of the class.
    reached : (n,) bool
        Whether the walk went to the end; others stopped at 100,000 breakpoints.
    n_planned : int
        Pairs that were to be looked at.
    sides : tuple of SegmentWalk
        The ways between the plane's images; empty without a plane.
    """

    pairs: _Ints
    same: _Bools
    lengths: _Floats
    n_regions: _Ints
    n_changes: _Ints
    reached: _Bools
    n_planned: int
    sides: tuple[SegmentWalk, ...]


@dataclass(frozen=True)
class RadiusResult:
    """How far around images the network is affine, and its class certain.

    Attributes
    ----------
    images : (n,) int64
        The test images.
    affine, class_ : (n, 2) float64
        Radii in the 2-norm and in the largest norm, proven: `LinearRegion.radius` and
        `LinearRegion.class_radius`.
    n_planned : int
        Images that were to be looked at.
    """

    images: _Ints
    affine: _Floats
    class_: _Floats
    n_planned: int


@dataclass(frozen=True)
class LinearResult:
    """The linear regions of a network around the test images.

    Attributes
    ----------
    network : ReluNetwork
        From images to logits.
    plane : PlaneResult or None
        None if there are no three images of different classes that span a plane.
    ways : WayResult
        Between images.
    radii : RadiusResult
        Around images.
    """

    network: ReluNetwork
    plane: PlaneResult | None
    ways: WayResult
    radii: RadiusResult


def linear_study(
    network: ReluNetwork,
    images: npt.ArrayLike,
    names: tuple[str, ...],
    labels: npt.ArrayLike,
    settings: Settings,
    steps: Steps,
) -> LinearResult:
    """Describe a network's linear regions around images.

    Parameters
    ----------
    network : ReluNetwork
        From images to logits.
    images : (n, *input_shape) array
        The test images; of any shape where the network takes vectors of their size.
    names : tuple of str
        Names of the classes.
    labels : (n,) int array
        What the images are.
    settings : Settings
        Threads.
    steps : Steps
        Progress.

    Returns
    -------
    LinearResult
        Plane, ways and radii.

    Raises
    ------
    ValueError
        If the images or the classes do not fit the network.
    """
    pixels, truth = network_inputs(network, images, names), np.asarray(labels)
    x = pixels.reshape(len(pixels), -1)
    rows = np.arange(min(len(x), _MOST_IMAGES)) * len(x) // max(min(len(x), _MOST_IMAGES), 1)
    logits = network(pixels[rows])
    predictions = logits.argmax(axis=1)
    step = steps.add("linear regions: slice", 1)
    chosen = rows[median_margins(logits, predictions == truth[rows])]
    plane = plane_through(
        network, np.asarray(images)[chosen], names, places=chosen, n_threads=settings.n_threads
    )
    steps.finish(step)
    ways = _ways(network, x, rows, predictions, plane, steps)
    return LinearResult(network, plane, ways, _radii(network, x, rows, steps))


def network_inputs(network: ReluNetwork, images: npt.ArrayLike, names: tuple[str, ...]) -> _Floats:
    """Return images as the network takes them, or raise ValueError."""
    array = np.asarray(images)
    shape = array.shape[1:]
    if network.input_shape not in {shape, (prod(shape),)}:
        raise ValueError(
            f"network must take images of shape {shape}, got input_shape {network.input_shape}"
        )
    if network.n_outputs != len(names):
        raise ValueError(f"network must have {len(names)} outputs, got {network.n_outputs}")
    return array.reshape(-1, *network.input_shape).astype(np.float64)


def median_margins(logits: _Floats, correct: _Bools) -> _Ints:
    """Choose three images of different classes with margins nearest to the median.

    Returns
    -------
    (3,) int64
        Rows, those predicted right only; fewer if there are fewer classes.
    """
    if logits.shape[1] < 2 or not correct.any():
        return np.zeros(0, dtype=np.int64)
    classes, ranked = logits.argmax(axis=1), np.sort(logits, axis=1)
    margins = ranked[:, -1] - ranked[:, -2]
    away = np.where(correct, np.abs(margins - np.median(margins[correct])), np.inf)
    order = np.argsort(away, kind="stable")[: np.count_nonzero(correct)]
    _, first = np.unique(classes[order], return_index=True)
    return np.asarray(order[np.sort(first)[:3]], dtype=np.int64)


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


def _grid(
    network: ReluNetwork, plane: Plane, window: _Floats, points: _Floats
) -> tuple[_Ints, _Floats]:
    """Return the classes in the window, and a point between the images where three nearly tie."""
    s, t = (low + (np.arange(_GRID) + 0.5) / _GRID * (high - low) for low, high in window)
    xy = np.stack(np.meshgrid(s, t), axis=-1).reshape(-1, 2)
    parts = np.array_split(plane.lift(xy), _GRID)
    logits = np.concatenate([network(x.reshape(-1, *network.input_shape)) for x in parts])
    between = ((xy >= points.min(axis=0)) & (xy <= points.max(axis=0))).all(axis=1)
    middle = _near_a_tie(network, plane, xy, logits, between)
    return logits.argmax(axis=1).reshape(_GRID, _GRID), middle


def _near_a_tie(
    network: ReluNetwork, plane: Plane, xy: _Floats, logits: _Floats, between: _Bools
) -> _Floats:
    """Return a point of the decision boundary, by a third class if there is one near."""
    classes, ranked = logits.argmax(axis=1), np.sort(logits, axis=1)
    # Pairs of neighbours in the grid, those of two classes, between the images where possible.
    at = np.arange(_GRID**2).reshape(_GRID, _GRID)
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
    walk = walk_segment(network, *plane.lift(np.stack([a, b])))
    assert isinstance(walk, SegmentWalk)  # noqa: S101 - one segment
    share = walk.class_changes[0] if len(walk.class_changes) else 0.5
    on_boundary: _Floats = (1.0 - share) * a + share * b
    return on_boundary


def _part(network: ReluNetwork, plane: Plane, window: _Floats, middle: _Floats) -> _Floats:
    """Return the largest part of the window whose regions there should be time for.

    Two lines through its middle that cross m and n regions suggest about m * n regions.
    """
    most, ends = _budget(network), np.tile(middle, (2, 2, 1))
    ends[:, 0, 0], ends[:, 1, 1] = window[0], window[1]
    a, b = (plane.lift(each) for each in ends)
    walks = walk_segment(network, a, b, max_breakpoints=_MOST_BREAKPOINTS)
    assert not isinstance(walks, SegmentWalk)  # noqa: S101 - there are two
    if np.prod(walks.n_regions) <= most and all(walk.complete for walk in walks):
        return window
    # Distances of the breakpoints from the middle, as shares of the window.
    away = [
        np.sort(np.abs(walk.breakpoints - (middle[k] - window[k, 0]) / np.ptp(window[k])))
        for k, walk in enumerate(walks)
    ]
    tried = np.sort(np.concatenate(away))
    counts = np.prod([np.searchsorted(each, tried, side="right") + 1 for each in away], axis=0)
    share = tried[max(int(np.searchsorted(counts, most, side="right")) - 1, 0)]
    sides = np.ptp(window, axis=1)
    half = max(share * sides.min(), _LEAST_PART * sides.max())
    return np.column_stack([middle - half, middle + half])


def _ways(
    network: ReluNetwork,
    x: _Floats,
    rows: _Ints,
    predictions: _Ints,
    plane: PlaneResult | None,
    steps: Steps,
) -> WayResult:
    """Walk between images, the sides of the plane's triangle apart."""

    def walk(pair: tuple[int, int]) -> SegmentWalk:
        found = walk_segment(network, *x[list(pair)], max_breakpoints=_MOST_BREAKPOINTS)
        assert isinstance(found, SegmentWalk)  # noqa: S101 - one segment
        return found

    sides = [] if plane is None else list(combinations(plane.images.tolist(), 2))
    drawn = tuple(walk(pair) for pair in sides)
    planned = [(int(rows[i]), int(rows[j])) for i, j in _pairs(predictions)]
    classes = dict(zip(rows.tolist(), predictions.tolist(), strict=True))
    walks = _in_time(walk, planned, "linear regions: ways", steps)
    pairs = np.array(planned[: len(walks)], dtype=np.int64).reshape(-1, 2)
    return WayResult(
        pairs,
        np.array([classes[i] == classes[j] for i, j in pairs.tolist()], dtype=bool),
        np.linalg.norm(x[pairs[:, 0]] - x[pairs[:, 1]], axis=1),
        np.array([w.n_regions for w in walks], dtype=np.int64),
        np.array([len(w.class_changes) for w in walks], dtype=np.int64),
        np.array([w.complete for w in walks], dtype=bool),
        len(planned),
        drawn,
    )


def _pairs(predictions: _Ints) -> list[tuple[int, int]]:
    """Return pairs of images of one class and of two, in turns; each image is in one at most."""
    members = [np.flatnonzero(predictions == c).tolist() for c in np.unique(predictions)]
    same = [(m[0], m[1]) for m in members if len(m) > 1][:_PAIRS]
    left = [m[2] for m in members if len(m) > 2]
    after = [m[3] for m in members if len(m) > 3]
    other = list(zip(left, after[1:] + after[:1], strict=False))[:_PAIRS] if len(after) > 1 else []
    longest = max(len(same), len(other))
    return [pair for k in range(longest) for pair in (*same[k : k + 1], *other[k : k + 1])]


def _radii(network: ReluNetwork, x: _Floats, rows: _Ints, steps: Steps) -> RadiusResult:
    n = min(_BALLS, len(rows))
    planned = [int(rows[k * len(rows) // n]) for k in range(n)]
    found = _in_time(lambda i: region_at(network, x[i]), planned, "linear regions: radii", steps)
    return RadiusResult(
        np.array(planned[: len(found)], dtype=np.int64),
        np.array([(r.radius, r.radius_inf) for r in found]).reshape(-1, 2),
        np.array([(r.class_radius, r.class_radius_inf) for r in found]).reshape(-1, 2),
        n,
    )


def _in_time(work: Callable[[_In], _Out], items: list[_In], name: str, steps: Steps) -> list[_Out]:
    """Work on items, one after the other, until there are no more or the time is over."""
    step, found = steps.add(name, len(items)), list[_Out]()
    end = time.perf_counter() + _SECONDS
    for item in items:
        if time.perf_counter() > end:
            break
        found.append(work(item))
    steps.finish(step)
    return found
