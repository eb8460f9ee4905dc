"""Combinations of linear operators that need no unrolling: None where there is no cheap one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from scipy import sparse

from hullspace.networks.operators import Convolution, Dense, Operator, Sparse

if TYPE_CHECKING:
    import numpy.typing as npt

    _Floats = npt.NDArray[np.float64]
    _Ints = npt.NDArray[np.int64]


def sparse_operator(matrix: Any) -> Sparse:
    """Return a sparse operator with sorted places, no duplicates and no stored zeros."""
    csr = sparse.csr_array(matrix, dtype=np.float64)
    csr.sum_duplicates()
    csr.eliminate_zeros()
    return Sparse(csr)


def selection(places: _Ints, n_in: int) -> Sparse:
    """Return the operator whose output i is the input at ``places[i]``, or 0 where that is -1."""
    starts = np.concatenate([[0], np.cumsum(places >= 0)])
    kept = places[places >= 0]
    shape = (len(places), n_in)
    return Sparse(sparse.csr_array((np.ones(len(kept)), kept, starts), shape=shape))


def is_diagonal(operator: Operator) -> TypeGuard[Sparse]:
    """Whether every output is a multiple, not zero, of the input at the same place."""
    if not isinstance(operator, Sparse) or operator.n_in != operator.n_out:
        return False
    indices = operator.matrix.indices
    return len(indices) == operator.n_out and bool((indices == np.arange(len(indices))).all())


def is_identity(operator: Operator) -> bool:
    """Whether the operator changes nothing."""
    return is_diagonal(operator) and bool((operator.matrix.data == 1.0).all())


def selected(operator: Operator, places: _Ints) -> Operator | None:
    """Return an operator with the outputs at `places` (zero where -1) of another one."""
    if isinstance(operator, Convolution):
        return None
    if isinstance(operator, Sparse):
        return Sparse(sparse.csr_array(selection(places, operator.n_out).matrix @ operator.matrix))
    matrix = operator.matrix[places]
    matrix[places < 0] = 0.0
    return Dense(matrix)


def scaled(operator: Operator, factors: _Floats) -> Operator | None:
    """Return an operator with each output multiplied by its factor."""
    if isinstance(operator, Convolution):
        per_channel = factors.reshape(len(operator.weight), -1)
        return operator.scaled(factors) if (per_channel == per_channel[:, :1]).all() else None
    found = operator.scaled(factors)
    return sparse_operator(found.matrix) if isinstance(found, Sparse) else found


def summed(first: Operator, second: Operator) -> Operator | None:
    """Return the sum of two operators on the same input."""
    if isinstance(first, Sparse) and isinstance(second, Sparse):
        return sparse_operator(first.matrix + second.matrix)
    if isinstance(first, Dense) and isinstance(second, Dense):
        return Dense(first.matrix + second.matrix)
    return None


def composed(outer: Operator, inner: Operator) -> Operator | None:
    """Return ``outer`` after ``inner`` where ``inner`` only picks and scales elements.

    Every element of the result is then one element of ``outer`` times one of ``inner``.
    """
    if is_identity(inner):
        return outer
    if not isinstance(inner, Sparse) or inner.longest_row > 1:
        return None
    if isinstance(outer, Convolution):
        return _convolution_of_scaled(outer, inner)
    if isinstance(outer, Dense) and inner.n_in <= 2 * inner.n_out:
        return Dense(np.ascontiguousarray((inner.matrix.T @ outer.matrix.T).T))
    return sparse_operator(sparse.csr_array(outer.matrix) @ inner.matrix)


def _convolution_of_scaled(outer: Convolution, inner: Sparse) -> Convolution | None:
    """Return a convolution of an input that was scaled channel by channel."""
    if not is_diagonal(inner):
        return None
    factors = inner.matrix.data.reshape(outer.input_shape[0], -1)
    if not (factors == factors[:, :1]).all():
        return None
    by_group = factors[:, 0].reshape(outer.groups, 1, -1, 1, 1)
    grouped = outer.weight.reshape(outer.groups, -1, *outer.weight.shape[1:])
    return replace(outer, weight=(grouped * by_group).reshape(outer.weight.shape))
