"""What all checks compute with: rounding bounds, and numbers scaled by powers of two.

A sum of n products in double precision, in any order, is wrong by at most ``n u / (1 - n u)``
times the sum of the products' sizes, with the unit roundoff ``u = 2**-53`` [1]_. Scaling by a power
of two rounds nothing, so that norms and products neither over- nor underflow whatever the units.

References
----------
.. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM 2002,
   section 3.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

ROUNDOFF = 2.0**-53
# What underflow may cost a product of numbers that are scaled to about one.
UNDERFLOW = 2.0**-1000
# The smallest number but zero: what the last digit of a tiny number is worth.
SMALLEST = 2.0**-1074
# Convex weights and unit vectors may miss their sum or length by this.
NORMALIZATION = 1e-12
# Below the exponents of all numbers, and of their quotients.
NO_EXPONENT = -100_000
# Powers of two with exponents up to this are doubles, and so are their inverses.
_LARGEST_EXPONENT = 1000

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Exponents = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]


def gamma(n_terms: Any) -> Any:
    """Bound the error of a sum of so many products, relative to the sum of their sizes."""
    return n_terms * ROUNDOFF / (1.0 - n_terms * ROUNDOFF)


def bound_of(values: Any) -> Any:
    """Return bounds of rounding errors; NaN, which nothing is within, where they are infinite."""
    return np.where(np.isfinite(values), values, np.nan)


def exponents(values: Floats) -> Exponents:
    """Exponents of numbers, below which they lie; far below all others for zero."""
    found = np.frexp(values)[1].astype(np.int64)
    return np.where(values != 0.0, found, NO_EXPONENT)


def highest(found: Exponents) -> Exponents:
    """Largest exponents along the last axis, 0 where there is none."""
    largest = found.max(axis=-1, initial=NO_EXPONENT)
    return np.where(largest == NO_EXPONENT, 0, largest)


def times_power(values: npt.NDArray[Any], shifts: Any) -> Floats:
    """Return ``values * 2**shifts`` in double precision."""
    if np.abs(shifts).max(initial=0) <= _LARGEST_EXPONENT:  # a product is faster
        result: Floats = values * np.ldexp(1.0, shifts)
    else:
        result = np.ldexp(values.astype(np.float64), shifts)
    return result


def norms(rows: Floats) -> Floats:
    """Euclidean norms along the last axis that neither over- nor underflow on the way."""
    largest = np.abs(rows).max(axis=-1, initial=0.0)
    units = np.frexp(np.where(np.isfinite(largest), largest, 0.0))[1]
    scaled = times_power(rows, -units[..., None])
    return np.ldexp(np.sqrt(dots(scaled, scaled)), units)


def dots(a: Floats, b: Floats) -> Floats:
    """Dot products of rows."""
    products: Floats = np.einsum("...i,...i->...", a, b)
    return products


def every(conditions: Bools) -> Bools:
    """Whether all conditions of each problem hold."""
    met: Bools = np.logical_and.reduce(conditions, axis=1)
    return met


def are_unit(rows: Floats) -> Bools:
    """Whether rows have length one, but for rounding."""
    result: Bools = np.abs(norms(rows) - 1.0) <= NORMALIZATION
    return result


def are_zero(rows: Floats) -> Bools:
    """Whether all elements of each row are zero."""
    return every(rows == 0.0)


def are_nan(rows: Floats) -> Bools:
    """Whether all elements of each row are NaN."""
    return every(np.isnan(rows))
