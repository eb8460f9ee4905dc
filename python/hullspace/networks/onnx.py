"""Import of ONNX models: the graph is evaluated once, on affine values for what depends on x."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.extras import require
from hullspace.networks.agreement import require_agreement
from hullspace.networks.lowering import Affine, Builder
from hullspace.networks.onnx_files import inference_session, load_onnx, only, only_input
from hullspace.networks.onnx_operations import MOVES, OPERATIONS, SHAPES
from hullspace.networks.operands import join

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from hullspace.networks.network import ReluNetwork
    from hullspace.networks.onnx_files import OnnxSource
    from hullspace.networks.stages import Stage

    _Arrays = list[npt.NDArray[Any]]

_OLDEST_OPSET = 7  # before it, elementwise operations broadcast by attributes


@dataclass
class _Graph:
    """Evaluates nodes: affine values by their meaning, constants by the onnx package itself."""

    builder: Builder
    opset: int
    values: dict[str, Any] = field(default_factory=dict)

    def run(self, node: Any) -> None:
        """Evaluate a node and keep its outputs."""
        where = f"node {node.name or node.output[0]!r} ({node.op_type})"
        if node.domain not in {"", "ai.onnx"}:
            raise ValueError(f"{where}: operators of domain {node.domain!r} are not supported")
        missing = [name for name in node.input if name and name not in self.values]
        if missing:
            raise ValueError(f"{where}: its input {missing[0]!r} is not computed before it")
        inputs = [self.values[name] if name else None for name in node.input]
        try:
            outputs = self._outputs(node, inputs)
        except _RECOVERABLE as error:
            raise ValueError(f"{where}: {error}") from error
        self.values.update(
            (name, value) for name, value in zip(node.output, outputs, strict=False) if name
        )

    def _outputs(self, node: Any, inputs: list[Any]) -> list[Any]:
        kind = node.op_type
        if not any(isinstance(value, Affine) for value in inputs):
            return self.fold(node, inputs)
        if kind in SHAPES:
            return self.fold(node, [np.empty(inputs[0].shape, dtype=np.float32)])
        if kind in MOVES:
            return self._moved(node, inputs)
        if kind == "Concat":
            return [join(self.builder, inputs, lambda numbers: self.fold(node, numbers)[0])]
        if kind not in OPERATIONS:
            hint = "; cut the model at its logits" if "Softmax" in kind else ""
            raise ValueError(
                f"{kind} is not piecewise affine or not supported, it cannot be imported{hint}"
            )
        helper = require("onnx.helper", "onnx")
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if any(node.output[1:]) and kind != "Dropout":
            raise ValueError(f"its second output {node.output[1]!r} is not supported")
        return [OPERATIONS[kind](inputs, attributes)]

    def fold(self, node: Any, inputs: list[Any]) -> _Arrays:
        """Compute a node of constants with the onnx package's reference."""
        onnx = require("onnx", "onnx")
        reference = require("onnx.reference", "onnx")
        if node.op_type.startswith("Random") or node.op_type in {"Bernoulli", "Multinomial"}:
            raise ValueError("random numbers are not a function of the input")
        graphs = {onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS}
        if any(attribute.type in graphs for attribute in node.attribute):
            raise ValueError("control flow is not supported")
        names = [name and f"input_{k}" for k, name in enumerate(node.input)]
        copied = onnx.NodeProto()
        copied.CopyFrom(node)
        del copied.input[:]
        copied.input.extend(names)
        empty = onnx.TypeProto()
        graph = onnx.helper.make_graph(
            [copied],
            "node",
            [onnx.helper.make_value_info(name, empty) for name in names if name],
            [onnx.helper.make_value_info(name, empty) for name in node.output if name],
        )
        opsets = [onnx.helper.make_opsetid("", self.opset)]
        model = onnx.helper.make_model(graph, opset_imports=opsets)
        feeds = {name: value for name, value in zip(names, inputs, strict=True) if name}
        outputs: _Arrays = reference.ReferenceEvaluator(model).run(None, feeds)
        return outputs

    def _moved(self, node: Any, inputs: list[Any]) -> list[Affine]:
        """Evaluate a node that moves elements: on their numbers, counted from 1; 0 is fill."""
        data, *rest = inputs
        if not isinstance(data, Affine) or any(isinstance(value, Affine) for value in rest):
            raise ValueError("its places depend on the input")
        fill = 0.0
        if node.op_type == "Pad":
            node, rest, fill = _without_fill(node, rest)
        numbers = self.fold(node, [data.places() + 1, *rest])
        return [data.select(np.asarray(array) - 1, fill) for array in numbers]


_RECOVERABLE = (ValueError, TypeError, RuntimeError, IndexError, KeyError, NotImplementedError)


def _without_fill(node: Any, rest: list[Any]) -> tuple[Any, list[Any], float]:
    """Return a Pad node that fills with zeros, its inputs, and what it filled with."""
    onnx = require("onnx", "onnx")
    copied = onnx.NodeProto()
    copied.CopyFrom(node)
    fill = 0.0
    for k, attribute in enumerate(copied.attribute):
        if attribute.name == "value":
            fill = float(attribute.f)
            del copied.attribute[k]
            break
    if len(rest) > 1 and rest[1] is not None:
        fill = float(np.ravel(rest[1])[0]) if np.size(rest[1]) else 0.0
        rest = [rest[0], np.array(0, dtype=np.int64), *rest[2:]]
    return copied, rest, fill


@dataclass(frozen=True)
class LoweredModel:
    """An ONNX model as stages of a network.

    Attributes
    ----------
    stages : list of Stage
        The network's.
    input_shape : tuple of int
        Shape of one input.
    source, model : path, bytes or onnx.ModelProto, and onnx.ModelProto
        The model as it was given, and loaded.
    entry, full : onnx.ValueInfoProto, tuple of int
        The graph's input, and its shape, with an axis for the batch if it has one.
    """

    stages: list[Stage]
    input_shape: tuple[int, ...]
    source: OnnxSource
    model: Any
    entry: Any
    full: tuple[int, ...]

    def check(self, network: ReluNetwork) -> None:
        """Compare with onnxruntime, in the model's own precision."""
        onnx = require("onnx", "onnx")
        kind = onnx.helper.tensor_dtype_to_np_dtype(self.entry.type.tensor_type.elem_type)
        runner, name = self._runner()

        def run(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            found = runner.run(None, {self.entry.name: x.reshape(self.full).astype(kind)})[0]
            return np.asarray(found, dtype=np.float64)

        require_agreement(network, run, str(kind), name)

    def _runner(self) -> tuple[Any, str]:
        """Return what runs the model, and its name.

        It is onnxruntime, or the onnx package's slow reference for what onnxruntime does not
        implement, such as convolutions in double precision.
        """
        by_path = isinstance(self.source, str | os.PathLike)
        try:
            # A model of more than 2 GB cannot be serialized, but onnxruntime can open its file.
            session = inference_session(self.source if by_path else self.model)
        except Exception as error:  # onnxruntime's errors have no public base class
            if "NOT_IMPLEMENTED" not in str(error):
                raise RuntimeError(
                    f"onnxruntime cannot run the model, check=False imports it unchecked: {error}"
                ) from error
            reference = require("onnx.reference", "onnx")
            return reference.ReferenceEvaluator(self.model), "the onnx package's reference"
        return session, "onnxruntime's result"


def lowered_onnx(source: OnnxSource, input_shape: Sequence[int] | None = None) -> LoweredModel:
    """Evaluate an ONNX model on affine values; see `ReluNetwork.from_onnx`."""
    onnx = require("onnx", "onnx")
    model = load_onnx(source, "source")
    opset = max((o.version for o in model.opset_import if o.domain in {"", "ai.onnx"}), default=1)
    if opset < _OLDEST_OPSET:
        raise ValueError(f"the model must have opset {_OLDEST_OPSET} or later, got {opset}")
    entry, outlet = only_input(model), only(list(model.graph.output), "output")
    if model.graph.sparse_initializer:
        raise ValueError("sparse initializers are not supported")
    full, shape = _shapes(entry, input_shape)
    graph = _Graph(Builder(full), opset)
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    graph.values.update(tensors)
    graph.values[entry.name] = graph.builder.input
    for node in _needed(model.graph.node, outlet.name):
        graph.run(node)
    output = graph.values.get(outlet.name)
    if not isinstance(output, Affine):
        raise ValueError(f"the output {outlet.name!r} does not depend on the input")
    return LoweredModel(graph.builder.stages_to(output), shape, source, model, entry, full)


def _needed(nodes: Sequence[Any], output: str) -> list[Any]:
    """Return the nodes that an output needs, in their order."""
    wanted, found = {output}, []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            found.append(node)
            wanted.update(node.input)
    return found[::-1]


def _shapes(
    entry: Any, input_shape: Sequence[int] | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shape of the graph's input with a batch of one, and that of one input.

    The first axis is the batch if there is another one and its size is 1 or open.
    """
    onnx = require("onnx", "onnx")
    kinds = onnx.TensorProto
    if entry.type.tensor_type.elem_type not in {kinds.FLOAT, kinds.DOUBLE, kinds.FLOAT16}:
        raise ValueError(f"the input {entry.name!r} must be float16, float32 or float64")
    sizes = [d.dim_value for d in entry.type.tensor_type.shape.dim]  # 0 where open
    has_batch = len(sizes) > 1 and sizes[0] in {0, 1}
    rest = sizes[has_batch:]
    if input_shape is not None:
        given = [int(n) for n in input_shape]
        if len(given) != len(rest) or any(
            b not in {0, a} for a, b in zip(given, rest, strict=True)
        ):
            raise ValueError(f"input_shape must fit the model's {tuple(rest)}, got {tuple(given)}")
        rest = given
    if not rest or min(rest) < 1:
        raise ValueError(
            f"the input {entry.name!r} has no fixed shape: {tuple(sizes)}, where 0 is open; "
            "pass the shape of one input as input_shape"
        )
    return (1,) * has_batch + tuple(rest), tuple(rest)
