"""Checks of many results about one set of points, which is prepared once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.arguments import DEFAULT_TOLERANCE, as_matrix, as_tolerance
from hullspace.certificates.points import PointSet
from hullspace.certificates.registry import OF_POINTS, kind_of
from hullspace.devices import on_host

if TYPE_CHECKING:
    import numpy.typing as npt

    from hullspace.certificates.rounding import Bools


def in_host_memory(value: Any) -> Any:
    """Return `value`, or the parts of a tuple, in the host's memory."""
    return tuple(on_host(part) for part in value) if type(value) is tuple else on_host(value)


class Checker:
    """Points made ready for checks of what hulls answer about them.

    Parameters
    ----------
    points : (n_points, n_features) array
        The points that the hull was made of; they must not change while the checker lives.

    Attributes
    ----------
    n_points, n_features : int
        Shape of the set.

    Raises
    ------
    TypeError, ValueError
        If `points` is not a matrix of finite real numbers.

    Notes
    -----
    Takes as much memory again as the points in double precision, up to 256 MB; larger sets are
    centred anew in every pass.

    Examples
    --------
    >>> import hullspace
    >>> points = [[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]
    >>> hull, checker = hullspace.Hull(points), hullspace.certificates.Checker(points)
    >>> for query in ([0.5, 0.5], [2.0, 2.0]):
    ...     print(checker.check([query], hull.contains([query])))
    [ True]
    [ True]
    """

    def __init__(self, points: npt.ArrayLike) -> None:
        self._points = PointSet(as_matrix(on_host(points), "points"))

    @property
    def n_points(self) -> int:
        """Number of points."""
        return len(self._points)

    @property
    def n_features(self) -> int:
        """Number of coordinates of a point."""
        return self._points.n_features

    def __repr__(self) -> str:
        return f"Checker(n_points={self.n_points}, n_features={self.n_features})"

    def check(self, queries: Any, result: Any, *, tolerance: float = DEFAULT_TOLERANCE) -> Bools:
        """Check every answer of a result about the hull of the points.

        Parameters
        ----------
        queries : array_like, pair of arrays, or None
            What was asked, as for `hullspace.certificates.check`.
        result : Membership, Projection, Ray, Gauge, Support, Vertices or Coreset
            What the hull answered.
        tolerance : float, default 1e-9
            What was asked for.

        Returns
        -------
        bool array
            As `hullspace.certificates.check` returns it.

        Raises
        ------
        TypeError, ValueError
            If arrays are unfit, or the shapes do not belong together.
        """
        kind = kind_of(result)
        if kind not in OF_POINTS:
            raise TypeError(
                f"result must be about one hull, got {kind}; use hullspace.certificates.check"
            )
        share, asked = as_tolerance(tolerance), in_host_memory(queries)
        with np.errstate(all="ignore"):  # whatever a corrupted certificate leads to fails its test
            return OF_POINTS[kind](self._points, asked, on_host(result), share)
