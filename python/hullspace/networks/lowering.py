"""Lowering: values as affine functions of stages, and the operations that networks do on them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hullspace.arguments import require_finite
from hullspace.networks.algebra import (
    composed,
    is_identity,
    scaled,
    selected,
    sparse_operator,
    summed,
)
from hullspace.networks.operators import Convolution, Dense, Operator, Sparse, identity
from hullspace.networks.stages import Stage, Term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hullspace.networks.windows import Windows

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# A sum of more terms than this becomes a stage, so that long chains of residual blocks are not
# evaluated anew from their start by every block.
_MOST_TERMS = 4


class Builder:
    """The stages of a network in the making."""

    def __init__(self, input_shape: Sequence[int]) -> None:
        self.stages: list[Stage] = []
        self.shape = tuple(input_shape)
        n = prod(self.shape)
        self.input = Affine(self, self.shape, (Term(0, identity(n)),), np.zeros(n))

    def stage(self, value: Affine, slopes: _Floats) -> Affine:
        """Add a stage of units whose inputs are a value's elements; return their outputs."""
        self.stages.append(Stage(value.terms, value.bias, np.ascontiguousarray(slopes)))
        n = len(value.bias)
        return Affine(self, value.shape, (Term(len(self.stages), identity(n)),), np.zeros(n))

    def stages_to(self, output: Affine) -> list[Stage]:
        """Return the stages of the network that ends in a value, but those it does not need."""
        source = output.terms[0].source if output.is_plain else 0
        if source == 0 or len(self.stages[source - 1].hidden):
            source = self.stage(output, np.ones(len(output.bias))).terms[0].source
        needed = {source}
        for k in range(source, 0, -1):
            if k in needed:
                needed |= {term.source for term in self.stages[k - 1].terms}
        kept = sorted(needed | {0})
        numbers = {k: number for number, k in enumerate(kept)}
        stages = []
        for k in kept[1:]:
            old = self.stages[k - 1]
            terms = tuple(Term(numbers[term.source], term.operator) for term in old.terms)
            stages.append(Stage(terms, old.bias, old.slopes))
        return stages


@dataclass(frozen=True, eq=False)
class Affine:
    """An array that is an affine function of the input and the outputs of stages.

    Operators are composed only where that costs no more than it saves: with ones that pick and
    scale elements. Anything else gets a stage of linear units in between.

    Attributes
    ----------
    builder : Builder
        Where stages go.
    shape : tuple of int
        Shape of the array.
    terms, bias
        Its flattened elements are the sum of what the terms give, plus the bias.
    """

    builder: Builder
    shape: tuple[int, ...]
    terms: tuple[Term, ...]
    bias: _Floats

    @property
    def is_plain(self) -> bool:
        """Whether the array is the input or the output of a stage, as it is."""
        return len(self.terms) == 1 and is_identity(self.terms[0].operator) and not self.bias.any()

    def plain(self) -> Affine:
        """Return the array as the input or the output of a stage, which may be new."""
        return self if self.is_plain else self.builder.stage(self, np.ones(len(self.bias)))

    def places(self) -> _Ints:
        """Return the numbers of the flattened elements, in the array's shape."""
        return np.arange(len(self.bias)).reshape(self.shape)

    def _with(
        self, operators: list[Operator | None], bias: _Floats, shape: Sequence[int]
    ) -> Affine | None:
        """Return an array with other operators on the same sources, if all are there."""
        pairs = zip(self.terms, operators, strict=True)
        terms = tuple(Term(term.source, new) for term, new in pairs if new is not None)
        if len(terms) < len(self.terms):
            return None
        return Affine(self.builder, tuple(shape), terms, bias)

    def select(self, places: npt.NDArray[np.integer], fill: float = 0.0) -> Affine:
        """Return the array of the elements at some places, in their shape; `fill` where -1."""
        flat = places.ravel().astype(np.int64)
        if np.array_equal(flat, np.arange(len(self.bias))):
            return Affine(self.builder, places.shape, self.terms, self.bias)
        bias = (
            np.where(flat >= 0, self.bias[flat], fill)
            if len(self.bias)
            else np.full(len(flat), fill)
        )
        operators = [selected(term.operator, flat) for term in self.terms]
        found = self._with(operators, bias, places.shape)
        return self.plain().select(places, fill) if found is None else found

    def broadcast(self, shape: Sequence[int]) -> Affine:
        """Return the array broadcast to a shape."""
        return self.select(np.broadcast_to(self.places(), tuple(shape)))

    def scale(self, factors: npt.ArrayLike) -> Affine:
        """Return the array times a constant, broadcast against each other."""
        constant = as_constant(factors)
        shape = np.broadcast_shapes(self.shape, constant.shape)
        value = self.broadcast(shape)
        flat = np.broadcast_to(constant, shape).ravel()
        if (flat == 1.0).all():
            return value
        operators = [scaled(term.operator, flat) for term in value.terms]
        found = value._with(operators, flat * value.bias, shape)
        return value.plain().scale(constant) if found is None else found

    def add(self, other: Affine | npt.ArrayLike) -> Affine:
        """Return the sum with a constant or another array, broadcast against each other."""
        if not isinstance(other, Affine):
            constant = as_constant(other)
            shape = np.broadcast_shapes(self.shape, constant.shape)
            value = self.broadcast(shape)
            bias = value.bias + np.broadcast_to(constant, shape).ravel()
            return Affine(self.builder, shape, value.terms, bias)
        shape = np.broadcast_shapes(self.shape, other.shape)
        first, second = self.broadcast(shape), other.broadcast(shape)
        terms = _merged(first.terms + second.terms)
        if len(terms) > _MOST_TERMS:
            longer = max(first, second, key=lambda value: len(value.terms))
            shorter = second if longer is first else first
            return shorter.add(longer.plain())
        return Affine(self.builder, shape, terms, first.bias + second.bias)

    def subtract(self, other: Affine | npt.ArrayLike) -> Affine:
        """Return the difference from a constant or another array."""
        negative = other.scale(-1.0) if isinstance(other, Affine) else -as_constant(other)
        return self.add(negative)

    def apply(self, operator: Operator, bias: _Floats, shape: Sequence[int]) -> Affine:
        """Return an operator's output on the flattened array, plus a bias, in some shape."""
        value = self.plain() if len(self.terms) > 1 else self
        operators = [composed(operator, term.operator) for term in value.terms]
        total = operator.apply(value.bias[None])[0] + bias if value.bias.any() else bias.copy()
        found = value._with(operators, total, shape)
        return self.plain().apply(operator, bias, shape) if found is None else found

    def contract(self, matrix: npt.ArrayLike, axis: int) -> Affine:
        """Return the products of a matrix, (m, k), with the vectors along an axis of k elements."""
        weight = as_constant(matrix)
        moved = np.moveaxis(self.places(), axis, -1)
        if weight.ndim != 2 or weight.shape[1] != moved.shape[-1]:
            raise ValueError(f"a matrix of shape {weight.shape} does not fit {self.shape}")
        n_vectors = prod(moved.shape[:-1])
        operator: Operator = Dense(np.ascontiguousarray(weight))
        if n_vectors != 1:
            operator = sparse_operator(sparse.kron(sparse.eye_array(n_vectors), weight, "csr"))
        shape = (*moved.shape[:-1], len(weight))
        value = self.select(moved).apply(operator, np.zeros(prod(shape)), shape)
        return value.select(np.moveaxis(value.places(), -1, axis))

    def times(self, matrix: npt.ArrayLike) -> Affine:
        """Return the matrix product with a constant on the right."""
        right = as_constant(matrix)
        if right.ndim == 1:
            value = self.contract(right[None], -1)
            return value.select(value.places()[..., 0])
        return self._padded(right.ndim - 1).contract(_as_matrix(right).T, -1)

    def times_left(self, matrix: npt.ArrayLike) -> Affine:
        """Return the matrix product with a constant on the left."""
        left = as_constant(matrix)
        axis = -1 if len(self.shape) == 1 else -2
        if left.ndim == 1:
            value = self.contract(left[None], axis)
            return value.select(np.take(value.places(), 0, axis))
        value = self if len(self.shape) == 1 else self._padded(left.ndim)
        return value.contract(_as_matrix(left), axis)

    def _padded(self, ndim: int) -> Affine:
        """Return the array with axes of one element in front, where it has fewer than `ndim`."""
        missing = (1,) * (ndim - len(self.shape))
        return self.select(self.places().reshape(missing + self.shape))

    def normalize(
        self,
        mean: npt.ArrayLike,
        variance: npt.ArrayLike,
        weight: npt.ArrayLike | None,
        bias: npt.ArrayLike | None,
        epsilon: float,
    ) -> Affine:
        """Return batch normalization of a (1, channels, ...) array with fixed statistics."""
        factors = 1.0 / np.sqrt(as_constant(variance) + epsilon)
        if weight is not None:
            factors = as_constant(weight) * factors
        offsets = -as_constant(mean) * factors
        if bias is not None:
            offsets = offsets + as_constant(bias)
        if factors.shape != self.shape[1:2]:
            raise ValueError(f"statistics of {factors.size} channels do not fit {self.shape}")
        shape = (-1, *(1,) * (len(self.shape) - 2))
        return self.scale(factors.reshape(shape)).add(offsets.reshape(shape))

    def convolve(
        self,
        weight: npt.ArrayLike,
        bias: npt.ArrayLike | None,
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        groups: int,
    ) -> Affine:
        """Return the convolution of a (1, channels, *space) array over one or two axes.

        `padding` holds what comes before each axis, then what comes after.
        """
        kernels = as_constant(weight)
        d = kernels.ndim - 2
        if d not in {1, 2} or len(self.shape) not in {d + 1, d + 2}:
            raise ValueError("only convolutions over one or two axes are supported")
        lead, (channels, *space) = self.shape[: -d - 1], self.shape[-d - 1 :]
        if prod(lead) != 1 or channels != kernels.shape[1] * groups:
            raise ValueError(f"kernels of shape {kernels.shape} do not fit {self.shape}")
        one, zero = (1,) * (2 - d), (0,) * (2 - d)
        operator = Convolution(
            np.ascontiguousarray(kernels.reshape(*kernels.shape[:2], *one, *kernels.shape[2:])),
            _triple((channels, *one, *space)),
            _pair((*one, *stride)),
            _quadruple((*zero, *padding[:d], *zero, *padding[d:])),
            _pair((*one, *dilation)),
            groups,
        )
        shape = operator.output_shape
        if min(shape) < 1:
            raise ValueError(f"kernels of shape {kernels.shape} are larger than {self.shape}")
        constants = np.zeros(shape[0]) if bias is None else as_constant(bias)
        flat = np.repeat(constants, shape[1] * shape[2])
        return self.apply(operator, flat, (*lead, shape[0], *shape[3 - d :]))

    def average(self, windows: Windows, divisors: npt.ArrayLike | None = None) -> Affine:
        """Return the sums of the elements of each window, divided by its divisor or size."""
        places = windows.places.reshape(windows.sizes.size, -1)
        inside = places >= 0
        rows, places = np.nonzero(inside)[0], places[inside]
        divisors = as_constant(windows.sizes if divisors is None else divisors)
        values = 1.0 / np.broadcast_to(divisors, windows.sizes.shape).ravel()[rows]
        shape = (windows.sizes.size, len(self.bias))
        operator = sparse_operator(sparse.csr_array((values, (rows, places)), shape=shape))
        return self.apply(operator, np.zeros(shape[0]), windows.sizes.shape)

    def leaky(self, slopes: npt.ArrayLike = 0.0) -> Affine:
        """Return the elements times 1 where positive, else times their slopes (ReLU: 0, abs: -1).

        Slopes are broadcast to the array's shape. Where all are 1 there is no unit.
        """
        constant = np.broadcast_to(as_constant(slopes), self.shape).ravel()
        require_finite(constant, "slopes")
        return self if (constant == 1.0).all() else self.builder.stage(self, constant)

    def clip(self, low: npt.ArrayLike | None, high: npt.ArrayLike | None) -> Affine:
        """Return the elements clipped to bounds: ``low + relu(x - low) - relu(x - high)``."""
        bottom, top = _bound(low, -1.0), _bound(high, 1.0)
        if top is None:
            return self if bottom is None else self.subtract(bottom).leaky().add(bottom)
        if bottom is None:
            return self.scale(-1.0).add(top).leaky().scale(-1.0).add(top)
        if (bottom > top).any():
            raise ValueError(f"bounds must be ascending, got {bottom} and {top}")
        above = self.subtract(bottom).leaky()
        return above.subtract(self.subtract(top).leaky()).add(bottom)

    def maximum(self, other: Affine | npt.ArrayLike) -> Affine:
        """Return the larger of two elements, ``b + relu(a - b)``, a hidden unit for each."""
        if not isinstance(other, Affine):
            return self.clip(other, None)
        return other.add(self.subtract(other).leaky())

    def maxima(self, windows: Windows) -> Affine:
        """Return the largest element of each window, by a tournament of `maximum`.

        Each comparison of two elements is a hidden unit, made once where windows share it; a window
        of k elements takes k - 1 of them, in ceil(log2(k)) stages. Places beyond the input take no
        part.
        """
        if not windows.counts.all():
            raise ValueError("a window lies wholly in the padding, its maximum is -infinity")
        value = self
        if not all(isinstance(term.operator, Sparse) for term in self.terms):
            value = self.plain()
        places = windows.places.reshape(windows.sizes.size, -1)
        while places.shape[1] > 1:
            value, places = _round(value, places)
        return value.select(places.reshape(windows.sizes.shape))


def _round(value: Affine, places: _Ints) -> tuple[Affine, _Ints]:
    """Play one round of a tournament: winners, and their places in each window."""
    if places.shape[1] % 2:
        places = np.concatenate([places, np.full((len(places), 1), -1)], axis=1)
    pairs = np.stack([places[:, 0::2], places[:, 1::2]], axis=-1)
    # Who has no opponent meets himself; no one meets no one at -1.
    pairs = np.where(pairs < 0, pairs[..., ::-1], pairs)
    n = len(value.bias) + 1
    keys, inverse = np.unique(pairs[..., 0] * n + pairs[..., 1], return_inverse=True)
    first = int(np.count_nonzero(keys < 0))  # sorted, so that no one against no one comes first
    players = np.stack(np.divmod(keys[first:], n), axis=-1)
    met = np.flatnonzero(players[:, 0] != players[:, 1])
    winners = value.select(players[:, 1])
    if len(met):
        differences = value.select(players[met, 0]).subtract(value.select(players[met, 1]))
        where = np.full(len(players), -1)
        where[met] = np.arange(len(met))
        winners = winners.add(differences.leaky().select(where))
    return winners, inverse.reshape(pairs.shape[:2]) - first


def _merged(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Return the terms, with those on the same source summed where they can be."""
    found: list[Term] = []
    for term in terms:
        for k, other in enumerate(found):
            both = summed(other.operator, term.operator) if other.source == term.source else None
            if both is not None:
                found[k] = Term(term.source, both)
                break
        else:
            found.append(term)
    return tuple(found)


def _bound(value: npt.ArrayLike | None, side: float) -> _Floats | None:
    """Return bounds, or None where there are none: the ends of single precision and infinity."""
    if value is None:
        return None
    bounds = np.asarray(value, dtype=np.float64)
    if (side * bounds >= np.finfo(np.float32).max).all():
        return None
    require_finite(bounds, "a bound")
    return bounds


def as_constant(value: npt.ArrayLike) -> _Floats:
    """Return finite constants in double precision."""
    array = np.asarray(value, dtype=np.float64)
    require_finite(array, "a constant")
    return array


def _as_matrix(constant: _Floats) -> _Floats:
    """Return a constant factor without leading axes of one element."""
    if prod(constant.shape[:-2]) != 1:
        raise ValueError(f"a product with a stack of matrices, shape {constant.shape}")
    return constant.reshape(constant.shape[-2:])


def _pair(values: Sequence[int]) -> tuple[int, int]:
    first, second = (int(v) for v in values)
    return first, second


def _triple(values: Sequence[int]) -> tuple[int, int, int]:
    first, second, third = (int(v) for v in values)
    return first, second, third


def _quadruple(values: Sequence[int]) -> tuple[int, int, int, int]:
    first, second, third, fourth = (int(v) for v in values)
    return first, second, third, fourth
