"""Piecewise affine networks, lowered to stages of affine maps and ReLU-like units."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_bounds, as_double_matrix, require_finite
from hullspace.extras import require
from hullspace.networks.operators import Dense
from hullspace.networks.stages import Stage, Term, require_fit

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import onnx
    import torch
    from torch import nn

_Floats = npt.NDArray[np.float64]
_Bytes = npt.NDArray[np.uint8]


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
        self.n_inputs = prod(self.input_shape)
        if not self.input_shape or min(self.input_shape) < 1:
            raise ValueError(f"input_shape must hold positive sizes, got {input_shape}")
        if not self.stages:
            raise ValueError("stages must hold at least the output's stage")
        sizes = [self.n_inputs]
        for k, stage in enumerate(self.stages):
            require_fit(stage, sizes, f"stages[{k}]")
            sizes.append(stage.n_units)
        if len(self.stages[-1].hidden) or not self.stages[-1].n_units:
            raise ValueError("the last stage must have units, all of them linear")
        self.n_outputs = self.stages[-1].n_units
        self.n_hidden = sum(len(stage.hidden) for stage in self.stages)

    @classmethod
    def from_torch(
        cls, module: nn.Module, input_shape: Sequence[int], *, check: bool = True
    ) -> ReluNetwork:
        """Import a torch module, as it is in evaluation mode.

        The module runs once on a symbolic input, so that anything it does to it by torch's layers,
        functions, methods and operators is followed: linear layers, convolutions (over one or two
        axes), batch normalization, average pooling, sums, constants, whatever moves elements, ReLU,
        leaky and parametric ReLU, clipping, absolute values, maxima and max pooling. The last ones
        become ReLU units: ``max(a, b) = b + relu(a - b)``, so that a window of k elements takes
        k - 1 hidden units, and ``clip(x, low, high) = low + relu(x - low) - relu(x - high)``. An
        absolute value is one unit of slope -1. Parameters become float64, without rounding; batch
        normalization is folded into the layer before it.

        Parameters
        ----------
        module : torch.nn.Module
            Any module, of any precision and on any device; it is copied and stays as it is.
        input_shape : tuple of int
            Shape of one input, without the batch.
        check : bool, default True
            Compare outputs on random inputs with the module's in double precision, or in its own
            where its code does not run in double.

        Returns
        -------
        ReluNetwork
            The network; the module's output, flattened, is its output.

        Raises
        ------
        ValueError
            If the module does something that is not piecewise affine (sigmoid, softmax, products
            of two values, statistics of the batch) or depends on values; the message names the
            submodule and the operation.
        RuntimeError
            If the outputs do not agree; the message holds the largest difference.
        TypeError
            If `module` is not a torch module.
        ImportError
            If torch is not installed.

        Examples
        --------
        >>> import torch
        >>> from hullspace import ReluNetwork
        >>> module = torch.nn.Sequential(
        ...     torch.nn.Conv2d(1, 2, 3), torch.nn.MaxPool2d(2), torch.nn.Flatten()
        ... )
        >>> ReluNetwork.from_torch(module, (1, 6, 6))
        ReluNetwork(input_shape=(1, 6, 6), n_hidden=24, n_outputs=8)
        """
        from hullspace.networks.torch import lowered_module  # noqa: PLC0415 - for torch only

        imported = lowered_module(module, input_shape)
        network = cls(imported.stages, imported.input_shape)
        if check:
            imported.check(network)
        return network

    @classmethod
    def from_onnx(
        cls,
        source: str | os.PathLike[str] | bytes | onnx.ModelProto,
        *,
        input_shape: Sequence[int] | None = None,
        check: bool = True,
    ) -> ReluNetwork:
        """Import an ONNX model with one input and one output.

        Units are as `from_torch` says. The first axis of the input is the batch if there is another
        one and its size is 1 or open; any other input is one input as a whole.

        Parameters
        ----------
        source : path, bytes or onnx.ModelProto
            The model, opset 7 or later.
        input_shape : tuple of int, optional
            Shape of one input, without the batch, where the model leaves it open.
        check : bool, default True
            Compare outputs on random inputs with onnxruntime's, or those of the onnx package's
            reference where onnxruntime lacks an operator in the model's precision.

        Returns
        -------
        ReluNetwork
            The network; the model's output, flattened, is its output.

        Raises
        ------
        ValueError
            If an operator is not piecewise affine or not supported; the message names it and its
            node. If the model is not valid.
        RuntimeError
            If the outputs do not agree; the message holds the largest difference.
        TypeError
            If `source` is none of the above.
        ImportError
            If onnx, or onnxruntime for the check, is not installed.

        Examples
        --------
        >>> from onnx import TensorProto, helper
        >>> from hullspace import ReluNetwork
        >>> x, y = (helper.make_tensor_value_info(k, TensorProto.FLOAT, [1, 3]) for k in "xy")
        >>> graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
        >>> opset = helper.make_opsetid("", 13)
        >>> model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
        >>> ReluNetwork.from_onnx(model)
        ReluNetwork(input_shape=(3,), n_hidden=3, n_outputs=3)
        """
        from hullspace.networks.onnx import lowered_onnx  # noqa: PLC0415 - for onnx only

        if check:
            require("onnxruntime", "onnx")
        imported = lowered_onnx(source, input_shape)
        network = cls(imported.stages, imported.input_shape)
        if check:
            imported.check(network)
        return network

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

    def to_torch(self, dtype: torch.dtype | None = None) -> nn.Module:
        """Make a torch module that computes what the network computes.

        Parameters
        ----------
        dtype : torch.dtype, optional
            ``torch.float64``, the default, or ``torch.float32``.

        Returns
        -------
        torch.nn.Module
            Takes (n, *input_shape) or (n, n_inputs), gives (n, n_outputs); gradients of any order
            flow through it to its input. It has no parameters: its numbers are buffers, which go
            with it to a device.

        Raises
        ------
        ValueError
            If `dtype` is another one.
        ImportError
            If torch is not installed.

        Examples
        --------
        >>> import torch
        >>> from hullspace import ReluNetwork
        >>> network = ReluNetwork.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0, 0], [0]])
        >>> network.to_torch()(torch.tensor([[-3.0]], dtype=torch.float64)).tolist()
        [[3.0]]
        """
        torch = require("torch", "torch")
        dtype = torch.float64 if dtype is None else dtype
        if dtype not in {torch.float64, torch.float32}:
            raise ValueError(f"dtype must be torch.float64 or torch.float32, got {dtype!r}")
        from hullspace.networks.modules import NetworkModule  # noqa: PLC0415 - it needs torch

        return NetworkModule(self, dtype)

    def as_rows(self, inputs: npt.ArrayLike, name: str = "inputs") -> _Floats:
        """Return inputs of shape (m, *input_shape) or (m, n_inputs) as rows, (m, n_inputs).

        Raises
        ------
        TypeError, ValueError
            If they have the wrong type, shape or values; the message starts with `name`.
        """
        array = np.asarray(inputs)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
        if array.shape[1:] not in {self.input_shape, (self.n_inputs,)} or array.ndim < 2:
            raise ValueError(
                f"{name} must have shape (n, {', '.join(map(str, self.input_shape))}), "
                f"got {array.shape}"
            )
        require_finite(array, name)
        return np.ascontiguousarray(array.reshape(len(array), self.n_inputs), dtype=np.float64)

    def __call__(self, inputs: npt.ArrayLike) -> _Floats:
        """Return the outputs, (n, n_outputs), of inputs of shape (n, *input_shape)."""
        return self.preactivations(inputs)[-1]

    def preactivations(self, inputs: npt.ArrayLike) -> list[_Floats]:
        """Return the inputs of every stage's units, (n, n_units) each; the last are the outputs."""
        outputs, found = [self.as_rows(inputs)], []
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
        if np.shape(bits) != (self.n_hidden,):
            raise ValueError(f"bits must have shape ({self.n_hidden},), got {np.shape(bits)}")
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


def region_constraints(
    network: ReluNetwork,
    bits: npt.NDArray[np.bool_],
    origin: _Floats | None = None,
    basis: _Floats | None = None,
) -> tuple[_Floats, _Floats, tuple[_Floats, _Floats]]:
    """Return (A, b), one row for each hidden unit, of a pattern's region, and the outputs' map.

    In the region, ``A @ x <= b`` and the outputs are ``rows @ x + offsets``; coordinates are as in
    `ReluNetwork.affine_maps`.
    """
    maps = network.affine_maps(bits, origin, basis)
    units = [stage.hidden for stage in network.stages]
    rows, offsets = (
        np.concatenate([m[k][u] for m, u in zip(maps, units, strict=True)]) for k in (0, 1)
    )
    signs = np.where(bits, -1.0, 1.0)
    return signs[:, None] * rows, -signs * offsets, maps[-1]


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
        if not len(matrix):
            raise ValueError(f"weights[{k}] must have at least one row, got shape {matrix.shape}")
        # Copies, since the arrays are the caller's.
        term = Term(k, Dense(matrix.copy()))
        stages.append(Stage((term,), vector.copy(), np.full(len(matrix), slope)))
        columns = len(matrix)
    return ReluNetwork(stages, (stages[0].terms[0].operator.n_in,))


def pack(bits: npt.NDArray[np.bool_]) -> _Bytes:
    """Pack bits, (n, n_hidden), into (n, ceil(n_hidden / 8)) uint8, lowest bit first."""
    return np.packbits(bits, axis=1, bitorder="little")


def unpack(patterns: _Bytes, n_hidden: int) -> npt.NDArray[np.bool_]:
    """Undo `pack`."""
    return np.unpackbits(patterns, axis=1, count=n_hidden, bitorder="little").astype(bool)
