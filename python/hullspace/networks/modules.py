"""Networks as torch modules; importing this needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from hullspace.networks.algebra import is_identity
from hullspace.networks.operators import Convolution, Dense, Sparse

if TYPE_CHECKING:
    from hullspace.networks.network import ReluNetwork
    from hullspace.networks.operators import Operator
    from hullspace.networks.stages import Stage


class NetworkModule(nn.Module):
    """A network's stages as operations of torch; see `ReluNetwork.to_torch`."""

    def __init__(self, network: ReluNetwork, dtype: torch.dtype) -> None:
        super().__init__()
        self.input_shape = network.input_shape
        self.stages = nn.ModuleList(_Stage(stage, dtype) for stage in network.stages)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, (n, n_outputs), of inputs of shape (n, *input_shape) or rows."""
        n_inputs = int(np.prod(self.input_shape))
        if tuple(inputs.shape[1:]) not in {self.input_shape, (n_inputs,)}:
            raise ValueError(
                f"inputs must have shape (n, {', '.join(map(str, self.input_shape))}), "
                f"got {tuple(inputs.shape)}"
            )
        outputs = [inputs.reshape(len(inputs), n_inputs)]
        for stage in self.stages:
            outputs.append(stage(outputs))
        return outputs[-1]


class _Stage(nn.Module):
    bias: Tensor
    slopes: Tensor

    def __init__(self, stage: Stage, dtype: torch.dtype) -> None:
        super().__init__()
        self.sources = [term.source for term in stage.terms]
        self.operators = nn.ModuleList(_module(term.operator, dtype) for term in stage.terms)
        self.register_buffer("bias", torch.tensor(stage.bias, dtype=dtype))
        self.register_buffer("slopes", torch.tensor(stage.slopes, dtype=dtype))
        self.is_linear = not len(stage.hidden)
        self.is_relu = bool((stage.slopes == 0.0).all())

    def forward(self, outputs: list[Tensor]) -> Tensor:
        total = self.bias.expand(len(outputs[0]), -1)
        for source, operator in zip(self.sources, self.operators, strict=True):
            total = total + operator(outputs[source])
        if self.is_linear:
            return total
        if self.is_relu:
            return total.relu()
        return torch.where(total > 0.0, total, self.slopes * total)


def _module(operator: Operator, dtype: torch.dtype) -> nn.Module:
    if isinstance(operator, Dense):
        return _Dense(operator, dtype)
    if isinstance(operator, Convolution):
        return _Convolution(operator, dtype)
    return nn.Identity() if is_identity(operator) else _Sparse(operator, dtype)


class _Dense(nn.Module):
    matrix: Tensor

    def __init__(self, operator: Dense, dtype: torch.dtype) -> None:
        super().__init__()
        self.register_buffer("matrix", torch.tensor(operator.matrix, dtype=dtype))

    def forward(self, rows: Tensor) -> Tensor:
        return nn.functional.linear(rows, self.matrix)


class _Sparse(nn.Module):
    """Picks elements, scales them and adds them up: derivatives of any order on any device."""

    places: Tensor
    rows: Tensor
    values: Tensor

    def __init__(self, operator: Sparse, dtype: torch.dtype) -> None:
        super().__init__()
        self.n_out = operator.n_out
        matrix = operator.matrix.tocoo()
        self.register_buffer("rows", torch.tensor(matrix.coords[0], dtype=torch.int64))
        self.register_buffer("places", torch.tensor(matrix.coords[1], dtype=torch.int64))
        self.register_buffer("values", torch.tensor(matrix.data, dtype=dtype))
        # One element for each output: nothing is to be added up.
        self.is_selection = np.array_equal(matrix.coords[0], np.arange(self.n_out))

    def forward(self, rows: Tensor) -> Tensor:
        products = rows[:, self.places] * self.values
        if self.is_selection:
            return products
        return products.new_zeros(len(rows), self.n_out).index_add(1, self.rows, products)


class _Convolution(nn.Module):
    weight: Tensor

    def __init__(self, operator: Convolution, dtype: torch.dtype) -> None:
        super().__init__()
        self.input_shape, self.groups = operator.input_shape, operator.groups
        self.stride, self.dilation = operator.stride, operator.dilation
        top, left, bottom, right = operator.padding
        is_even = (top, left) == (bottom, right)
        self.padding = (top, left) if is_even else (0, 0)
        self.sides = None if is_even else (left, right, top, bottom)
        self.register_buffer("weight", torch.tensor(operator.weight, dtype=dtype))

    def forward(self, rows: Tensor) -> Tensor:
        images = rows.reshape(len(rows), *self.input_shape)
        if self.sides is not None:
            images = nn.functional.pad(images, self.sides)
        outputs = nn.functional.conv2d(
            images, self.weight, None, self.stride, self.padding, self.dilation, self.groups
        )
        return outputs.flatten(1)
