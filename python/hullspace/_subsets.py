"""Subsets of a set with the same hull, or nearly: its vertices, and coresets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace import _core
from hullspace._arrays import as_threads
from hullspace._results import Coreset, Vertices
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.hull import Hull

# Points that join a coreset in a round, as a share of those that it has; at least one.
_SHARE_PER_ROUND = 0.05
# Distances computed ahead of the next round for each point that is to join.
_LOOKAHEAD = 8


def vertices(hull: Hull, tolerance: float, n_threads: int | None) -> Vertices:
    """See `Hull.vertices`."""
    points, threads = hull.points, as_threads(n_threads)
    if len(points) == 1:
        return _single(points)
    core = _core.Hull(points, threads)
    status, normals, margins, _, weights, _ = core.leave_one_out(tolerance, threads)
    extreme = status != Status.INSIDE
    if extreme.all():
        return Vertices(np.arange(len(points)), normals, margins, status)
    late = _complete(points, extreme, weights, tolerance, threads)
    chosen = np.flatnonzero(extreme)
    if len(chosen) == 1:
        return _single(points[chosen], chosen)
    if len(late):
        # Points close to each other were inside the hull of the others, each thanks to the other.
        # What is chosen now is proven against the rest of what is chosen.
        found = _core.Hull(points[chosen], threads).leave_one_out(tolerance, threads)
        again = np.isin(chosen, late)
        status[late], normals[late], margins[late] = (part[again] for part in found[:3])
        status[late[status[late] == Status.INSIDE]] = Status.UNDECIDED
    return Vertices(chosen, normals[chosen], margins[chosen], status[chosen])


def _single(points: npt.NDArray[Any], indices: npt.NDArray[np.intp] | None = None) -> Vertices:
    direction = np.zeros((1, points.shape[1]))
    direction[0, 0] = 1.0
    outside = np.array([Status.OUTSIDE], np.int8)
    where = np.zeros(1, np.int64) if indices is None else indices
    return Vertices(where, direction, np.array([np.inf]), outside)


def _complete(
    points: npt.NDArray[Any],
    extreme: npt.NDArray[np.bool_],
    weights: tuple[Any, Any, Any],
    tolerance: float,
    threads: int,
) -> npt.NDArray[np.intp]:
    """Add to `extreme` until its hull contains every point within the tolerance.

    `weights` say which points others were found to be combinations of. Returns what was added.
    """
    left = np.flatnonzero(~extreme)
    _, columns, starts = weights
    added: list[int] = []
    while len(left):
        if extreme.any():
            core = _core.Hull(points[extreme], threads)
            status, _, _, _, _, _ = core.contains(points[left], tolerance, threads)
            left = left[status != Status.INSIDE]
        # In order of the indices, what does not rely on a point that was just added.
        new: set[int] = set()
        for i in left:
            if new.isdisjoint(columns[starts[i] : starts[i + 1]].tolist()):
                new.add(int(i))
        added.extend(new)
        extreme[list(new)] = True
        left = left[~extreme[left]]
    return np.array(sorted(added), np.intp)


def coreset(hull: Hull, epsilon: float, n_threads: int | None) -> Coreset:
    """See `Hull.coreset`."""
    points, threads = hull.points, as_threads(n_threads)
    first, second, diameter = _far_apart(points)
    chosen = [first] if first == second else [first, second]
    # Distances to the hull of what was chosen at some time; they only fall.
    distances = np.full(len(points), np.inf)
    distances[chosen] = 0.0
    goal = epsilon * diameter
    while True:
        core = _core.Hull(points[chosen], threads)
        n_new = max(1, int(_SHARE_PER_ROUND * len(chosen)))
        _refresh(core, points, distances, goal, n_new, threads)
        farthest = np.argsort(-distances, kind="stable")[:n_new]
        new = farthest[distances[farthest] > goal]
        if not len(new):
            return Coreset(np.sort(np.array(chosen, np.int64)), float(distances.max()), diameter)
        chosen.extend(int(i) for i in new)
        distances[new] = 0.0


def _refresh(
    core: _core.Hull,
    points: npt.NDArray[Any],
    distances: npt.NDArray[np.float64],
    goal: float,
    n_new: int,
    threads: int,
) -> None:
    """Bring `distances` to the core's hull up to date, down to the `n_new` largest above `goal`."""
    tolerance = 1e-3 * goal / core.scale
    stale = distances > goal
    while True:
        order = np.argsort(-distances, kind="stable")
        if not stale[order[:n_new]].any():
            return
        batch = order[: max(_LOOKAHEAD * n_new, 1024)]
        batch = batch[stale[batch]]
        found = core.project(points[batch], min(tolerance, 0.5), threads)[1]
        distances[batch] = np.minimum(distances[batch], found)
        stale[batch] = False


def _far_apart(points: npt.NDArray[Any]) -> tuple[int, int, float]:
    """Return two points and their distance: farthest from a point, farthest from that, and on."""
    unit = float(np.abs(points).max()) or 1.0
    scaled = points.astype(np.float64) / unit
    first = 0
    best = (0, 0, -1.0)
    while True:
        lengths = np.linalg.norm(scaled - scaled[first], axis=1)
        second = int(lengths.argmax())
        if lengths[second] <= best[2]:
            return best[0], best[1], best[2] * unit
        best = (first, second, float(lengths[second]))
        first = second
