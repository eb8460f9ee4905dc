"""Linear operators on flattened arrays: what the stages of a network apply to one another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# Products of a convolution that are computed at a time: the windows of a few images, which stay in
# the processor's cache.
_BLOCK = 2**23


@dataclass(frozen=True)
class Dense:
    """A matrix, (n_out, n_in).

    Attributes
    ----------
    matrix : (n_out, n_in) float64
        Its elements.
    """

    matrix: _Floats

    @property
    def elements(self) -> _Floats:
        """Numbers that it holds, in any shape."""
        return self.matrix

    @property
    def n_in(self) -> int:
        """Elements that it takes."""
        return int(self.matrix.shape[1])

    @property
    def n_out(self) -> int:
        """Elements that it gives."""
        return int(self.matrix.shape[0])

    @property
    def longest_row(self) -> int:
        """Products that add up to one output, at most."""
        return self.n_in

    def apply(self, rows: _Floats) -> _Floats:
        """Return the products with the rows of a batch, (m, n_in) to (m, n_out)."""
        products: _Floats = rows @ self.matrix.T
        return products

    def apply_transposed(self, rows: _Floats) -> _Floats:
        """Return the transpose's products, (m, n_out) to (m, n_in)."""
        products: _Floats = rows @ self.matrix
        return products

    def absolute(self) -> Dense:
        """Return the operator of the absolute values."""
        return Dense(np.abs(self.matrix))

    def scaled(self, factors: _Floats) -> Dense:
        """Return the operator with each output multiplied by its factor."""
        return Dense(factors[:, None] * self.matrix)

    def row(self, i: int) -> tuple[_Ints, _Floats]:
        """Return places and values of the elements of output `i` that are not zero."""
        places = np.flatnonzero(self.matrix[i])
        return places, self.matrix[i, places]


@dataclass(frozen=True)
class Sparse:
    """A sparse matrix, (n_out, n_in).

    Attributes
    ----------
    matrix : (n_out, n_in) CSR array, float64
        Its elements, sorted and without duplicates.
    """

    matrix: sparse.csr_array

    @property
    def elements(self) -> _Floats:
        """Numbers that it holds, in any shape."""
        found: _Floats = self.matrix.data
        return found

    @property
    def n_in(self) -> int:
        """Elements that it takes."""
        return int(self.matrix.shape[1])

    @property
    def n_out(self) -> int:
        """Elements that it gives."""
        return int(self.matrix.shape[0])

    @property
    def longest_row(self) -> int:
        """Products that add up to one output, at most."""
        return int(np.diff(self.matrix.indptr).max(initial=0))

    def apply(self, rows: _Floats) -> _Floats:
        """Return the products with the rows of a batch, (m, n_in) to (m, n_out)."""
        return np.ascontiguousarray((self.matrix @ rows.T).T)

    def apply_transposed(self, rows: _Floats) -> _Floats:
        """Return the transpose's products, (m, n_out) to (m, n_in)."""
        return np.ascontiguousarray((self.matrix.T @ rows.T).T)

    def absolute(self) -> Sparse:
        """Return the operator of the absolute values."""
        return Sparse(abs(self.matrix))

    def scaled(self, factors: _Floats) -> Sparse:
        """Return the operator with each output multiplied by its factor."""
        return Sparse(sparse.csr_array(sparse.diags_array(factors) @ self.matrix))

    def row(self, i: int) -> tuple[_Ints, _Floats]:
        """Return places and values of the elements of output `i` that are not zero."""
        first, last = self.matrix.indptr[i : i + 2]
        return self.matrix.indices[first:last].astype(np.int64), self.matrix.data[first:last]


@dataclass(frozen=True)
class Convolution:
    """A two-dimensional convolution (cross-correlation) of (channels, height, width) arrays.

    Attributes
    ----------
    weight : (channels_out, channels_in // groups, height, width) float64
        The kernels.
    input_shape : (channels_in, height, width)
        Shape of what it takes.
    stride, dilation : (vertical, horizontal)
        Steps of the windows, and within them.
    padding : (top, left, bottom, right)
        Zeros added around the input.
    groups : int
        Groups of channels that do not mix.
    """

    weight: _Floats
    input_shape: tuple[int, int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def elements(self) -> _Floats:
        """Numbers that it holds, in any shape."""
        return self.weight

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Shape of what it gives: (channels_out, height, width)."""
        _, height, width = self.input_shape
        top, left, bottom, right = self.padding
        tall, wide = (
            (step * (n - 1) + 1)
            for step, n in zip(self.dilation, self.weight.shape[2:], strict=True)
        )
        return (
            int(self.weight.shape[0]),
            (height + top + bottom - tall) // self.stride[0] + 1,
            (width + left + right - wide) // self.stride[1] + 1,
        )

    @property
    def n_in(self) -> int:
        """Elements that it takes."""
        return int(np.prod(self.input_shape))

    @property
    def n_out(self) -> int:
        """Elements that it gives."""
        return int(np.prod(self.output_shape))

    @property
    def longest_row(self) -> int:
        """Products that add up to one output, at most."""
        return int(self.weight[0].size)

    def _places(self, y: int, x: int) -> tuple[slice, slice]:
        """Where the padded input meets element (y, x) of the kernels."""
        _, height, width = self.output_shape
        row, column = y * self.dilation[0], x * self.dilation[1]
        return (
            slice(row, row + self.stride[0] * (height - 1) + 1, self.stride[0]),
            slice(column, column + self.stride[1] * (width - 1) + 1, self.stride[1]),
        )

    def _padded_shape(self) -> tuple[int, int, int, int]:
        channels, height, width = self.input_shape
        top, left, bottom, right = self.padding
        per_group = channels // self.groups
        return self.groups, per_group, height + top + bottom, width + left + right

    def apply(self, rows: _Floats) -> _Floats:
        """Return the convolutions of the rows of a batch, (m, n_in) to (m, n_out)."""
        out = np.empty((len(rows), self.n_out))
        step = max(_BLOCK // max(self.n_out * self.weight[0].size, 1), 1)
        for first in range(0, len(rows), step):
            out[first : first + step] = self._apply(rows[first : first + step])
        return out

    def _apply(self, rows: _Floats) -> _Floats:
        _, height, width = self.output_shape
        groups, per_group, tall, wide = self._padded_shape()
        top, left, _, _ = self.padding
        padded = np.zeros((len(rows), groups, per_group, tall, wide))
        inner = (slice(top, top + self.input_shape[1]), slice(left, left + self.input_shape[2]))
        padded[..., inner[0], inner[1]] = rows.reshape(
            len(rows), groups, per_group, *self.input_shape[1:]
        )
        size = self.weight.shape[2:]
        windows = np.empty((len(rows), groups, per_group, *size, height, width))
        for y in range(size[0]):
            for x in range(size[1]):
                windows[:, :, :, y, x] = padded[..., *self._places(y, x)]
        kernels = self.weight.reshape(groups, -1, self.weight[0].size)
        products = kernels @ windows.reshape(len(rows), groups, -1, height * width)
        return products.reshape(len(rows), -1)

    def apply_transposed(self, rows: _Floats) -> _Floats:
        """Return the transpose's products, (m, n_out) to (m, n_in)."""
        out = np.empty((len(rows), self.n_in))
        step = max(_BLOCK // max(self.n_out * self.weight[0].size, 1), 1)
        for first in range(0, len(rows), step):
            out[first : first + step] = self._apply_transposed(rows[first : first + step])
        return out

    def _apply_transposed(self, rows: _Floats) -> _Floats:
        channels, height, width = self.output_shape
        groups, per_group, tall, wide = self._padded_shape()
        kernels = self.weight.reshape(groups, channels // groups, -1).transpose(0, 2, 1)
        products = kernels @ rows.reshape(len(rows), groups, channels // groups, height * width)
        size = self.weight.shape[2:]
        windows = products.reshape(len(rows), groups, per_group, *size, height, width)
        padded = np.zeros((len(rows), groups, per_group, tall, wide))
        for y in range(size[0]):
            for x in range(size[1]):
                padded[..., *self._places(y, x)] += windows[:, :, :, y, x]
        top, left, _, _ = self.padding
        inner = padded[..., top : top + self.input_shape[1], left : left + self.input_shape[2]]
        return inner.reshape(len(rows), -1)

    def absolute(self) -> Convolution:
        """Return the operator of the absolute values."""
        return replace(self, weight=np.abs(self.weight))

    def scaled(self, factors: _Floats) -> Convolution:
        """Return the operator with each output multiplied by its factor, one for each channel."""
        per_channel = factors.reshape(len(self.weight), -1)
        if not (per_channel == per_channel[:, :1]).all():
            raise ValueError("a convolution's outputs are scaled channel by channel")
        return replace(self, weight=per_channel[:, 0, None, None, None] * self.weight)

    def row(self, i: int) -> tuple[_Ints, _Floats]:
        """Return places and values of the elements of output `i` that are not zero."""
        channel, row, column = np.unravel_index(i, self.output_shape)
        kernel = self.weight[channel]
        first = int(channel) // (len(self.weight) // self.groups) * len(kernel)
        y = row * self.stride[0] - self.padding[0] + np.arange(kernel.shape[1]) * self.dilation[0]
        x = (
            column * self.stride[1]
            - self.padding[1]
            + np.arange(kernel.shape[2]) * self.dilation[1]
        )
        inside = ((y >= 0) & (y < self.input_shape[1]))[:, None] & (
            (x >= 0) & (x < self.input_shape[2])
        )
        used = inside & (kernel != 0.0)
        c, j, k = np.nonzero(used)
        places = np.ravel_multi_index((first + c, y[j], x[k]), self.input_shape)
        return np.asarray(places, dtype=np.int64), kernel[c, j, k]


Operator: TypeAlias = Dense | Sparse | Convolution


def identity(n: int) -> Sparse:
    """Return the operator that changes nothing."""
    return Sparse(sparse.csr_array(sparse.eye_array(n)))
