"""Operations of which one operand or the other, or both, depend on the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from hullspace.networks.lowering import Affine, Builder, as_constant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Operand: TypeAlias = Affine | npt.ArrayLike


def total(first: Operand, second: Operand) -> Affine:
    """Return the sum of two operands, one of which depends on the input."""
    if isinstance(first, Affine):
        return first.add(second)
    if isinstance(second, Affine):
        return second.add(first)
    raise TypeError("neither operand depends on the input")


def product(first: Operand, second: Operand) -> Operand:
    """Return the product of two operands, of which at most one may depend on the input."""
    if isinstance(first, Affine):
        if isinstance(second, Affine):
            raise ValueError("the product of two values that depend on the input")
        return first.scale(second)
    if isinstance(second, Affine):
        return second.scale(first)
    return as_constant(first) * as_constant(second)


def matrix_product(first: Operand, second: Operand) -> Operand:
    """Return the matrix product of two operands, of which at most one may depend on the input."""
    if isinstance(first, Affine):
        if isinstance(second, Affine):
            raise ValueError("the product of two values that depend on the input")
        return first.times(second)
    return second.times_left(first) if isinstance(second, Affine) else np.matmul(first, second)


def divided(first: Operand, second: Operand) -> Affine:
    """Return an operand that depends on the input, divided by a constant."""
    if isinstance(second, Affine) or not isinstance(first, Affine):
        raise ValueError("a division by values that depend on the input")
    divisors = as_constant(second)
    if not divisors.all():
        raise ValueError("a division by zero")
    return first.scale(1.0 / divisors)


def join(
    builder: Builder,
    parts: Sequence[Operand],
    concatenate: Callable[[list[npt.NDArray[np.int64]]], npt.NDArray[np.integer]],
) -> Affine:
    """Return the parts joined as a function joins arrays of the numbers of their elements."""
    values = [
        part
        if isinstance(part, Affine)
        else Affine(builder, np.shape(part), (), as_constant(part).ravel())
        for part in parts
    ]
    n = sum(len(value.bias) for value in values)
    numbers, first, joined = [], 0, Affine(builder, (n,), (), np.zeros(n))
    for value in values:
        own = np.arange(len(value.bias))
        places = np.full(n, -1)
        places[first + own] = own
        joined = joined.add(value.select(places))
        numbers.append((first + own).reshape(value.shape))
        first += len(own)
    return joined.select(concatenate(numbers))
