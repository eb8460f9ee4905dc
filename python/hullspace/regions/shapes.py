"""Facets, vertices and labels of many regions, one after the other in flat arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.polyhedron import chebyshev_centers

if TYPE_CHECKING:
    from hullspace.regions.search import RegionSearch

_Floats = npt.NDArray[np.float64]
_Bytes = npt.NDArray[np.uint8]
_Ints = npt.NDArray[np.int64]

# A point beyond a facet by less than this share of the terms of its equation is on it.
_ON_A_FACET = 1e-12


@dataclass(frozen=True)
class Shapes:
    """What regions look like, in the coordinates of their search.

    Attributes
    ----------
    labels : (n_regions,) int64
        Class of each region; -1 where several share it.
    facets : (n_facets,) int64
        Constraints that are facets: hidden units, then ``n_hidden + j`` for the domain's.
    rows : (n_facets, n_dims + 1) float64
        The facets' constraints ``row[:-1] @ y <= row[-1]``.
    facet_starts : (n_regions + 1,) int64
        Where each region's facets are.
    corners : (n_corners, n_dims + 1) float64
        Vertices ``(y, 1)`` and directions of unbounded edges ``(direction, 0)``; none where the
        regions were found by linear programs.
    corner_starts : (n_regions + 1,) int64
        Where each region's corners are.
    on_facets : (n_incidences,) int64
        Corners of each facet, counted within its region.
    on_facet_starts : (n_facets + 1,) int64
        Where each facet's corners are.
    """

    labels: _Ints
    facets: _Ints
    rows: _Floats
    facet_starts: _Ints
    corners: _Floats
    corner_starts: _Ints
    on_facets: _Ints
    on_facet_starts: _Ints

    def __len__(self) -> int:
        return len(self.labels)

    def constraints(self, i: int) -> tuple[_Floats, _Floats]:
        """Return (A, b) of the facets of region `i`."""
        rows = self.rows[self.facet_starts[i] : self.facet_starts[i + 1]]
        return rows[:, :-1].copy(), rows[:, -1].copy()

    def vertices(self, i: int) -> _Floats:
        """Return the vertices of region `i`."""
        corners = self.corners[self.corner_starts[i] : self.corner_starts[i + 1]]
        vertices: _Floats = corners[corners[:, -1] > 0.0, :-1]
        return vertices

    def corners_of_facet(self, i: int, facet: int) -> _Floats:
        """Return the corners on a facet, counted over all regions, of region `i`."""
        on = self.on_facets[self.on_facet_starts[facet] : self.on_facet_starts[facet + 1]]
        corners: _Floats = self.corners[self.corner_starts[i] + on]
        return corners

    def locate(self, point: _Floats) -> int:
        """Return the region that a point is in up to rounding, -1 if there is none."""
        excess = self.rows[:, :-1] @ point - self.rows[:, -1]
        sizes = np.abs(self.rows[:, :-1]) @ np.abs(point) + np.abs(self.rows[:, -1])
        bounded = np.flatnonzero(np.diff(self.facet_starts))
        if len(bounded) < len(self):  # the only region, all of space
            return 0
        shares = excess / np.where(sizes > 0.0, sizes, 1.0)
        worst = np.maximum.reduceat(shares, self.facet_starts[:-1])
        best = int(worst.argmin())
        return best if worst[best] <= _ON_A_FACET else -1

    def inradii(self) -> _Floats:
        """Return the radius of a largest ball in each region."""
        radii = np.empty(len(self))
        sizes = np.diff(self.facet_starts)
        for size in np.unique(sizes):
            which = np.flatnonzero(sizes == size)
            places = self.facet_starts[which][:, None] + np.arange(size)
            rows = self.rows[places]
            if size == 0:
                radii[which] = np.inf
                continue
            found = chebyshev_centers(
                np.ascontiguousarray(rows[..., :-1]), np.ascontiguousarray(rows[..., -1])
            )
            radii[which] = found.radii
        return radii


def shapes_of(search: RegionSearch, patterns: _Bytes) -> Shapes:
    """Describe regions, without vertices where the search has none."""
    found = search.shapes(patterns)
    return Shapes(
        found.labels.astype(np.int64),
        found.facets.astype(np.int64),
        found.facet_rows,
        found.facet_starts,
        found.vertices,
        found.vertex_starts,
        found.facet_vertices.astype(np.int64),
        found.facet_vertex_starts,
    )


def class_outputs(weights: _Floats, biases: _Floats) -> tuple[_Floats, _Floats]:
    """Return the classes' affine outputs; a single one is that of class 1, against zero."""
    if len(biases) > 1:
        return weights, biases
    return np.vstack([np.zeros_like(weights), weights]), np.append(0.0, biases)
