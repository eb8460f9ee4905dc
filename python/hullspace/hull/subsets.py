"""Subsets of a set with the same hull, or nearly: its vertices, and coresets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hullspace import _core
from hullspace.arguments import as_threads
from hullspace.hull.results import Coreset, Vertices
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.hull import Hull

# Makes points and a number of threads a hull of the core, or what answers like one.
Prepare = Callable[[npt.NDArray[Any], int], Any]

# Points that join a coreset in a round, as a share of those that it has; at least one.
_SHARE_PER_ROUND = 0.05
# Distances computed ahead of the next round for each point that is to join.
_LOOKAHEAD = 8


def vertices(
    given: npt.NDArray[Any],
    tolerance: float,
    threads: int,
    prepare: Prepare = _core.Hull,
) -> Vertices:
    """See `Hull.vertices`."""
    distinct = _first_of_equal(given)
    points = given if len(distinct) == len(given) else given[distinct]
    if len(points) == 1:
        return _single(points, distinct)
    core = prepare(points, threads)
    found = core.leave_one_out(tolerance, threads)
    status, normals, margins = found.status, found.normals, found.margins
    chosen = np.flatnonzero(status != Status.INSIDE)
    if len(chosen) < len(points):
        chosen = _complete(points, chosen, found.weights, tolerance, threads, prepare)
        late = status[chosen] == Status.INSIDE
        if len(chosen) == 1:
            return _single(points, distinct[chosen])
        if late.any():
            # What was chosen late is proven against the rest of what is chosen.
            again = prepare(points[chosen], threads).leave_one_out(tolerance, threads)
            status[chosen[late]] = again.status[late]
            normals[chosen[late]] = again.normals[late]
            margins[chosen[late]] = again.margins[late]
            status[chosen[status[chosen] == Status.INSIDE]] = Status.UNDECIDED
    return Vertices(distinct[chosen], normals[chosen], margins[chosen], status[chosen])


def _first_of_equal(points: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return the indices of the first of each group of equal rows, ascending."""
    rows = np.ascontiguousarray(points + 0.0)  # turns minus zeros into zeros
    keys = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1])))[:, 0]
    return np.sort(np.unique(keys, return_index=True)[1])


def _single(points: npt.NDArray[Any], indices: npt.NDArray[np.intp]) -> Vertices:
    direction = np.zeros((1, points.shape[1]))
    direction[0, 0] = 1.0
    return Vertices(indices, direction, np.array([np.inf]), np.array([Status.OUTSIDE], np.int8))


def _complete(
    points: npt.NDArray[Any],
    chosen: npt.NDArray[np.intp],
    weights: _core.Csr,
    tolerance: float,
    threads: int,
    prepare: Prepare,
) -> npt.NDArray[np.intp]:
    """Return `chosen`, with points added until its hull has every point within the tolerance.

    Points closer to each other than the tolerance are all inside the hull of the others, each
    thanks to the other. `weights` say on which others a point relies.
    """
    columns, starts = weights.indices, weights.indptr
    left = np.setdiff1d(np.arange(len(points)), chosen)
    farness = np.zeros(len(left))
    while len(left):
        if len(chosen):
            core = prepare(points[chosen], threads)
            found = core.contains(points[left], tolerance, threads)
            outside = found.status != Status.INSIDE
            left, farness = left[outside], found.margins[outside]
        # The farthest are extreme, but what relies on one of them may be so only without it.
        new: set[int] = set()
        relied_on: set[int] = set()
        for i in left[np.argsort(-farness, kind="stable")]:
            others = columns[starts[i] : starts[i + 1]].tolist()
            if i not in relied_on and new.isdisjoint(others):
                new.add(int(i))
                relied_on.update(others)
        chosen = np.union1d(chosen, np.array(list(new), np.intp))
        left = np.setdiff1d(left, chosen)
        farness = np.zeros(len(left))
    return chosen


def coreset(hull: Hull, epsilon: float, n_threads: int | None) -> Coreset:
    """See `Hull.coreset`."""
    points, threads = hull.points, as_threads(n_threads)
    first, second, diameter = _far_apart(points)
    chosen = [first] if first == second else [first, second]
    # Distances to the hull of what was chosen at some time; they only fall.
    distances = np.full(len(points), np.inf)
    distances[chosen] = 0.0
    kept = [(np.array([i]), np.ones(1)) for i in range(len(points))]
    goal = epsilon * diameter
    while True:
        core = _core.Hull(points[chosen], threads)
        n_new = max(1, int(_SHARE_PER_ROUND * len(chosen)))
        found = _refresh(core, points, distances, goal, n_new, threads)
        for i, columns, values in found:
            kept[i] = (np.array(chosen)[columns], values)
        farthest = np.argsort(-distances, kind="stable")[:n_new]
        new = farthest[distances[farthest] > goal]
        if not len(new):
            indices = np.sort(np.array(chosen, np.int64))
            weights = _as_csr(kept)
            return Coreset(indices, float(distances.max()), diameter, (first, second), weights)
        chosen.extend(int(i) for i in new)
        distances[new] = 0.0
        for i in new.tolist():
            kept[i] = (np.array([i]), np.ones(1))


def _as_csr(
    rows: list[tuple[npt.NDArray[Any], npt.NDArray[np.float64]]],
) -> sparse.csr_array:
    """Return weights of all points, a row each."""
    starts = np.concatenate([[0], np.cumsum([len(columns) for columns, _ in rows])])
    columns = np.concatenate([columns for columns, _ in rows])
    values = np.concatenate([values for _, values in rows])
    return sparse.csr_array((values, columns, starts), shape=(len(rows), len(rows)))


def _refresh(
    core: _core.Hull,
    points: npt.NDArray[Any],
    distances: npt.NDArray[np.float64],
    goal: float,
    n_new: int,
    threads: int,
) -> list[tuple[int, npt.NDArray[Any], npt.NDArray[np.float64]]]:
    """Bring `distances` to the core's hull up to date, down to the `n_new` largest above `goal`.

    Returns the points whose distances fell, each with the columns and values of its weights.
    """
    tolerance = 1e-3 * goal / core.scale
    stale = distances > goal
    fallen: list[tuple[int, npt.NDArray[Any], npt.NDArray[np.float64]]] = []
    while True:
        order = np.argsort(-distances, kind="stable")
        if not stale[order[:n_new]].any():
            return fallen
        batch = order[: max(_LOOKAHEAD * n_new, 1024)]
        batch = batch[stale[batch]]
        found = core.project(points[batch], min(tolerance, 0.5), threads)
        weights, starts = found.weights, found.weights.indptr
        for k in np.flatnonzero(found.distances < distances[batch]).tolist():
            part = slice(starts[k], starts[k + 1])
            fallen.append((int(batch[k]), weights.indices[part], weights.data[part]))
        distances[batch] = np.minimum(distances[batch], found.distances)
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
