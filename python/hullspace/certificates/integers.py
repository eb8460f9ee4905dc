"""Finite doubles as Python integers in one common unit, a power of two; no digit is lost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from hullspace.certificates.centred import CentredData
    from hullspace.certificates.rounding import Floats

MANTISSA = 53
_LARGEST = 1024

Integers = npt.NDArray[np.object_]


def unit_exponent(values: npt.NDArray[Any]) -> int:
    """Exponent of the largest power of two of which all the values are multiples."""
    mantissas, exponents = np.frexp(values[values != 0].astype(np.float64))
    digits = np.ldexp(mantissas, MANTISSA).astype(np.int64)
    _, lowest = np.frexp((digits & -digits).astype(np.float64))
    return int((exponents + lowest).min(initial=_LARGEST)) - MANTISSA - 1


def to_integers(values: npt.NDArray[Any], exponent: int) -> Integers:
    """Exact ``values / 2**exponent``, rounded down where that is no integer."""
    mantissas, exponents = np.frexp(values.astype(np.float64))
    numbers = np.ldexp(mantissas, MANTISSA).astype(np.int64).astype(object)
    shifts = (exponents - MANTISSA - exponent).astype(object)
    shifted = np.left_shift(numbers, np.maximum(shifts, 0))
    result: Integers = np.right_shift(shifted, np.maximum(-shifts, 0))
    return result


def quotient(number: int, denominator: int) -> float:
    """Quotient rounded once; one that would overflow keeps its sign and is huge."""
    if abs(number) >= denominator << 1000:
        return 2.0**1000 if number > 0 else -(2.0**1000)
    return number / denominator


def ratios(numbers: Integers, denominator: int) -> Floats:
    """Quotients of integers of any size, each rounded once."""
    result: Floats = np.array(
        [quotient(number, denominator) for number in numbers.ravel().tolist()]
    )
    return result.reshape(numbers.shape)


def largest(numbers: Integers) -> int:
    """Largest absolute value, 0 if there is none."""
    return max((abs(number) for number in numbers.ravel().tolist()), default=0)


def bit_length(numbers: Integers) -> int:
    """Binary digits of the largest absolute value."""
    return int(largest(numbers)).bit_length()


@dataclass(frozen=True)
class ExactData:
    """The same points, queries and centre as the floating-point data, as integers."""

    data: CentredData

    @cached_property
    def exponent(self) -> int:
        """Exponent of the common unit of points, queries and centre."""
        center = unit_exponent(self.data.center) + self.data.exponent
        return min(center, unit_exponent(self.data.points), unit_exponent(self.data.queries))

    @cached_property
    def shift(self) -> int:
        """An integer times ``2**-shift`` is in the units of the scaled data."""
        return self.data.exponent - self.exponent

    @cached_property
    def center(self) -> Integers:
        """The centre, which is kept in the units of the scaled data."""
        return to_integers(self.data.center, -self.shift)

    def points(self, indices: npt.NDArray[Any]) -> Integers:
        """Points by index."""
        return to_integers(self.data.points[indices], self.exponent)

    def query(self, row: int) -> Integers:
        """One query."""
        return to_integers(self.data.queries[row], self.exponent)

    def centred(self, numbers: Integers, bits: int = 0) -> Floats:
        """Scaled and centred doubles of ``numbers / 2**bits``; one rounding an element."""
        return ratios(numbers - (self.center << bits), 1 << (self.shift + bits))
