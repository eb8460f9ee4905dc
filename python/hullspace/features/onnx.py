"""The features of an ONNX model, by onnxruntime."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.extras import require
from hullspace.features.graph import Graph
from hullspace.features.heads import agreement, as_head
from hullspace.features.sources import as_array, is_array
from hullspace.networks import ReluNetwork
from hullspace.networks.chain import chained
from hullspace.networks.onnx_files import inference_session, load_onnx

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    from torch import Tensor, nn

    from hullspace.features.torch import Preprocess, Run

_Array = npt.NDArray[Any]


class OnnxModel:
    """An ONNX model and the node that is its head.

    Parameters
    ----------
    source : path, bytes or onnx.ModelProto
        The model.
    head : str or None
        The node, where the user named it.
    preprocess : callable or None
        What comes before the model.
    """

    def __init__(self, source: Any, head: str | None, preprocess: Preprocess | None) -> None:
        require("onnxruntime", "onnx")
        self.model = load_onnx(source, "path")
        self.preprocess = preprocess
        self._graph = Graph(self.model)
        self._node, output = self._graph.find_head(head)
        self._input = self._graph.input
        self.head_name = self._node.name
        self._dtype, self._shape = _input_type(self._input)
        double = self._dtype == np.float64
        self.head = as_head(self._node.weight, self._node.bias, double=double)
        self._require_agreement(output)
        self._modules: dict[Any, nn.Module] = {}
        self._network: tuple[tuple[int, ...], ReluNetwork] | None = None

    def layer_names(self) -> list[str]:
        """Name the nodes and tensors whose values can be asked for."""
        names = [node.name for node in self._graph.nodes if node.name]
        return [*names, *(name for name in self._graph.by_output if name not in names)]

    def find_layer(self, name: str) -> str | None:
        """Return the tensor of that name, or the first output of the node of that name."""
        for node in self._graph.nodes:
            if name == node.name:
                return str(node.output[0])
        return name if name in self._graph.by_output else None

    @contextmanager
    def running(self, layers: dict[str, str]) -> Iterator[Run]:
        """Give what computes features, and outputs of layers, of a batch."""
        session = self._session(list(dict.fromkeys([self._node.features, *layers.values()])))

        def run(batch: Any, what: str) -> tuple[_Array, dict[str, _Array]]:
            values = self._run(session, self._prepared(batch))
            vectors = self._vectors(values[self._node.features])
            if len(vectors) != len(batch) or vectors.shape[1] != self.head.n_features:
                raise ValueError(f"{what} give no features: the head sees shape {vectors.shape}")
            return vectors, {key: values[name] for key, name in layers.items()}

        yield run

    def placement(self, images: Tensor) -> tuple[torch.device, torch.dtype]:
        """Where features are computed, and in which type: as the images say, or in double."""
        torch = require("torch", "torch")
        double = self._dtype == np.float64 or images.dtype == torch.float64
        return images.device, torch.float64 if double else torch.float32

    def features(self, images: Tensor) -> Tensor:
        """Compute features by torch operations made of the graph, through which gradients flow."""
        torch = require("torch", "torch")
        if not torch.is_tensor(images):
            raise TypeError(f"images must be a tensor, got {type(images).__name__}")
        device, dtype = self.placement(images)
        inputs = images.to(dtype)
        if self.preprocess is not None:
            inputs = self.preprocess(inputs)
        network = self._feature_network(tuple(inputs.shape[1:]))
        if (device, dtype) not in self._modules:
            self._modules[device, dtype] = network.to_torch(dtype).to(device)
        outputs = self._modules[device, dtype](inputs.flatten(1))
        if self._node.is_pointwise:
            outputs = outputs.reshape(len(outputs), self.head.n_features, -1).mean(2)
        return outputs  # type: ignore[no-any-return]

    def network(self, input_shape: Sequence[int], check: bool) -> ReluNetwork:
        """Lower preprocessing, graph and head."""
        shape = tuple(int(n) for n in np.atleast_1d(input_shape))
        network = self._feature_network(shape, check)
        n_places = network.n_outputs // self.head.n_features
        weight = self.head.weight.astype(np.float64) / n_places
        last = ReluNetwork.from_arrays([np.repeat(weight, n_places, axis=1)], [self.head.bias])
        network = chained(network, last)
        if self.preprocess is None:
            return network
        from hullspace.features.modules import Function  # noqa: PLC0415 - it needs torch

        first = ReluNetwork.from_torch(Function(self.preprocess), shape, check=check)
        return chained(first, network)

    def _feature_network(self, shape: tuple[int, ...], check: bool = True) -> ReluNetwork:
        """Return the network up to the features, for one image of a shape or as many numbers."""
        if self._network is None or self._network[0] != shape:
            own = tuple(self._fitted(np.zeros((1, *shape))).shape[1:])
            model = self._graph.with_outputs([self._node.features], one_image=True)
            network = ReluNetwork.from_onnx(model, input_shape=own, check=check)
            self._network, self._modules = (shape, ReluNetwork(network.stages, shape)), {}
        return self._network[1]

    def _prepared(self, batch: Any) -> _Array:
        """Return a batch as the graph takes it."""
        if self.preprocess is not None:
            torch = require("torch", "torch")
            tensor = batch if torch.is_tensor(batch) else torch.tensor(batch)
            if tensor.dtype == torch.uint8 or tensor.is_floating_point():
                double = self._dtype == np.float64
                tensor = tensor.to(torch.float64 if double else torch.float32)
            with torch.no_grad():
                batch = self.preprocess(tensor)
        array = as_array(batch) if is_array(batch) else np.asarray(batch)
        return self._fitted(array.astype(self._dtype))

    def _fitted(self, array: _Array) -> _Array:
        """Return a batch in the graph's shape, where that is a vector or the batch holds vectors.

        Other shapes of as many numbers could mean another order of the axes.
        """
        own, given = self._shape[1:], array.shape[1:]
        if 0 in own or own == given:
            return array
        is_vector = max(own, default=1) == np.prod(own) or len(given) == 1
        if not is_vector or np.prod(own) != np.prod(given):
            raise ValueError(f"images must have shape (n, {', '.join(map(str, own))}), got "
                             f"{array.shape}")  # fmt: skip
        return array.reshape(len(array), *own)

    def _session(self, outputs: list[str]) -> Any:
        try:
            return inference_session(self._graph.with_outputs(outputs))
        except Exception as error:  # onnxruntime's errors have no public base class
            raise ValueError(f"onnxruntime cannot run the model: {error}") from error

    def _run(self, session: Any, batch: _Array) -> dict[str, _Array]:
        """Run a batch, in as many steps as the size that the graph fixes asks for."""
        names = [output.name for output in session.get_outputs()]
        size = self._shape[0] or len(batch)
        parts = []
        for i in range(0, len(batch), size):
            rows = batch[i : i + size]
            n = len(rows)
            if n < size:
                rows = np.concatenate([rows, np.repeat(rows[-1:], size - n, axis=0)])
            try:
                values = session.run(names, {self._input.name: rows})
            except Exception as error:
                raise ValueError(f"onnxruntime cannot run images: {error}") from error
            parts.append([self._by_image(v, name, size)[:n]
                          for name, v in zip(names, values, strict=True)])  # fmt: skip
        return {name: np.concatenate([p[k] for p in parts]) for k, name in enumerate(names)}

    def _by_image(self, value: Any, name: str, size: int) -> _Array:
        array = np.asarray(value)
        if not array.ndim or len(array) != size:
            raise ValueError(
                f"{name!r} must have one value an image, {size} images give shape {array.shape}"
            )
        return array

    def _vectors(self, array: _Array) -> _Array:
        if self._node.is_pointwise:
            return np.asarray(array.reshape(*array.shape[:2], -1).mean(axis=2))
        return array.reshape(len(array), -1)

    def _require_agreement(self, output: str | None) -> None:
        """Run the graph once, where its input has a known shape, and compare with the head."""
        whole = self._node.kernel is not None and not self._node.is_pointwise
        if 0 in self._shape[1:]:
            if whole:
                raise ValueError(
                    f"head {self.head_name!r} cannot be used: whether the convolution sees its "
                    f"whole input depends on its size, {self._shape[1:]} with 0 where open"
                )
            return
        names = [self._node.features] if output is None else [self._node.features, output]
        shape = (self._shape[0] or 1, *self._shape[1:])
        inputs = np.zeros(shape, dtype=self._dtype)
        if self._dtype.kind == "f":  # other numbers may be of tokens
            inputs += np.random.default_rng(0).standard_normal(shape).astype(self._dtype)
        values = self._run(self._session(names), inputs)
        features = values[self._node.features]
        if whole and features.shape[2:] != self._node.kernel:
            raise ValueError(
                f"head {self.head_name!r} cannot be used: it is a convolution over space"
            )
        vectors = self._vectors(features)
        if vectors.shape[1] != self.head.n_features:
            raise ValueError(
                f"head {self.head_name!r} cannot be used: it has several vectors an image, input "
                f"{features.shape}"
            )
        if output is None:
            return
        logits = vectors.astype(np.float64) @ self._node.weight.T + self._node.bias
        how_far = _difference(logits, values[output].astype(np.float64))
        if not how_far <= agreement(self._dtype.name):
            raise ValueError(
                f"the graph's output {output!r} differs from that of {self.head_name!r} by "
                f"{how_far:.2g} (relative); name the head with head="
            )


def _difference(logits: _Array, output: _Array) -> float:
    """How far the output is from the logits or what usually comes after them, relative."""
    if output.size != logits.size:
        return float("inf")
    # A sigmoid is the second of a softmax of 0 and the logit.
    both = logits if logits.shape[1] > 1 else np.hstack([np.zeros_like(logits), logits])
    shifted = both - both.max(axis=1, keepdims=True)
    log_shares = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    n = logits.shape[1]
    forms = [logits, log_shares[:, -n:], np.exp(log_shares[:, -n:])]
    output = output.reshape(logits.shape)
    scale = max(float(np.abs(output).max()), 1e-30)
    return min(float(np.abs(form - output).max()) / scale for form in forms)


def _input_type(entry: Any) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return the type and shape of an input, 0 where a size is open."""
    onnx = require("onnx", "onnx")
    kind = entry.type.tensor_type
    sizes = tuple(int(d.dim_value) for d in kind.shape.dim)
    if len(sizes) < 2:
        raise ValueError(f"the input {entry.name!r} must have an axis for the batch, got {sizes}")
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)), sizes
