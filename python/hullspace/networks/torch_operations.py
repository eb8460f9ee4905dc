"""What torch's operations mean for affine values, by torch's names and parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hullspace.networks.lowering import Affine
from hullspace.networks.operands import Operand, divided, matrix_product, product, total
from hullspace.networks.windows import Windows, adaptive, along, over_space, sliding

# Operations that only move elements, copy them or put zeros between them.
MOVES = frozenset(
    {"channel_shuffle", "chunk", "expand", "expand_as", "flatten"}
    | {"flip", "getitem", "index_select", "interpolate", "movedim"}
    | {"moveaxis", "narrow", "pad", "permute", "pixel_shuffle"}
    | {"pixel_unshuffle", "ravel", "repeat", "repeat_interleave", "reshape"}
    | {"reshape_as", "roll", "rot90", "select", "split"}
    | {"split_with_sizes", "squeeze", "swapaxes", "swapdims", "t"}
    | {"tensor_split", "tile", "transpose", "tril", "triu"}
    | {"unbind", "unflatten", "unfold", "unsqueeze", "view"}
    | {"view_as"}
)

# Operations that change nothing in evaluation mode.
INERT = frozenset(
    {"alpha_dropout", "bfloat16", "clone", "contiguous", "cpu"}
    | {"cuda", "detach", "double", "dropout", "dropout1d"}
    | {"dropout2d", "dropout3d", "feature_alpha_dropout", "feature_dropout", "float"}
    | {"half", "requires_grad", "to", "type_as"}
)


# Those of both that never return a view of their input.
COPIES = frozenset(
    {"channel_shuffle", "clone", "flip", "index_select", "interpolate", "pad", "pixel_shuffle"}
    | {"pixel_unshuffle", "repeat", "repeat_interleave", "roll", "rot90", "tile", "tril", "triu"}
)

# Operations whose result depends on the shape of their input only.
CONSTANTS = frozenset(
    {"empty_like", "full_like", "new_full", "new_ones", "new_zeros", "ones_like", "zeros_like"}
)


def places_of(numbers: Any) -> npt.NDArray[np.int64]:
    """Return places, -1 for fill, from a tensor of numbers that count from 1."""
    return np.asarray(numbers.numpy(), dtype=np.int64) - 1


def _many(value: Any, d: int) -> tuple[int, ...]:
    """Return one integer for each axis."""
    items = tuple(value) if isinstance(value, Sequence) else (value,)
    return tuple(int(n) for n in (items * d if len(items) == 1 else items))


def _linear(x: Affine, weight: Any, bias: Any = None) -> Affine:
    if isinstance(weight, Affine):
        raise ValueError("the weights depend on the input")
    value = x.contract(weight, -1)
    return value if bias is None else value.add(bias)


def _matmul(x: Operand, other: Operand) -> Affine:
    return _as_affine(matrix_product(x, other))


def _convolution(
    x: Affine,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Affine:
    d = np.ndim(weight) - 2
    steps = _many(dilation, d)
    if padding == "same":
        both = [step * (n - 1) for step, n in zip(steps, weight.shape[2:], strict=True)]
        before = tuple(n // 2 for n in both)
        sides = (*before, *(n - first for n, first in zip(both, before, strict=True)))
    else:
        sides = _many(0 if padding == "valid" else padding, d) * 2
    return x.convolve(weight, bias, _many(stride, d), sides, steps, groups)


def _batch_norm(
    x: Affine,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Affine:
    if training or running_mean is None:
        raise ValueError("batch normalization with the statistics of the batch")
    return x.normalize(running_mean, running_var, weight, bias, eps)


def _pooling(
    x: Affine, d: int, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> Windows:
    kernels, sides = _many(kernel, d), _many(padding, d)
    steps = kernels if stride is None or stride in ((), []) else _many(stride, d)
    axes = [
        sliding(n, kernels[k], steps[k], (sides[k], sides[k]), _many(dilation, d)[k], ceil_mode)
        for k, n in enumerate(x.shape[-d:])
    ]
    return over_space(x.shape, axes)


def _average(d: int) -> Callable[..., Affine]:
    def average(
        x: Affine,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Affine:
        windows = _pooling(x, d, kernel_size, stride, padding, 1, ceil_mode)
        divisors = None if count_include_pad else windows.counts
        return x.average(windows, divisors if divisor_override is None else divisor_override)

    return average


def _maximum(d: int) -> Callable[..., Affine]:
    def maximum(
        x: Affine,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Affine:
        if return_indices:
            raise ValueError("indices of maxima are not piecewise affine")
        return x.maxima(_pooling(x, d, kernel_size, stride, padding, dilation, ceil_mode))

    return maximum


def _adaptive(x: Affine, d: int, output_size: Any) -> Windows:
    sizes = output_size if isinstance(output_size, Sequence) else (output_size,) * d
    space = x.shape[-d:]
    axes = [adaptive(n, n if m is None else int(m)) for n, m in zip(space, sizes, strict=True)]
    return over_space(x.shape, axes)


def _adaptive_average(d: int) -> Callable[..., Affine]:
    def average(x: Affine, output_size: Any) -> Affine:
        return x.average(_adaptive(x, d, output_size))

    return average


def _adaptive_maximum(d: int) -> Callable[..., Affine]:
    def maximum(x: Affine, output_size: Any, return_indices: bool = False) -> Affine:
        if return_indices:
            raise ValueError("indices of maxima are not piecewise affine")
        return x.maxima(_adaptive(x, d, output_size))

    return maximum


def _reduced(x: Affine, dim: Any, keepdim: bool) -> Windows:
    axes = range(len(x.shape)) if dim is None or dim == () else _many(dim, 1)
    return along(x.shape, axes, keepdim)


def _mean(x: Affine, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Affine:
    return x.average(_reduced(x, dim, keepdim))


def _sum(x: Affine, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Affine:
    return x.average(_reduced(x, dim, keepdim), 1.0)


def _add(x: Operand, other: Operand, alpha: float = 1.0) -> Affine:
    return total(x, product(other, alpha))


def _subtract(x: Operand, other: Operand, alpha: float = 1.0) -> Affine:
    return total(x, product(other, -alpha))


def _multiply(x: Operand, other: Operand) -> Affine:
    return _as_affine(product(x, other))


def _divide(x: Operand, other: Operand, rounding_mode: str | None = None) -> Affine:
    if rounding_mode is not None:
        raise ValueError("rounding is not continuous")
    return divided(x, other)


def _prelu(x: Affine, weight: Any) -> Affine:
    slopes = np.ravel(weight)
    channels = len(x.shape) > 1
    return x.leaky(slopes.reshape(-1, *(1,) * (len(x.shape) - 2)) if channels else slopes)


def _clamp(x: Affine, min: Any = None, max: Any = None) -> Affine:  # noqa: A002
    if isinstance(min, Affine) or isinstance(max, Affine):
        raise ValueError("the bounds depend on the input")
    return x.clip(min, max)


def _max(x: Operand, other: Operand | None = None, keepdim: bool = False) -> Affine:
    if isinstance(other, int) or keepdim:
        raise ValueError("it gives indices, too; use amax")
    return (
        _as_affine(x).maxima(_reduced(_as_affine(x), None, False))
        if other is None
        else _larger(x, other)
    )


def _min(x: Operand, other: Operand | None = None, keepdim: bool = False) -> Affine:
    negative = other if other is None or isinstance(other, int) else product(other, -1.0)
    return _max(product(x, -1.0), negative, keepdim).scale(-1.0)


def _addmm(
    x: Operand, first: Operand, second: Operand, beta: float = 1.0, alpha: float = 1.0
) -> Affine:
    return total(product(x, beta), product(_matmul(first, second), alpha))


def _larger(x: Operand, other: Operand) -> Affine:
    return x.maximum(other) if isinstance(x, Affine) else _as_affine(other).maximum(x)


def _smaller(x: Operand, other: Operand) -> Affine:
    return _larger(product(x, -1.0), product(other, -1.0)).scale(-1.0)


def _as_affine(value: Operand) -> Affine:
    if not isinstance(value, Affine):
        raise TypeError(f"got {type(value).__name__} where a symbolic tensor is needed")
    return value


OPERATIONS: dict[str, Callable[..., Affine]] = {
    "abs": lambda x: x.leaky(-1.0),
    "absolute": lambda x: x.leaky(-1.0),
    "adaptive_avg_pool1d": _adaptive_average(1),
    "adaptive_avg_pool2d": _adaptive_average(2),
    "adaptive_max_pool1d": _adaptive_maximum(1),
    "adaptive_max_pool2d": _adaptive_maximum(2),
    "add": _add,
    "addmm": _addmm,
    "amax": lambda x, dim=(), keepdim=False: x.maxima(_reduced(x, dim, keepdim)),
    "avg_pool1d": _average(1),
    "avg_pool2d": _average(2),
    "batch_norm": _batch_norm,
    "clamp": _clamp,
    "clamp_max": lambda x, bound: _clamp(x, None, bound),
    "clamp_min": _clamp,
    "clip": _clamp,
    "conv1d": _convolution,
    "conv2d": _convolution,
    "div": _divide,
    "divide": _divide,
    "hardtanh": lambda x, min_val=-1.0, max_val=1.0: x.clip(min_val, max_val),
    "leaky_relu": lambda x, negative_slope=0.01: x.leaky(negative_slope),
    "linear": _linear,
    "matmul": _matmul,
    "max_pool1d": _maximum(1),
    "max_pool2d": _maximum(2),
    "max": _max,
    "maximum": _larger,
    "mean": _mean,
    "amin": lambda x, dim=(), keepdim=False: (
        x.scale(-1.0).maxima(_reduced(x, dim, keepdim)).scale(-1.0)
    ),
    "min": _min,
    "minimum": _smaller,
    "mm": _matmul,
    "mul": _multiply,
    "multiply": _multiply,
    "mv": _matmul,
    "neg": lambda x: x.scale(-1.0),
    "negative": lambda x: x.scale(-1.0),
    "prelu": _prelu,
    "relu": lambda x: x.leaky(),
    "relu6": lambda x: x.clip(0.0, 6.0),
    "rsub": lambda x, other, alpha=1.0: _subtract(other, x, alpha),
    "sub": _subtract,
    "subtract": _subtract,
    "sum": _sum,
    "truediv": _divide,
}
