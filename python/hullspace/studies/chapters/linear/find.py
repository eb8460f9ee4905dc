"""The linear regions of a network: in a plane, between images, around images."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from hullspace import certificates
from hullspace.regions import SegmentWalk, region_at, walk_segment
from hullspace.studies.chapters.linear.plane import PlaneResult, most_breakpoints, plane_through
from hullspace.studies.subject import network_inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from hullspace.networks import ReluNetwork
    from hullspace.studies.knowledge import Knowledge
    from hullspace.studies.progress import Steps

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]

_In = TypeVar("_In")
_Out = TypeVar("_Out")
# Of the walks and of the radii: seconds after which each ends.
_SECONDS = 5.0
# Checking a walk takes about ten times as long as the walk; the checks end after so many seconds.
_CHECKING = 60.0
# Pairs of images of the same class, and as many of different ones; images with radii; images
# among which all are chosen.
_PAIRS, _BALLS, _MOST_IMAGES = 8, 100, 1_000
# Units of the networks that radii are found for.
MOST_UNITS = 20_000


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
        Whether the walk went to the end; others stopped at a limit of breakpoints.
    checked : (n,) bool
        Whether the regions and changes on the way passed the independent check; False, too, for
        those that there was no time to check.
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
    checked: _Bools
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


def lacks(known: Knowledge) -> str | None:
    """Say why there is no network."""
    return None if known.subject.network is not None else known.subject.no_network


def find(known: Knowledge) -> LinearResult:
    """Describe the network's linear regions around the test images."""
    network, pictures, split = known.subject.network, known.pictures, known.split
    assert network is not None  # noqa: S101 - said by `lacks`
    x = network_inputs(network, pictures.pixels, split.names).reshape(len(pictures), -1)
    n = min(len(x), _MOST_IMAGES)
    places, rows, test = np.arange(n) * len(x) // max(n, 1), pictures.rows, split.test
    predictions = test.predictions[rows[places]]
    correct = np.ones(n, bool)
    if test.labels is not None:
        correct = predictions == test.labels[rows[places]]
    step = known.steps.add("linear regions: slice", 1)
    chosen = places[median_margins(test.logits[rows[places]], correct)]
    images, threads = pictures.pixels[chosen], known.settings.n_threads
    plane = plane_through(network, images, split.names, places=rows[chosen], n_threads=threads)
    known.steps.finish(step)
    corners = None if plane is None else chosen
    ways = _ways(network, x, places, predictions, corners, known.steps)
    radii = _radii(network, x, places, known.steps)
    return LinearResult(
        network,
        plane,
        replace(ways, pairs=rows[ways.pairs]),
        replace(radii, images=rows[radii.images]),
    )


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


def _ways(
    network: ReluNetwork,
    x: _Floats,
    rows: _Ints,
    predictions: _Ints,
    corners: _Ints | None,
    steps: Steps,
) -> WayResult:
    """Walk between images, the sides of the plane's triangle apart."""

    def walk(pair: tuple[int, int]) -> SegmentWalk:
        found = walk_segment(network, *x[list(pair)], max_breakpoints=most_breakpoints(network))
        assert isinstance(found, SegmentWalk)  # noqa: S101 - one segment
        return found

    sides = [] if corners is None else list(combinations(corners.tolist(), 2))
    drawn = tuple(walk(pair) for pair in sides)
    planned = [(int(rows[i]), int(rows[j])) for i, j in _pairs(predictions)]
    classes = dict(zip(rows.tolist(), predictions.tolist(), strict=True))
    walks = _in_time(walk, planned, "linear regions: ways", steps, _SECONDS)
    pairs = np.array(planned[: len(walks)], dtype=np.int64).reshape(-1, 2)
    return WayResult(
        pairs,
        np.array([classes[i] == classes[j] for i, j in pairs.tolist()], dtype=bool),
        np.linalg.norm(x[pairs[:, 0]] - x[pairs[:, 1]], axis=1),
        np.array([w.n_regions for w in walks], dtype=np.int64),
        np.array([len(w.class_changes) for w in walks], dtype=np.int64),
        np.array([w.complete for w in walks], dtype=bool),
        _checked(network, x[pairs], walks, steps),
        len(planned),
        drawn,
    )


def _checked(network: ReluNetwork, ends: _Floats, walks: list[SegmentWalk], steps: Steps) -> _Bools:
    """Check walks, as many as there is time for."""

    def holds(k: int) -> bool:
        start, stop = ends[k]
        return bool(certificates.check(network, (start, stop), walks[k]).all())

    places = list(range(len(walks)))
    found = _in_time(holds, places, "linear regions: checks of ways", steps, _CHECKING)
    return np.array([*found, *[False] * (len(walks) - len(found))], dtype=bool)


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
    # Bounds of rounding errors outgrow the radii of networks of very many units.
    n = min(_BALLS, len(rows)) if network.n_hidden <= MOST_UNITS else 0
    planned = [int(rows[k * len(rows) // n]) for k in range(n)]
    found = _in_time(
        lambda i: region_at(network, x[i]), planned, "linear regions: radii", steps, _SECONDS
    )
    return RadiusResult(
        np.array(planned[: len(found)], dtype=np.int64),
        np.array([(r.radius, r.radius_inf) for r in found]).reshape(-1, 2),
        np.array([(r.class_radius, r.class_radius_inf) for r in found]).reshape(-1, 2),
        n,
    )


def _in_time(
    work: Callable[[_In], _Out], items: list[_In], name: str, steps: Steps, seconds: float
) -> list[_Out]:
    """Work on items, one after the other, until there are no more or the time is over."""
    step, found = steps.add(name, len(items)), list[_Out]()
    end = time.perf_counter() + seconds
    for item in items:
        if time.perf_counter() > end:
            break
        found.append(work(item))
    steps.finish(step)
    return found
