"""Which node of an ONNX graph is its head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hullspace.extras import require
from hullspace.networks.onnx_files import only_input

# What may come between the head and the output: it leaves the logits, or decisions, as they are,
# or averages them over space.
_AFTER = frozenset(
    {"AveragePool", "Cast", "Flatten", "GlobalAveragePool", "Identity", "LogSoftmax", "ReduceMean"}
    | {"Dropout", "Reshape", "Sigmoid", "Softmax", "Squeeze", "Unsqueeze"}
)
_POOLING = frozenset({"AveragePool", "GlobalAveragePool", "ReduceMean"})


@dataclass(frozen=True)
class GraphHead:
    """An affine node of a graph.

    Attributes
    ----------
    name : str
        The node's name, or that of its output.
    kind : str
        Its operator.
    features, logits : str
        Names of the tensors that it takes and gives.
    weight, bias : (n_classes, n_features) and (n_classes,) float64
        What it does with them; of a convolution the kernels, flattened.
    kernel : tuple of int or None
        Size of a convolution's kernels.
    whole : bool
        Whether it can be a head: not so a convolution that is strided, padded or grouped.
    """

    name: str
    kind: str
    features: str
    logits: str
    weight: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]
    kernel: tuple[int, ...] | None = None
    whole: bool = True

    @property
    def is_pointwise(self) -> bool:
        """Whether it is a 1x1 convolution, whose features are means over space."""
        return self.kernel is not None and all(k == 1 for k in self.kernel)

    def describe(self) -> str:
        """Say in a line what the node is."""
        n_classes, n_inputs = self.weight.shape
        n_features = n_inputs // int(np.prod(self.kernel or (1,)))
        return f"  {self.name}: {self.kind}, {n_features} -> {n_classes}"


class Graph:
    """The nodes of an ONNX model, by their outputs.

    Parameters
    ----------
    model : onnx.ModelProto
        The model.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.nodes = list(model.graph.node)
        self.by_output = {name: node for node in self.nodes for name in node.output if name}
        self._tensors = {tensor.name: tensor for tensor in model.graph.initializer}

    @property
    def input(self) -> Any:
        """The only input that is not a constant."""
        return only_input(self.model)

    def constant(self, name: str) -> npt.NDArray[np.float64] | None:
        """Return a tensor that does not depend on the input, where that is easily seen."""
        onnx = require("onnx", "onnx")
        if name in self._tensors:
            return np.asarray(onnx.numpy_helper.to_array(self._tensors[name]), dtype=np.float64)
        node = self.by_output.get(name)
        if node is None:
            return None
        attributes = _attributes(node)
        if node.op_type == "Constant" and "value" in attributes:
            return np.asarray(onnx.numpy_helper.to_array(attributes["value"]), dtype=np.float64)
        if node.op_type not in {"Identity", "Transpose"}:
            return None
        inner = self.constant(node.input[0])
        if inner is None or node.op_type == "Identity":
            return inner
        return np.transpose(inner, attributes.get("perm"))

    def heads(self) -> list[GraphHead]:
        """Return every node that could be a head, in order."""
        found = [self.head_of(node) for node in self.nodes]
        sums = {head.logits for head in found if head is not None and head.kind == "Add"}
        return [
            head
            for head in found
            if head is not None
            and not (head.kind == "MatMul" and sums & self._outputs_after(head.logits))
        ]

    def _outputs_after(self, name: str) -> set[str]:
        return {out for node in self.nodes if name in node.input for out in node.output}

    def head_of(self, node: Any) -> GraphHead | None:
        """Return a node as a head, if it is an affine map with constant weights."""
        if node.op_type == "Add":
            return self._sum(node)
        if node.op_type not in {"Conv", "Gemm", "MatMul"}:
            return None
        weight = self.constant(node.input[1])
        bias = self.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else 0.0
        attributes = _attributes(node)
        if weight is None or bias is None or attributes.get("transA"):
            return None
        kernel, whole = None, True
        if node.op_type == "Conv":
            kernel = weight.shape[2:]
            whole = attributes.get("group", 1) == 1 and not any(attributes.get("pads", ()))
            whole &= all(k > 1 for k in kernel) or all(
                n == 1 for n in attributes.get("strides", ())
            )
            weight = weight.reshape(len(weight), -1)
        elif node.op_type == "MatMul" or not attributes.get("transB"):
            weight = weight.T
        if weight.ndim != 2:
            return None
        weight = attributes.get("alpha", 1.0) * weight
        bias = np.broadcast_to(attributes.get("beta", 1.0) * np.ravel(bias), len(weight))
        return GraphHead(
            node.name or node.output[0], node.op_type, node.input[0], node.output[0],
            weight, bias, kernel, whole,
        )  # fmt: skip

    def _sum(self, node: Any) -> GraphHead | None:
        """Return a matrix product and the constant that is added to it."""
        for product, other in (node.input, node.input[::-1]):
            inner = self.by_output.get(product)
            bias = self.constant(other)
            if inner is None or inner.op_type != "MatMul" or bias is None:
                continue
            head = self.head_of(inner)
            if head is None or bias.size not in {1, len(head.weight)}:
                continue
            offsets = np.broadcast_to(np.ravel(bias), len(head.weight))
            name = node.name or node.output[0]
            return GraphHead(name, "Add", head.features, node.output[0], head.weight, offsets)
        return None

    def find_head(self, wanted: str | None) -> tuple[GraphHead, str | None]:
        """Return the head that is named; or the one that gives an output, and which.

        Raises
        ------
        ValueError
            If there is none, or there are several; the message lists the candidates.
        """
        candidates = self.heads()
        if wanted is not None:
            return self._named(candidates, wanted), None
        outputs = [output.name for output in self.model.graph.output]
        if "logits" in outputs:
            outputs = ["logits"]
        ends = [(self._before(output), output) for output in outputs]
        found = {head.name: (head, output) for head, output in ends if head is not None}
        if len(found) == 1:
            return next(iter(found.values()))
        what = (
            "no affine node gives the graph's output; name the head with head="
            if not found
            else "the graph has several heads; name one with head="
        )
        listed = [head for head, _ in found.values()] or candidates
        lines = [head.describe() for head in listed]
        if not lines:
            raise ValueError(f"{what}. The graph has no Gemm, MatMul or Conv of constant weights")
        raise ValueError("\n".join([f"{what}. Candidates:", *lines]))

    def _named(self, candidates: list[GraphHead], wanted: str) -> GraphHead:
        for head in candidates:
            inner = self.by_output[head.logits]
            names = {head.name, head.logits}
            if head.kind == "Add":  # the product within may be meant, too
                names |= {
                    self.by_output[name].name for name in inner.input if name in self.by_output
                }
            if wanted in names and head.whole:
                return head
            if wanted in names:
                raise ValueError(
                    f"head {wanted!r} cannot be used: a strided, padded or grouped convolution"
                )
        known = ", ".join(repr(head.name) for head in candidates) or "none"
        raise ValueError(f"head must be one of the graph's affine nodes ({known}), got {wanted!r}")

    def _before(self, output: str) -> GraphHead | None:
        """Follow an output back to the head that it comes from."""
        node, pooled = self.by_output.get(output), False
        while node is not None and node.op_type in _AFTER:
            pooled |= node.op_type in _POOLING
            node = self.by_output.get(node.input[0])
        head = None if node is None else self.head_of(node)
        if head is None or not head.whole or (pooled and not head.is_pointwise):
            return None
        return head

    def with_outputs(self, names: list[str], *, one_image: bool = False) -> Any:
        """Return a copy of the model that gives these tensors, of one image if so wanted."""
        onnx = require("onnx", "onnx")
        copied = onnx.ModelProto()
        copied.CopyFrom(self.model)
        del copied.graph.output[:]
        copied.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
        if one_image:
            del copied.graph.value_info[:]  # shapes of another batch
            for entry in copied.graph.input:
                if entry.name == self.input.name:
                    entry.type.tensor_type.shape.dim[0].dim_value = 1
        return copied


def _attributes(node: Any) -> dict[str, Any]:
    helper = require("onnx.helper", "onnx")
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}
