"""Coordinates in which a point set has unit width in every column, and is centred at zero.

Columns are divided by powers of two, which rounds nothing; subtracting the centre rounds each
element once. So no bound of a rounding error depends on the units of the data, nor of any column.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.certificates.rounding import (
    NO_EXPONENT,
    ROUNDOFF,
    SMALLEST,
    UNDERFLOW,
    Exponents,
    Floats,
    Rows,
    bound_of,
    exponents,
    gamma,
    highest,
    norms,
    times_power,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

# Digits of a double.
_DIGITS = 53
# Rows so many powers of two farther away than the set is wide get a unit of their own.
_FAR = 100
# Lengths that rounding is a share of are kept so many powers of two smaller, lest they overflow.
_ROOM = 16
# A point that is an answer may have been rounded so many times.
_ROUNDINGS = 4


@dataclass(frozen=True)
class Placed:
    """Rows as differences from the centre of a frame.

    Attributes
    ----------
    rows : (n, n_features) float64
        In the coordinates of the frame and in units of ``2**units``.
    units : (n,) int64
        Zero but for rows that are so far from the set that numbers might overflow.
    away : (n, n_features) float64
        In the units of the data.
    """

    rows: Floats
    units: Exponents
    away: Floats

    def __len__(self) -> int:
        return len(self.units)

    def select(self, rows: Rows) -> Placed:
        """Return some of the rows."""
        return Placed(self.rows[rows], self.units[rows], self.away[rows])


@dataclass(frozen=True)
class Normals:
    """Directions in the coordinates of a frame: what they multiply differences of points with.

    Attributes
    ----------
    rows : (n, n_features) float64
        Scaled so that the largest element is about one half to one.
    units : (n,) int64
        Products with differences in a frame are lengths in units of ``2**units``.
    lengths : (n,) float64
        Norms of the rows.
    """

    rows: Floats
    units: Exponents
    lengths: Floats

    def __len__(self) -> int:
        return len(self.units)


@dataclass(frozen=True)
class Frame:
    """Coordinates ``x / 2**exponents - center``.

    Attributes
    ----------
    exponents : (n_features,) int64
        Of half the width of each column; of the widest one for columns that do not vary.
    center : (n_features,) float64
        Centre of the bounding box, in these units.
    """

    exponents: Exponents
    center: Floats

    @classmethod
    def of(cls, sets: Sequence[npt.NDArray[Any]]) -> Frame:
        """Find the coordinates for the union of point sets."""
        low = np.min([points.min(axis=0) for points in sets], axis=0).astype(np.float64)
        high = np.max([points.max(axis=0) for points in sets], axis=0).astype(np.float64)
        found = exponents(0.5 * high - 0.5 * low)
        sizes = exponents(np.maximum(np.abs(low), np.abs(high)))
        varying = found > NO_EXPONENT
        widest = int(highest(found if varying.any() else sizes))
        # A unit in the last place of a column is not below the others' rounding.
        still = np.maximum(sizes - _DIGITS + 1, widest)
        units = np.where(varying, found, still)
        center = 0.5 * times_power(low, -units) + 0.5 * times_power(high, -units)
        return cls(units, center)

    def centred(self, points: npt.NDArray[Any]) -> Floats:
        """Return points of the set, of which no element is above one."""
        return times_power(points, -self.exponents) - self.center

    def restored(self, rows: Floats) -> Floats:
        """Return differences in the coordinates of the frame in the units of the data."""
        return times_power(rows, self.exponents)

    def place(self, rows: npt.NDArray[Any]) -> Placed:
        """Return any rows, in units that keep them from overflowing."""
        values = rows.astype(np.float64)
        found = highest(exponents(values) - self.exponents)
        units = np.where(found > _FAR, found, 0)
        shifted = np.ldexp(values, -(self.exponents + units[:, None]))
        placed = shifted - np.ldexp(self.center, -units[:, None])
        return Placed(placed, units, values - self.restored(self.center))

    def normals(self, rows: Floats) -> Normals:
        """Return directions, of any length."""
        units = highest(exponents(rows) + self.exponents)
        scaled = np.ldexp(rows, self.exponents - units[:, None])
        return Normals(scaled, units, norms(scaled))

    def differences(self, rows: Floats, units: Exponents) -> Floats:
        """Return differences in the units of the data in coordinates, in units of ``2**units``."""
        shifted: Floats = np.ldexp(rows, -(self.exponents + units[:, None]))
        return shifted

    def levels(self, values: Floats, normals: Normals) -> tuple[Floats, Floats]:
        """Return ``value - normal @ center``, in units of the normals, and how wrong it may be.

        For values of ``normal @ x``, each rounded once or twice, where x are points as given.
        """
        scaled = np.ldexp(values, -normals.units)
        sizes = np.abs(scaled) + normals.lengths * float(norms(self.center))
        digits = np.ldexp(SMALLEST, -normals.units)
        rounding = bound_of(gamma(len(self.center) + 4) * sizes + digits)
        return scaled - normals.rows @ self.center, rounding

    @cached_property
    def digits(self) -> float:
        """What rounding the elements of a point of the set may cost, in the frame."""
        return _ROUNDINGS * ROUNDOFF * float(norms(self.center))

    @cached_property
    def data_digits(self) -> float:
        """The same in the units of the data."""
        return _ROUNDINGS * ROUNDOFF * float(norms(self.restored(self.center)))

    @cached_property
    def widths(self) -> float:
        """Norm of the widths of columns, in units of ``2**_ROOM`` of the data."""
        return float(norms(np.ldexp(1.0, self.exponents - _ROOM)))

    def product_rounding(self, normals: Normals, reach: Floats | float) -> Floats:
        """Bound the rounding of products of normals and rows whose norms are below `reach`."""
        n = len(self.center) + 4
        bound: Floats = bound_of(gamma(n) * normals.lengths * reach + n * UNDERFLOW)
        return bound

    def length_rounding(self, away: Floats, n_terms: Any = 1) -> Floats:
        """Bound the rounding, in the units of the data, of lengths of differences.

        Of rows that are `away` from combinations of so many points.
        """
        n = n_terms + len(self.center) + 8
        lengths = self.widths + norms(np.ldexp(away, -_ROOM))
        bound: Floats = bound_of(np.ldexp(gamma(n), _ROOM) * lengths + n * SMALLEST)
        return bound
