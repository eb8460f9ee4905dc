"""Hulls of few dimensions: their facets, by Qhull.

Coordinates given to Qhull are centred and scaled, so that the units of the data do not matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.hull.results import Facets

if TYPE_CHECKING:
    from scipy.spatial import ConvexHull

MAX_FEATURES = 7


def expected_facets(n_points: int, n_features: int) -> float:
    """Facets of the hull of so many points of a normal distribution, for large sets.

    Affentranger and Schneider, "Random projections of regular simplices", Discrete and
    Computational Geometry 7 (1992): ``2**d / sqrt(d) * (pi * log(n)) ** ((d - 1) / 2)``.
    """
    d = n_features
    return float(2.0**d / np.sqrt(d) * (np.pi * np.log(max(n_points, 2))) ** ((d - 1) / 2))


class LowDimensionalHull:
    """Qhull's answer for a set, or None where the set is flat.

    Attributes
    ----------
    vertices : (n_vertices,) int64
        Points that Qhull takes for extreme, ascending.
    """

    def __init__(self, points: npt.NDArray[Any], hull: ConvexHull | None) -> None:
        self._center, self._unit = _frame(points)
        self._hull = hull
        if hull is None:
            values = points[:, 0]
            self._ends = np.array([values.argmin(), values.argmax()], np.int64)
            self.vertices = np.sort(self._ends)
        else:
            self.vertices = np.sort(hull.vertices).astype(np.int64)

    @classmethod
    def of(cls, points: npt.NDArray[Any]) -> LowDimensionalHull | None:
        """Run Qhull; None if the points lie in a hyperplane up to rounding."""
        from scipy.spatial import ConvexHull, QhullError  # noqa: PLC0415 - takes long to import

        center, unit = _frame(points)
        if points.shape[1] == 1:
            return None if unit == 0.0 else cls(points, None)
        if len(points) <= points.shape[1] or unit == 0.0:
            return None
        try:
            return cls(points, ConvexHull((points - center) / unit))
        except QhullError:
            return None

    @property
    def volume(self) -> float:
        """Volume in the units of the data: length in one dimension, area in two."""
        if self._hull is None:
            return float(2.0 * self._unit)
        with np.errstate(over="ignore", under="ignore"):
            return float(self._hull.volume * np.float64(self._unit) ** len(self._center))

    @property
    def facets(self) -> Facets:
        """The triangulated facets."""
        if self._hull is None:
            normals = np.array([[-1.0], [1.0]])
            offsets = np.array([self._unit - self._center[0], self._unit + self._center[0]])
            return Facets(normals, offsets, self._ends[:, None])
        normals = self._hull.equations[:, :-1]
        offsets = normals @ self._center - self._unit * self._hull.equations[:, -1]
        return Facets(normals, offsets, self._hull.simplices.astype(np.int64))


def _frame(points: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], float]:
    """Middle of the bounding box and half its largest width."""
    low = points.min(axis=0).astype(np.float64)
    high = points.max(axis=0).astype(np.float64)
    return 0.5 * low + 0.5 * high, float((0.5 * high - 0.5 * low).max())
