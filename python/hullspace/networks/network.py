"""Piecewise affine networks, lowered to stages of affine maps and ReLU-like units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace._arrays import require_finite
from hullspace._constraints import as_bounds, as_double_matrix
from hullspace.networks.operators import Dense, Operator

if TYPE_CHECKING:
    from collections.abc import Sequence

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Term:
    """An operator on the output of an earlier stage.

    Attributes
    ----------
    source : int
        0 for the network's input, k for the output of stage number k - 1.
    operator : Dense, Sparse or Convolution
        What is applied to it.
    """

    source: int
    operator: Operator


@dataclass(frozen=True)
class Stage:
    """Units that an affine map feeds: ``out = max(a, 0) + slope * min(a, 0)`` for each.

    Attributes
    ----------
    terms : tuple of Term
        The sum of what they give, plus the bias, is the units' input ``a``.
    bias : (n_units,) float64
        Constant part of ``a``.
    slopes : (n_units,) float64
        Slope of each unit where its input is negative: 0 for ReLU, 1 for a unit that is linear and
        counts as none.
    """

    terms: tuple[Term, ...]
    bias: _Floats
    slopes: _Floats

    @property
    def n_units(self) -> int:
        """Units of the stage."""
        return len(self.bias)

    @cached_property
    def hidden(self) -> _Ints:
        """Units that are not linear, ascending."""
        return np.flatnonzero(self.slopes != 1.0)

    def affine(self, outputs: Sequence[_Floats]) -> _Floats:
        """Return the units' inputs, given the input and the outputs of the stages before."""
        total = np.tile(self.bias, (len(outputs[0]), 1))
        for term in self.terms:
            total += term.operator.apply(outputs[term.source])
        return total


class ReluNetwork:
    """A network whose output is a continuous piecewise affine function of its input.

    Make one with `from_torch`, `from_onnx` or `from_arrays`. The activation pattern of an input has
    one bit for each hidden unit, those that are not linear, stage by stage: 1 where the unit's
    input is positive. All arithmetic is in double precision.

    Parameters
    ----------
    stages : sequence of Stage
        In order of evaluation; the units of the last one, all linear, are the outputs.
    input_shape : tuple of int
        Shape of one input.

    Raises
    ------
    ValueError
        If the stages do not fit together, or a number is not finite.
    """

    def __init__(self, stages: Sequence[Stage], input_shape: Sequence[int]) -> None:
        self.stages = tuple(stages)
        self.input_shape = tuple(int(n) for n in input_shape)
        self.n_inputs = int(np.prod(self.input_shape))
        if not self.stages:
            raise ValueError("stages must hold at least the output's stage")
        sizes = [self.n_inputs]
        for k, stage in enumerate(self.stages):
            require_finite(stage.bias, f"stages[{k}].bias")
            if len(stage.slopes) != stage.n_units:
                raise ValueError(f"stages[{k}].slopes must have {stage.n_units} elements")
            for term in stage.terms:
                if not 0 <= term.source <= k:
                    raise ValueError(f"stages[{k}] must take earlier stages, got {term.source}")
                shape = (term.operator.n_out, term.operator.n_in)
                if shape != (stage.n_units, sizes[term.source]):
                    raise ValueError(
                        f"stages[{k}] must have operators of shape "
                        f"({stage.n_units}, {sizes[term.source]}), got {shape}"
                    )
            sizes.append(stage.n_units)
        if len(self.stages[-1].hidden):
            raise ValueError("the units of the last stage must be linear")
        self.n_outputs = self.stages[-1].n_units
        self.n_hidden = sum(len(stage.hidden) for stage in self.stages)

    @classmethod
    def from_arrays(
        cls, weights: Sequence[npt.ArrayLike], biases: Sequence[npt.ArrayLike]
    ) -> ReluNetwork:
        """Make a network of linear layers with ReLU between them (none after the last).

        Parameters
        ----------
        weights : sequence of (n_out, n_in) arrays
            One matrix for each layer.
        biases : sequence of (n_out,) arrays
            One vector for each layer.

        Returns
        -------
        ReluNetwork
            The network.

        Raises
        ------
        TypeError, ValueError
            If an array has the wrong type, shape or values; the message names it.

        Examples
        --------
        >>> import hullspace
        >>> weights, biases = [[[1.0], [-1.0]], [[1.0, 1.0]]], [[0, 0], [0]]
        >>> network = hullspace.ReluNetwork.from_arrays(weights, biases)
        >>> network([[-3.0], [2.0]]).tolist()  # the absolute value
        [[3.0], [2.0]]
        """
        return network_of_arrays(weights, biases)

    def __repr__(self) -> str:
        return (
            f"ReluNetwork(input_shape={self.input_shape}, n_hidden={self.n_hidden}, "
            f"n_outputs={self.n_outputs})"
        )

    def _rows(self, inputs: npt.ArrayLike) -> _Floats:
        """Return inputs of shape (m, *input_shape) or (m, n_inputs) as rows."""
        array = np.asarray(inputs)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"inputs must hold real numbers, got dtype {array.dtype}")
        if array.shape[1:] not in {self.input_shape, (self.n_inputs,)} or array.ndim < 2:
            raise ValueError(
                f"inputs must have shape (n, {', '.join(map(str, self.input_shape))}), "
                f"got {array.shape}"
            )
        require_finite(array, "inputs")
        return np.ascontiguousarray(array.reshape(len(array), self.n_inputs), dtype=np.float64)

    def __call__(self, inputs: npt.ArrayLike) -> _Floats:
        """Return the outputs, (n, n_outputs), of inputs of shape (n, *input_shape)."""
        return self.preactivations(inputs)[-1]

    def preactivations(self, inputs: npt.ArrayLike) -> list[_Floats]:
        """Return the inputs of every stage's units, (n, n_units) each; the last are the outputs."""
        outputs, found = [self._rows(inputs)], []
        for stage in self.stages:
            a = stage.affine(outputs)
            found.append(a)
            outputs.append(np.where(a > 0.0, a, stage.slopes * a))
        return found

    def bits(self, inputs: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return whether each hidden unit's input is positive, (n, n_hidden)."""
        found = self.preactivations(inputs)
        return np.concatenate(
            [a[:, stage.hidden] > 0.0 for a, stage in zip(found, self.stages, strict=True)], axis=1
        )

    def pattern(self, inputs: npt.ArrayLike) -> _Bytes:
        """Return packed activation patterns, (n, ceil(n_hidden / 8)) uint8: bit j is unit j's."""
        return pack(self.bits(inputs))

    def factors(self, bits: npt.NDArray[np.bool_]) -> list[_Floats]:
        """Return what each stage's units multiply their inputs by under one pattern (n_hidden,)."""
        found, first = [], 0
        for stage in self.stages:
            factors = np.ones(stage.n_units)
            last = first + len(stage.hidden)
            factors[stage.hidden] = np.where(bits[first:last], 1.0, stage.slopes[stage.hidden])
            first = last
            found.append(factors)
        return found

    def affine_maps(
        self,
        bits: npt.NDArray[np.bool_],
        origin: _Floats | None = None,
        basis: _Floats | None = None,
    ) -> list[tuple[_Floats, _Floats]]:
        """Return (rows, offsets) of every stage's inputs under one pattern, (n_hidden,) bool.

        Within the pattern's region the inputs of the stage's units are ``rows @ x + offsets``; or,
        with an origin (n_inputs,) and a basis (n_inputs, d), ``rows @ y + offsets`` at
        ``x = origin + basis @ y``. The last pair are the outputs. Costs one evaluation of n_inputs
        (or d) inputs.
        """
        columns = np.eye(self.n_inputs) if basis is None else np.ascontiguousarray(basis.T)
        start = np.zeros(self.n_inputs) if origin is None else origin
        maps = [np.vstack([columns, start])]
        found = []
        for stage, factors in zip(self.stages, self.factors(bits), strict=True):
            total = np.zeros((len(maps[0]), stage.n_units))
            total[-1] = stage.bias
            for term in stage.terms:
                total += term.operator.apply(maps[term.source])
            found.append((np.ascontiguousarray(total[:-1].T), total[-1].copy()))
            maps.append(factors * total)
        return found


def network_of_arrays(
    weights: Sequence[npt.ArrayLike], biases: Sequence[npt.ArrayLike]
) -> ReluNetwork:
    """Make a network of linear layers; see `ReluNetwork.from_arrays`."""
    if len(weights) != len(biases) or not len(weights):
        raise ValueError(
            "weights and biases must have one element for each layer, at least one, "
            f"got {len(weights)} and {len(biases)}"
        )
    stages: list[Stage] = []
    columns = None
    for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        matrix = as_double_matrix(weight, f"weights[{k}]", columns)
        vector = as_bounds(bias, f"biases[{k}]", len(matrix))
        slope = 1.0 if k + 1 == len(weights) else 0.0
        stages.append(Stage((Term(k, Dense(matrix)),), vector, np.full(len(matrix), slope)))
        columns = len(matrix)
    return ReluNetwork(stages, (stages[0].terms[0].operator.n_in,))


def pack(bits: npt.NDArray[np.bool_]) -> _Bytes:
    """Pack bits, (n, n_hidden), into (n, ceil(n_hidden / 8)) uint8, lowest bit first."""
    return np.packbits(bits, axis=1, bitorder="little")


def unpack(patterns: _Bytes, n_hidden: int) -> npt.NDArray[np.bool_]:
    """Undo `pack`."""
    return np.unpackbits(patterns, axis=1, count=n_hidden, bitorder="little").astype(bool)
