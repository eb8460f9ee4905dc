"""A plane in a space of many dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]

# Points that span less than this of their longest distance in the second direction are on a line.
_ON_A_LINE = 1e-6


@dataclass(frozen=True)
class Plane:
    """The points ``origin + x * basis[0] + y * basis[1]``.

    Attributes
    ----------
    origin : (n_features,) float64
        Where x and y are zero.
    basis : (2, n_features) float64
        Orthonormal directions.
    """

    origin: _Floats
    basis: _Floats

    @classmethod
    def through(cls, points: _Floats) -> Plane | None:
        """Return the plane through three points, or None if they are on a line.

        The first point is the origin, and the second one lies in the direction of x.
        """
        if len(points) < 3 or points.shape[1] < 2:
            return None
        sides = points[1:] - points[0]
        longest = np.linalg.norm(sides, axis=1).max()
        basis, triangle = np.linalg.qr(sides.T)
        signs = np.where(np.diag(triangle) < 0.0, -1.0, 1.0)
        if np.abs(np.diag(triangle)).min() <= _ON_A_LINE * longest:
            return None
        return cls(points[0], (basis * signs).T)

    def coordinates(self, points: _Floats) -> _Floats:
        """Return x and y of the nearest points of the plane, (n, 2)."""
        result: _Floats = (points - self.origin) @ self.basis.T
        return result

    def lift(self, xy: _Floats) -> _Floats:
        """Return points of the plane in feature space, (n, n_features)."""
        result: _Floats = self.origin + xy @ self.basis
        return result

    def away(self, points: _Floats) -> _Floats:
        """Return the steps from the plane to points, at a right angle to it."""
        from_origin = points - self.origin
        result: _Floats = from_origin - (from_origin @ self.basis.T) @ self.basis
        return result

    def cut(self, A: _Floats, b: _Floats) -> tuple[_Floats, _Floats]:
        """Return the half-planes in which the plane meets the half-spaces ``A z <= b``."""
        return A @ self.basis.T, b - A @ self.origin
