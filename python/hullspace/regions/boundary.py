"""The decision boundary of a network as polyhedral pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.polyhedron import Polyhedron

if TYPE_CHECKING:
    from hullspace.regions.complex import RegionComplex

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# Pieces whose largest ball is smaller than this share of the region's are rounding.
_LEAST = 1e-9


class DecisionBoundary:
    """Where two classes tie at the top, piece by piece, as `decision_boundary` returns it.

    Attributes
    ----------
    regions : (n_pieces,) int64
        The region that each piece lies in.
    classes : (n_pieces, 2) int64
        The classes that tie on it, the lower one first.
    """

    def __init__(
        self,
        complex_: RegionComplex,
        regions: _Ints,
        classes: _Ints,
        corners: _Floats,
        starts: _Ints,
    ) -> None:
        self._complex = complex_
        self.regions = regions
        self.classes = classes
        self._corners = corners
        self._starts = starts

    def __len__(self) -> int:
        return len(self.regions)

    def __repr__(self) -> str:
        pairs = len(np.unique(self.classes, axis=0))
        return f"DecisionBoundary({len(self)} pieces, {pairs} pairs of classes)"

    def vertices(self, i: int) -> _Floats:
        """Return the vertices of piece `i`, (n_vertices, n_inputs).

        For a slice they are in the coordinates of the plane: the two ends of a segment.

        Raises
        ------
        ValueError
            If there are too many dimensions for vertices.
        """
        if not len(self._starts):
            raise ValueError("vertices are known in few dimensions only")
        corners = self._corners[self._starts[i] : self._starts[i + 1]]
        return self._complex.lifted(corners[corners[:, -1] > 0.0, :-1])

    def polyhedron(self, i: int) -> Polyhedron:
        """Return piece `i` as a polyhedron: its region, with the tie as an equality."""
        first, second = self.classes[i].tolist()
        return piece(self._complex, int(self.regions[i]), first, second)

    @property
    def segments(self) -> _Floats:
        """Pieces of a planar boundary by their ends, (n_segments, 2, 2); unbounded ones left out.

        Raises
        ------
        ValueError
            If the boundary is not one in a plane.
        """
        if not len(self._starts) or self._corners.shape[1] != 3:
            raise ValueError("segments are those of a boundary in a plane")
        sizes = np.diff(self._starts)
        ends = self._corners[self._starts[:-1][sizes == 2][:, None] + np.arange(2)]
        bounded = (ends[..., -1] > 0.0).all(axis=1)
        segments: _Floats = ends[bounded, :, :-1]
        return segments


def decision_boundary(complex: RegionComplex) -> DecisionBoundary:  # noqa: A002 - what it is
    """Find the decision boundary in the regions of a complex or a slice.

    Parameters
    ----------
    complex : RegionComplex or RegionSlice
        The regions. A network with a single output has its boundary where that is zero.

    Returns
    -------
    DecisionBoundary
        The pieces in which two outputs are equal and no other is larger, one dimension less than
        the regions, each with its pair of classes.

    Raises
    ------
    TypeError
        If the argument is neither.

    Examples
    --------
    >>> import hullspace
    >>> weights, biases = [[[1.0, 0.0], [-1.0, 0.0]], [[1.0, 1.0]]], [[0.0, 0.0], [-1.0]]
    >>> network = hullspace.ReluNetwork.from_arrays(weights, biases)  # |x| - 1
    >>> regions = hullspace.enumerate_regions(network, (-2, 2))
    >>> boundary = hullspace.decision_boundary(regions)
    >>> boundary
    DecisionBoundary(2 pieces, 1 pairs of classes)
    >>> sorted(boundary.segments[:, 0, 0].tolist())
    [-1.0, 1.0]
    """
    from hullspace.regions.complex import RegionComplex  # noqa: PLC0415 - it is higher up

    if not isinstance(complex, RegionComplex):
        raise TypeError(f"complex must be a RegionComplex, got {type(complex).__name__}")
    found_pieces = complex.boundary_pieces()
    if found_pieces is not None:
        return DecisionBoundary(complex, *found_pieces)
    pieces = []
    for i in np.flatnonzero(complex.labels < 0).tolist():
        n = max(complex.network.n_outputs, 2)
        radius = complex.polyhedron(i).chebyshev_center().radius
        for first in range(n):
            for second in range(first + 1, n):
                center = piece(complex, i, first, second).chebyshev_center()
                if center.radius > _LEAST * min(radius, 1.0):
                    pieces.append((i, first, second))
    found = np.array(pieces, dtype=np.int64).reshape(-1, 3)
    none = np.zeros((0, 0))
    return DecisionBoundary(complex, found[:, 0], found[:, 1:], none, np.zeros(0, np.int64))


def piece(complex_: RegionComplex, i: int, first: int, second: int) -> Polyhedron:
    """Return where two classes tie at the top in region `i`."""
    region = complex_.polyhedron(i)
    weights, biases = complex_.outputs(i)
    others = [c for c in range(len(biases)) if c not in {first, second}]
    A = np.vstack([region.A, weights[others] - weights[first]])
    b = np.append(region.b, biases[first] - biases[others])
    E = np.vstack([region.E, weights[first] - weights[second]])
    d = np.append(region.d, biases[second] - biases[first])
    return Polyhedron(A, b, (E, d))
