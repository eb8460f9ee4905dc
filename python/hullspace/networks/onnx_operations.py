"""What ONNX operators mean for affine values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from hullspace.networks.lowering import Affine
from hullspace.networks.operands import Operand, divided, matrix_product, product, total
from hullspace.networks.windows import Windows, adaptive, along, over_space, sliding

_Inputs: TypeAlias = list[Any]
_Attributes: TypeAlias = dict[str, Any]
_Operation: TypeAlias = Callable[[_Inputs, _Attributes], Affine]

# Operators whose result depends on the shape of their input only.
SHAPES = frozenset({"Shape", "Size", "ConstantOfShape"})

# Operators that only move elements, copy them or put constants between them.
MOVES = frozenset(
    {"DepthToSpace", "Expand", "Flatten", "Gather", "Pad", "Reshape", "Slice", "SpaceToDepth"}
    | {"Split", "Squeeze", "Tile", "Transpose", "Unsqueeze"}
)


def _input(inputs: _Inputs, k: int) -> Any:
    """Return an optional input."""
    return inputs[k] if k < len(inputs) else None


def _gemm(inputs: _Inputs, attributes: _Attributes) -> Affine:
    first, second, third = inputs[0], inputs[1], _input(inputs, 2)
    if attributes.get("transA"):
        first = _transposed(first)
    if attributes.get("transB"):
        second = _transposed(second)
    value = product(matrix_product(first, second), attributes.get("alpha", 1.0))
    if third is None:
        return _affine(value)
    return total(value, product(third, attributes.get("beta", 1.0)))


def _affine(value: Any) -> Affine:
    if not isinstance(value, Affine):
        raise TypeError("its first input must depend on the input of the model")
    return value


def _transposed(value: Operand) -> Operand:
    return value.select(value.places().T) if isinstance(value, Affine) else np.transpose(value)


def _sides(inputs: _Inputs, attributes: _Attributes, kernel: Sequence[int]) -> Sequence[int]:
    """Return the padding before each axis, then after each, of a convolution or pooling."""
    d = len(kernel)
    automatic = attributes.get("auto_pad", b"NOTSET").decode()
    if automatic == "NOTSET":
        return list(attributes.get("pads", [0] * 2 * d))
    if automatic == "VALID":
        return [0] * 2 * d
    steps = attributes.get("strides", [1] * d)
    dilations = attributes.get("dilations", [1] * d)
    before, after = [], []
    for n, k, step, dilation in zip(inputs[0].shape[-d:], kernel, steps, dilations, strict=True):
        both = max((-(-n // step) - 1) * step + dilation * (k - 1) + 1 - n, 0)
        first = both // 2 if automatic == "SAME_UPPER" else both - both // 2
        before.append(first)
        after.append(both - first)
    return before + after


def _convolution(inputs: _Inputs, attributes: _Attributes) -> Affine:
    value, weight = inputs[:2]
    if isinstance(weight, Affine) or isinstance(_input(inputs, 2), Affine):
        raise ValueError("the kernels depend on the input")
    kernel = weight.shape[2:]
    ones = [1] * len(kernel)
    return _affine(value).convolve(
        weight,
        _input(inputs, 2),
        attributes.get("strides", ones),
        _sides(inputs, attributes, kernel),
        attributes.get("dilations", ones),
        attributes.get("group", 1),
    )


def _batch_norm(inputs: _Inputs, attributes: _Attributes) -> Affine:
    value, weight, bias, mean, variance = inputs
    if attributes.get("training_mode"):
        raise ValueError("batch normalization with the statistics of the batch")
    if not attributes.get("spatial", 1):
        raise ValueError("statistics of every element are not supported")
    return _affine(value).normalize(mean, variance, weight, bias, attributes.get("epsilon", 1e-5))


def _windows(inputs: _Inputs, attributes: _Attributes) -> Windows:
    kernel = attributes["kernel_shape"]
    d, ones = len(kernel), [1] * len(kernel)
    sides = _sides(inputs, attributes, kernel)
    steps, dilations = attributes.get("strides", ones), attributes.get("dilations", ones)
    ceil_mode = bool(attributes.get("ceil_mode", 0))
    axes = [
        sliding(n, kernel[k], steps[k], (sides[k], sides[d + k]), dilations[k], ceil_mode)
        for k, n in enumerate(inputs[0].shape[-d:])
    ]
    return over_space(inputs[0].shape, axes)


def _average_pool(inputs: _Inputs, attributes: _Attributes) -> Affine:
    windows = _windows(inputs, attributes)
    padded = attributes.get("count_include_pad", 0)
    return _affine(inputs[0]).average(windows, None if padded else windows.counts)


def _global(inputs: _Inputs) -> Windows:
    shape = inputs[0].shape
    return over_space(shape, [adaptive(n, 1) for n in shape[2:]])


def _reduced(inputs: _Inputs, attributes: _Attributes) -> Windows:
    given = attributes.get("axes") if _input(inputs, 1) is None else inputs[1].tolist()
    axes = given or ([] if attributes.get("noop_with_empty_axes") else range(len(inputs[0].shape)))
    return along(inputs[0].shape, axes, bool(attributes.get("keepdims", 1)))


def _clip(inputs: _Inputs, attributes: _Attributes) -> Affine:
    low = _input(inputs, 1) if len(inputs) > 1 else attributes.get("min")
    high = _input(inputs, 2) if len(inputs) > 1 else attributes.get("max")
    if isinstance(low, Affine) or isinstance(high, Affine):
        raise ValueError("the bounds depend on the input")
    return _affine(inputs[0]).clip(low, high)


def _combined(combine: Callable[[Affine, Operand], Affine], inputs: _Inputs) -> Affine:
    """Combine inputs one after another, those that depend on the model's input first."""
    first, *rest = sorted(inputs, key=lambda value: not isinstance(value, Affine))
    return reduce(combine, rest, _affine(first))


def _smallest(inputs: _Inputs, _: _Attributes) -> Affine:
    return _combined(Affine.maximum, [product(value, -1.0) for value in inputs]).scale(-1.0)


def _same(inputs: _Inputs, _: _Attributes) -> Affine:
    return _affine(inputs[0])


def _dropout(inputs: _Inputs, _: _Attributes) -> Affine:
    if _input(inputs, 2) is not None and np.any(inputs[2]):
        raise ValueError("it drops elements at random")
    return _affine(inputs[0])


def _cast(inputs: _Inputs, attributes: _Attributes) -> Affine:
    if attributes["to"] not in _FLOATS:
        raise ValueError("a conversion to other than floating-point numbers is not continuous")
    return _affine(inputs[0])


_FLOATS = {1, 10, 11, 16}  # TensorProto: FLOAT, FLOAT16, DOUBLE, BFLOAT16

OPERATIONS: dict[str, _Operation] = {
    "Abs": lambda inputs, _: _affine(inputs[0]).leaky(-1.0),
    "Add": lambda inputs, _: total(*inputs),
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Clip": _clip,
    "Conv": _convolution,
    "Div": lambda inputs, _: divided(*inputs),
    "Dropout": _dropout,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda inputs, _: inputs[0].average(_global(inputs)),
    "GlobalMaxPool": lambda inputs, _: inputs[0].maxima(_global(inputs)),
    "Identity": _same,
    "LeakyRelu": lambda inputs, attributes: inputs[0].leaky(attributes.get("alpha", 0.01)),
    "MatMul": lambda inputs, _: _affine(matrix_product(*inputs)),
    "Max": lambda inputs, _: _combined(Affine.maximum, inputs),
    "MaxPool": lambda inputs, attributes: inputs[0].maxima(_windows(inputs, attributes)),
    "Min": _smallest,
    "Mul": lambda inputs, _: _affine(product(*inputs)),
    "Neg": lambda inputs, _: inputs[0].scale(-1.0),
    "PRelu": lambda inputs, _: inputs[0].leaky(inputs[1]),
    "ReduceMax": lambda inputs, attributes: inputs[0].maxima(_reduced(inputs, attributes)),
    "ReduceMean": lambda inputs, attributes: inputs[0].average(_reduced(inputs, attributes)),
    "ReduceSum": lambda inputs, attributes: inputs[0].average(_reduced(inputs, attributes), 1.0),
    "Relu": lambda inputs, _: inputs[0].leaky(),
    "Sub": lambda inputs, _: total(inputs[0], product(inputs[1], -1.0)),
    "Sum": lambda inputs, _: _combined(Affine.add, inputs),
}
