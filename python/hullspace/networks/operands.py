"""Operations of which one operand or the other, or both, depend on the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from hullspace.networks.lowering import Affine, Builder, as_constant

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def divided(first: Operand, second: Operand) -> Affine:
    """Return an operand that depends on the input, divided by a constant."""
    if isinstance(second, Affine) or not isinstance(first, Affine):
        raise ValueError("a division by values that depend on the input")
    divisors = as_constant(second)
    if not divisors.all():
        raise ValueError("a division by zero")
    return first.scale(1.0 / divisors)


def join(builder: Builder, parts: Sequence[Operand]) -> Affine:
    """Return the flattened parts one after another."""
    sizes = [len(p.bias) if isinstance(p, Affine) else np.size(p) for p in parts]
    bias, first = np.zeros(sum(sizes)), 0
    total = Affine(builder, bias.shape, (), bias)
    for part, size in zip(parts, sizes, strict=True):
        if isinstance(part, Affine):
            places = np.full(len(bias), -1)
            places[first : first + size] = np.arange(size)
            total = total.add(part.select(places))
        else:
            bias[first : first + size] = as_constant(part).ravel()
        first += size
    return total.add(bias)
