"""The decision boundary of a network as polyhedral pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.polyhedron import Polyhedron
from hullspace.regions.complex import RegionComplex

if TYPE_CHECKING:
    from collections.abc import Iterator

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# Pieces whose largest ball is smaller than this share of the region's are rounding.
_LEAST = 1e-9
# Hyperplanes whose coefficients differ by less than this share of them are the same.
_SAME = 1e-9


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
        IndexError
            If there is no such piece.
        ValueError
            If there are too many dimensions for vertices.
        """
        if not len(self._starts):
            raise ValueError("vertices are known in few dimensions only")
        index = range(len(self))[i]
        corners = self._corners[self._starts[index] : self._starts[index + 1]]
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
    if not isinstance(complex, RegionComplex):
        raise TypeError(f"complex must be a RegionComplex, got {type(complex).__name__}")
    found_pieces = complex.boundary_pieces()
    if found_pieces is not None:
        return DecisionBoundary(complex, *found_pieces)
    pieces = [(i, *pair) for i in range(len(complex)) for pair in _ties(complex, i)]
    found = np.array(pieces, dtype=np.int64).reshape(-1, 3)
    none = np.zeros((0, 0))
    return DecisionBoundary(complex, found[:, 0], found[:, 1:], none, np.zeros(0, np.int64))


def _ties(complex_: RegionComplex, i: int) -> Iterator[tuple[int, int]]:
    """Yield the pairs of classes that tie at the top in region `i`, the lower one first.

    A tie along a facet is a piece of the side on which the lower class is ahead. Of classes that
    are the same all over the region the lowest one counts.
    """
    region, label = complex_.polyhedron(i), int(complex_.labels[i])
    facets = _units(_along(_rows(region.A, region.b), _rows(region.E, region.d)))
    weights, biases = complex_.outputs(i)
    outputs = _along(_rows(weights, -biases), _rows(region.E, region.d))
    size = np.abs(outputs).max(axis=1)
    least = 0.0 if label >= 0 else _LEAST * min(region.chebyshev_center().radius, 1.0)
    for first in range(len(outputs)) if label < 0 else [label]:
        if _is_any(outputs[first], outputs[:first], size[first]):
            continue
        for second in range(first + 1, len(outputs)):
            tie = outputs[first] - outputs[second]
            if _is_any(outputs[second], outputs[:second], size[second]) or (
                np.abs(tie[:-1]).max(initial=0.0) <= _SAME * max(size[first], size[second])
            ):
                continue
            unit = _units(tie[None])[0]
            scale = np.abs(unit).max()
            if _is_any(unit, facets, scale):  # the second class is ahead, from the facet on
                continue
            if label >= 0:
                if _is_any(-unit, facets, scale):
                    yield first, second
            elif piece(complex_, i, first, second).chebyshev_center().radius > least:
                yield first, second


def _rows(A: _Floats, b: _Floats) -> _Floats:
    return np.column_stack([A, b])


def _along(rows: _Floats, equalities: _Floats) -> _Floats:
    """Return rows with coefficients along a flat, and the constants that they have there."""
    if not len(equalities):
        return rows
    shares = np.linalg.lstsq(equalities[:, :-1].T, rows[:, :-1].T)[0]
    along: _Floats = rows - shares.T @ equalities
    return along


def _units(rows: _Floats) -> _Floats:
    lengths = np.linalg.norm(rows[:, :-1], axis=1, keepdims=True)
    return rows / np.where(lengths > 0.0, lengths, 1.0)


def _is_any(row: _Floats, rows: _Floats, size: float) -> bool:
    return bool((np.abs(rows - row).max(axis=1, initial=0.0) <= _SAME * size).any())


def piece(complex_: RegionComplex, i: int, first: int, second: int) -> Polyhedron:
    """Return where two classes tie at the top in region `i`."""
    region = complex_.polyhedron(i)
    weights, biases = complex_.outputs(i)
    others = [c for c in range(len(biases)) if c not in {first, second}]
    A = np.vstack([region.A, weights[others] - weights[first]])
    b = np.append(region.b, biases[first] - biases[others])
    E = np.vstack([region.E, weights[first] - weights[second]])
    d = np.append(region.d, biases[second] - biases[first])
    # What the equalities imply, rounding would contradict.
    rows = _rows(A, b)
    left = np.abs(_along(rows, _rows(E, d))).max(axis=1, initial=0.0)
    kept = left > _SAME * np.abs(rows).max(axis=1, initial=0.0)
    return Polyhedron(A[kept], b[kept], (E, d))
