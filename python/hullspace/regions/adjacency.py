"""Which linear regions share a facet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

if TYPE_CHECKING:
    from hullspace.regions.search import RegionSearch
    from hullspace.regions.shapes import Shapes

_Floats = npt.NDArray[np.float64]
_Bytes = npt.NDArray[np.uint8]

# Steps across a facet, relative to the way from its middle to the region's point.
_STEPS = 2.0 ** -np.arange(1, 41, 3.0)


def facet_neighbors(
    search: RegionSearch, patterns: _Bytes, points: _Floats, shapes: Shapes
) -> sparse.csr_array:
    """Return the symmetric matrix of regions that share a facet.

    Across a facet of a hidden unit the unit changes its side, and mostly nothing else does. Where
    others share its hyperplane, the pattern is that of a point beyond the facet.
    """
    n_hidden = search.network.n_hidden
    owners = np.repeat(np.arange(len(shapes)), np.diff(shapes.facet_starts))
    inner = np.flatnonzero(shapes.facets < n_hidden)
    indices = {pattern.tobytes(): i for i, pattern in enumerate(patterns)}
    flipped = patterns[owners[inner]]
    units = shapes.facets[inner]
    flipped[np.arange(len(inner)), units // 8] ^= (1 << (units % 8)).astype(np.uint8)
    found = np.array([indices.get(pattern.tobytes(), -1) for pattern in flipped], dtype=np.int64)
    for k in np.flatnonzero(found < 0).tolist():
        i, facet = int(owners[inner[k]]), int(inner[k])
        found[k] = _beyond(search, points[i], i, facet, shapes, indices)
    known = found >= 0
    rows, columns = owners[inner][known], found[known]
    n = len(shapes)
    matrix = sparse.csr_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(n, n))
    symmetric = sparse.csr_array((matrix + matrix.T).astype(bool))
    symmetric.sort_indices()
    return symmetric


def _beyond(
    search: RegionSearch,
    point: _Floats,
    i: int,
    facet: int,
    shapes: Shapes,
    indices: dict[bytes, int],
) -> int:
    """Return the number of the region beyond a facet, -1 if it is none that was found."""
    middle = _middle(point, i, facet, shapes)
    normal, space = shapes.rows[facet, :-1], search.space
    way = float(normal @ (middle - point)) / float(normal @ normal) * normal
    targets = space.lift(middle + _STEPS[:, None] * way)
    for pattern in search.network.pattern(targets)[::-1]:
        other = indices.get(pattern.tobytes(), -1)
        if other not in {-1, i}:
            return other
    return -1


def _middle(point: _Floats, i: int, facet: int, shapes: Shapes) -> _Floats:
    """Return a point of a facet: the mean of its corners, or where a ray from inside meets it."""
    if len(shapes.corners):
        corners = shapes.corners_of_facet(i, facet)
        total = corners.sum(axis=0)
        middle: _Floats = total[:-1] / total[-1]
        return middle
    row = shapes.rows[facet]
    slack = float(row[-1] - row[:-1] @ point)
    foot: _Floats = point + slack / float(row[:-1] @ row[:-1]) * row[:-1]
    return foot
