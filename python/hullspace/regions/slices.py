"""Planar slices through the linear regions of networks of any size."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_double_matrix, as_nonnegative, require_finite
from hullspace.polyhedron import Polyhedron
from hullspace.regions.arguments import as_network, as_point
from hullspace.regions.boundary import DecisionBoundary, decision_boundary
from hullspace.regions.complex import RegionComplex
from hullspace.regions.plots import plot_polygons
from hullspace.regions.running import search_on
from hullspace.regions.search import RegionSearch
from hullspace.regions.search_space import SearchSpace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from matplotlib.axes import Axes

    from hullspace.networks import ReluNetwork

_Floats = npt.NDArray[np.float64]
Bounds = tuple[float, float] | tuple[tuple[float, float], tuple[float, float]]

# Directions of which the second is longer than this share of the first across it span a plane.
_IN_A_LINE = 1e-9


class RegionSlice(RegionComplex):
    """The linear regions that a plane cuts, as `slice_regions` returns them.

    A point of the plane has coordinates (s, t): it is ``origin + s * u + t * v``. Vertices,
    polyhedra, segments, `find` and `volumes` (areas) are in these coordinates; `interior_points`
    are inputs.

    Attributes
    ----------
    points : (n, 2) float64
        Marked points of the plane.
    names : tuple of str
        What they are.
    """

    def __init__(
        self, search: RegionSearch, points: _Floats | None = None, names: Sequence[str] = ()
    ) -> None:
        super().__init__(search)
        self.points = np.zeros((0, 2)) if points is None else points
        self.names = tuple(names)

    def _like(self, search: RegionSearch) -> Self:
        return type(self)(search, self.points, self.names)

    @property
    def coordinates(self) -> _Floats:
        """A point inside each region, in the plane, (n_regions, 2)."""
        return self._coordinates

    def lift(self, points: npt.ArrayLike) -> _Floats:
        """Return inputs, (n, n_inputs), of points of the plane, (n, 2)."""
        return self._space.lift(as_double_matrix(points, "points", 2))

    def lifted(self, coordinates: _Floats) -> _Floats:
        """Points of the plane stay what they are."""
        return coordinates

    def _embedded(self, A: _Floats, b: _Floats) -> Polyhedron:
        return Polyhedron(A, b)

    def find(self, points: npt.ArrayLike, tolerance: float = 1e-9) -> npt.NDArray[np.int64]:
        """Tell which region each point of the plane is in; see `RegionComplex.find`."""
        plane = as_double_matrix(points, "points", 2)
        found = self._located(self._space.lift(plane), plane)
        inside = Polyhedron(self._space.A, self._space.b).contains(plane, tolerance)
        found[~inside] = -1
        return found

    @cached_property
    def polygons(self) -> list[_Floats]:
        """Corners of each region in the plane, counterclockwise, (n_corners, 2) each."""
        return [_around(self.vertices(i)) for i in range(len(self))]

    @cached_property
    def boundary(self) -> DecisionBoundary:
        """The decision boundary in the plane; its `segments` are lines to draw."""
        return decision_boundary(self)

    def plot(self, ax: Axes | None = None, *, classes: Sequence[str] | None = None) -> Axes:
        """Draw the regions, tinted by class, the decision boundary and the marked points.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        classes : sequence of str, optional
            Names of the classes.

        Returns
        -------
        matplotlib Axes
            Where it was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        has_points = len(self.points) > 0
        return plot_polygons(
            ax,
            self.polygons,
            self.labels,
            boundary=self.boundary.segments,
            points=self.points if has_points else None,
            names=self.names if has_points and self.names else None,
            classes=classes,
        )


def _around(corners: _Floats) -> _Floats:
    """Sort the corners of a convex polygon counterclockwise."""
    from_middle = corners - corners.mean(axis=0)
    ordered: _Floats = corners[np.argsort(np.arctan2(from_middle[:, 1], from_middle[:, 0]))]
    return ordered


def slice_regions(
    network: ReluNetwork,
    origin: npt.ArrayLike,
    u: npt.ArrayLike,
    v: npt.ArrayLike,
    bounds: Bounds = (-1.0, 1.0),
    *,
    max_regions: int | None = None,
    time_limit: float | None = None,
    n_threads: int | None = None,
    checkpoint: str | PathLike[str] | None = None,
    progress: bool = False,
    verify: bool = False,
) -> RegionSlice:
    """Cut the linear regions of a network of any size by a plane, exactly.

    Parameters
    ----------
    network : ReluNetwork
        The network, also convolutional or residual.
    origin, u, v : arrays of the input's shape, or (n_inputs,)
        The plane: the points ``origin + s * u + t * v``.
    bounds : (low, high) or ((low_s, high_s), (low_t, high_t)), default (-1, 1)
        Range of the coordinates s and t.
    max_regions, time_limit, n_threads, checkpoint, progress, verify
        As in `enumerate_regions`.

    Returns
    -------
    RegionSlice
        The polygons, with their classes and the decision boundary; `RegionSlice.plot` draws them.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values, or u and v do not span a plane.
    SearchInterrupted
        On Ctrl-C; `complex` holds what was found.

    Examples
    --------
    >>> import numpy as np
    >>> import hullspace
    >>> generator = np.random.default_rng(0)
    >>> weights = [generator.normal(size=(20, 100)), generator.normal(size=(3, 20))]
    >>> network = hullspace.ReluNetwork.from_arrays(weights, [np.zeros(20), np.zeros(3)])
    >>> a, b, c = generator.normal(size=(3, 100))
    >>> plane = hullspace.slice_regions(network, a, b - a, c - a, (0, 1))
    >>> bool(np.isclose(plane.volumes.sum(), 1.0))
    True
    """
    model = as_network(network)
    start, first, second = (
        as_point(value, model, name) for value, name in ((origin, "origin"), (u, "u"), (v, "v"))
    )
    basis = np.column_stack([first, second])
    _require_plane(basis)
    low, high = _ends(bounds)
    axes = np.eye(2)
    A, b = np.vstack([axes, -axes]), np.concatenate([high, -low])
    space = SearchSpace(None, start, basis, A, b, is_whole=False)
    search = RegionSearch.started(network, space, "vertices", checkpoint, with_proof=verify)
    raised = search_on(
        search,
        max_regions=max_regions,
        time_limit=time_limit,
        n_threads=n_threads,
        checkpoint=checkpoint,
        progress=progress,
    )
    return RegionSlice(search).concluded(raised)


def slice_through(
    network: ReluNetwork,
    points: npt.ArrayLike,
    margin: float = 0.25,
    *,
    names: Sequence[str] = (),
    **options: Any,
) -> RegionSlice:
    """Cut the linear regions by the plane through three inputs.

    Parameters
    ----------
    network : ReluNetwork
        The network.
    points : (3, *input_shape) or (3, n_inputs) array
        The inputs, which must not lie on a line.
    margin : float, default 0.25
        How far the slice reaches beyond them, relative to their extent.
    names : sequence of str, optional
        What the points are, for the plot.
    **options
        As in `slice_regions`.

    Returns
    -------
    RegionSlice
        The slice; its coordinates are distances from the first point, the second one in the
        direction of s.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values, or the points lie on a line.
    """
    model, reach = as_network(network), as_nonnegative(margin, "margin")
    given = np.asarray(points)
    if given.ndim < 2 or len(given) != 3:
        raise ValueError(f"points must be three inputs, got shape {given.shape}")
    rows = np.array([as_point(point, model, "points") for point in given])
    sides = (rows[1:] - rows[0]).T
    _require_plane(sides, "points")
    basis, triangle = np.linalg.qr(sides)
    basis = basis * np.where(np.diag(triangle) < 0.0, -1.0, 1.0)
    xy = (rows - rows[0]) @ basis
    low, high = xy.min(axis=0), xy.max(axis=0)
    reach *= float((high - low).max())
    window = ((low[0] - reach, high[0] + reach), (low[1] - reach, high[1] + reach))
    found = slice_regions(model, rows[0], basis[:, 0], basis[:, 1], window, **options)
    found.points, found.names = xy, tuple(names)
    return found


def _require_plane(basis: _Floats, name: str = "u and v") -> None:
    lengths = np.linalg.norm(basis, axis=0)
    if (lengths == 0.0).any() or (
        np.linalg.svd(basis / lengths, compute_uv=False).min() <= _IN_A_LINE
    ):
        raise ValueError(f"{name} must span a plane")


def _ends(bounds: Bounds) -> tuple[_Floats, _Floats]:
    try:
        array = np.asarray(bounds, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"bounds must be pairs of numbers, got {bounds!r}") from None
    if array.shape == (2,):
        array = np.tile(array, (2, 1))
    if array.shape != (2, 2):
        raise ValueError(
            "bounds must be (low, high) or ((low_s, high_s), (low_t, high_t)), "
            f"got shape {array.shape}"
        )
    require_finite(array, "bounds")
    if not (array[:, 0] < array[:, 1]).all():
        raise ValueError(f"bounds must rise, got {array.tolist()}")
    return array[:, 0], array[:, 1]
