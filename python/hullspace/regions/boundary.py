"""The decision boundary of a network as polyhedral pieces."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hullspace.polyhedron import Polyhedron
from hullspace.regions.beyond import Facets, ratio
from hullspace.regions.complex import RegionComplex

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# Hyperplanes whose coefficients differ by less than this share of them are the same.
_SAME = 1e-9


class DecisionBoundary:
    """Where classes tie at the top, piece by piece, as `decision_boundary` returns it.

    Attributes
    ----------
    regions : (n_pieces,) int64
        The region that each piece lies in.
    classes : (n_pieces, 2) int64
        The classes that are ahead on either side of it, the lower one first.
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
        The pieces, one dimension less than the regions, each with its pair of classes.

    Raises
    ------
    TypeError
        If the argument is neither.

    Notes
    -----
    The boundary is where two outputs are equal and no other is larger, but for the interior of
    regions in which the largest outputs are the same function: there they count as one class, the
    lowest of them. Where one is ahead on one side of the boundary, and on the other side both are
    the same, the boundary runs along the facet between.

    Each piece is listed once, with the classes that are ahead on its two sides. If that is the same
    class on both, for another one comes up to it without passing it, the pair is that class and the
    lowest other one that ties. A piece along a facet belongs to the region in which its lower class
    is ahead; if the other side does not see it, for there the two are the same or the domain ends,
    to the region that does; and if both sides have the same class ahead, to the first of the two
    regions. Ties are found exactly, by either method.

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
    corners, starts, regions, classes, facets = complex.boundary_pieces()
    kept = np.ones(len(regions), dtype=bool)
    inputs = Facets(complex.network, complex.search_space)
    for k in np.flatnonzero((facets >= 0) & (facets < complex.network.n_hidden)).tolist():
        pair = _seen(complex, inputs, int(regions[k]), int(classes[k, 0]), int(facets[k]))
        kept[k] = pair is not None
        classes[k] = classes[k] if pair is None else pair
    if len(starts):
        sizes = np.diff(starts)
        corners = corners[np.repeat(kept, sizes)]
        starts = np.concatenate([[0], np.cumsum(sizes[kept])])
    return DecisionBoundary(complex, regions[kept], np.sort(classes[kept]), corners, starts)


def _seen(
    complex_: RegionComplex, facets: Facets, region: int, best: int, unit: int
) -> tuple[int, int] | None:
    """Return the classes of a tie along a facet of a region, None if it belongs to the other side.

    Class `best` is ahead in the region, the lowest of those that are.
    """
    facet, here, there, beyond = facets.look(complex_.bits(region), unit)
    behind = {d: ratio(here[best] - here[d], facet) for d in range(len(here))}
    # Of what ties along the facet, how far it is behind beyond it.
    lags = {d: ratio(there[d] - there[best], facet) for d, lag in behind.items() if lag is not None}
    least = min(lag for lag in lags.values() if lag is not None)
    winner = min(d for d, lag in lags.items() if lag == least)
    other = winner if winner != best else min(d for d in lags if behind[d])
    pair = best, other
    neighbor = complex_.region_of(beyond)
    if neighbor < 0 or all(lag == least for lag in lags.values()):  # nobody else lists it
        return pair
    if winner == best:
        return pair if region < neighbor else None
    return pair if best < winner else None


def _rows(A: _Floats, b: _Floats) -> _Floats:
    return np.column_stack([A, b])


def _along(rows: _Floats, equalities: _Floats) -> _Floats:
    """Return rows with coefficients along a flat, and the constants that they have there."""
    if not len(equalities):
        return rows
    shares = np.linalg.lstsq(equalities[:, :-1].T, rows[:, :-1].T)[0]
    along: _Floats = rows - shares.T @ equalities
    return along


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
