"""Corners and exact volumes of bounded full-dimensional polyhedra, by Qhull."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]

# Qhull's work grows too fast beyond.
MAX_DIMENSIONS = 8


def exact_vertices(A: _Floats, b: _Floats, center: _Floats) -> _Floats:
    """Corners in lexicographic order."""
    if len(center) > MAX_DIMENSIONS:
        raise ValueError(
            f"vertices are listed in up to {MAX_DIMENSIONS} dimensions, got {len(center)}"
        )
    if len(center) == 1:
        ends = b[:, None] / np.where(A != 0.0, A, np.nan)
        return np.array([[np.nanmax(ends[A < 0.0])], [np.nanmin(ends[A > 0.0])]])
    from scipy.spatial import HalfspaceIntersection  # noqa: PLC0415 - takes long to import

    lengths = np.linalg.norm(A, axis=1)
    rows = lengths > 0.0
    slacks = (b - A @ center)[rows] / lengths[rows]
    unit = slacks.min()
    halfspaces = np.column_stack([A[rows] / lengths[rows, None], -slacks / unit])
    corners = HalfspaceIntersection(halfspaces, np.zeros(len(center))).intersections
    # Where more halfspaces meet than dimensions, Qhull lists a corner more than once.
    _, first = np.unique(np.round(corners, 9), axis=0, return_index=True)
    points: _Floats = center + corners[first] * unit + 0.0  # no negative zeros
    return points


def exact_volume(A: _Floats, b: _Floats, center: _Floats) -> float | None:
    """Volume by Qhull, or None in too many dimensions."""
    if len(center) > MAX_DIMENSIONS:
        return None
    corners = exact_vertices(A, b, center)
    if len(center) == 1:
        return float(corners[1, 0] - corners[0, 0])
    from scipy.spatial import ConvexHull  # noqa: PLC0415 - takes long to import

    return float(ConvexHull(corners).volume)
