"""Which layer of a torch model is its head."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.extras import require
from hullspace.features.store import Head

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor, nn

# How far a layer's recomputed output may be from the model's output, relative to the latter's
# largest element: rounding of the type, accumulated over a few thousand terms.
_AGREEMENT = {"float64": 1e-8, "float32": 1e-3, "float16": 2e-2, "bfloat16": 5e-2}


@dataclass(frozen=True)
class Call:
    """The last call of a layer: its first input, its output, and how many calls there were."""

    inputs: Tensor
    outputs: Tensor
    n_calls: int


@dataclass(frozen=True)
class Candidate:
    """A layer that was run, with what it would mean as the head.

    Attributes
    ----------
    name : str
        In ``model.named_modules()``.
    layer : torch.nn.Module
        A `Linear` layer or a convolution.
    n_calls : int
        How often it runs for one batch.
    reason : str or None
        Why its input is not one vector of features an image.
    differences : dict of str to float
        How far each output of the model is from its output, relative.
    """

    name: str
    layer: Any  # torch types the attributes of a module too loosely to be of use
    n_calls: int
    reason: str | None
    differences: dict[str, float] = field(default_factory=dict)

    def matches(self, tolerance: float) -> list[str]:
        """Return the outputs of the model that are the layer's."""
        return [name for name, how_far in self.differences.items() if how_far <= tolerance]

    def describe(self) -> str:
        """Say in a line why the layer is not taken as the head."""
        kind = type(self.layer).__name__
        n_classes, n_features = self.layer.weight.shape[:2]
        closest = min(self.differences.values(), default=np.inf)
        why = self.reason or (
            "its output has another shape than the model's"
            if np.isinf(closest)
            else f"its output differs from the model's by {closest:.2g} (relative)"
        )
        return f"  {self.name or '(the model)'}: {kind}, {n_features} -> {n_classes}; {why}"


def agreement(precision: str) -> float:
    """Return how far a head's output may be from the model's, relative."""
    return _AGREEMENT.get(precision, 1e-3)


def choose(candidates: list[Candidate], dtype: Any) -> Candidate:
    """Return the layer whose output is the model's, the last one if there are several.

    Raises
    ------
    ValueError
        If there is none, or if different outputs of the model come from different layers.
    """
    tolerance = agreement(str(dtype).removeprefix("torch."))
    found = [c for c in candidates if c.matches(tolerance)]
    outputs = {name for c in found for name in c.matches(tolerance)}
    if len(found) > 1 and len(outputs) > 1:
        lines = [
            f"  {c.name}: {type(c.layer).__name__}, {c.layer.weight.shape[1]} -> "
            f"{c.layer.weight.shape[0]}; it gives {' and '.join(c.matches(tolerance))}"
            for c in found
        ]
        what = "the model has several heads; name one with head=. Candidates:"
        raise ValueError("\n".join([what, *lines]))
    if found:
        return found[-1]
    what = "no layer's output is the model's output; name the head with head="
    if not candidates:
        raise ValueError(f"{what}. No Linear or convolution layer ran on example_input")
    raise ValueError("\n".join([f"{what}. Candidates:", *(c.describe() for c in candidates)]))


def candidates_of(calls: dict[str, Call], layers: dict[str, Any], output: Any) -> list[Candidate]:
    """Compare the output of every layer that ran with the model's."""
    outputs = named_outputs(output)
    found = []
    for name, call in calls.items():
        layer = layers[name]
        features, reason = feature_vectors(layer, call.inputs, call.outputs)
        if features is None:
            found.append(Candidate(name, layer, call.n_calls, reason))
            continue
        weight, bias = _weight_and_bias(layer)
        logits = features.double() @ weight.T + bias
        differences = {key: _difference(logits, value) for key, value in outputs.items()}
        found.append(Candidate(name, layer, call.n_calls, None, differences))
    return found


def _difference(logits: Tensor, output: Tensor) -> float:
    """How far the output is from the logits or what usually comes after them, relative."""
    output = output.double().reshape(len(output), -1)
    if output.shape != logits.shape:
        return float("inf")
    forms = [logits]
    if logits.shape[1] > 1:
        forms += [logits.log_softmax(1), logits.softmax(1)]
    else:
        forms += [logits.sigmoid()]
    scale = max(float(output.abs().max()), 1e-30)
    return min(float((form - output).abs().max()) / scale for form in forms)


def affine_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Every layer that could be a head, by name."""
    nn = require("torch.nn", "torch")
    kinds = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, kinds)}


def named_layer(
    model: nn.Module, layers: dict[str, nn.Module], head: str | nn.Module
) -> dict[str, nn.Module]:
    """Return the layer that the user named as the head, with its name."""
    by_name = find_name(layers, head) if isinstance(head, str) else None
    name = next((name for name, layer in layers.items() if layer is head), by_name)
    if name is not None:
        return {name: layers[name]}
    known = ", ".join(repr(name) for name in layers) or "none"
    if isinstance(head, str) and find_name(dict(model.named_modules()), head) is not None:
        raise ValueError(f"head must be a Linear or convolution layer ({known}), got {head!r}")
    raise ValueError(f"head must be one of the model's affine layers ({known}), got {head!r}")


def find_name(names: Iterable[str], wanted: str) -> str | None:
    """Find a module's name, with or without what DataParallel and torch.compile put before it."""
    plain = {_plain_name(name): name for name in names}
    return wanted if wanted in plain.values() else plain.get(wanted)


def _plain_name(name: str) -> str:
    while name.startswith(("module.", "_orig_mod.")):
        name = name.partition(".")[2]
    return name


def unwrapped(model: nn.Module) -> Any:
    """Return the model within DataParallel, DistributedDataParallel and torch.compile."""
    parallel = require("torch.nn.parallel", "torch")
    inner: Any = model
    while True:
        if isinstance(inner, parallel.DataParallel | parallel.DistributedDataParallel):
            inner = inner.module
        elif hasattr(inner, "_orig_mod"):
            inner = inner._orig_mod
        else:
            return inner


@contextmanager
def recording(layers: dict[str, nn.Module]) -> Iterator[dict[str, Call]]:
    """Record the last call of each layer, in the order of these calls."""
    torch = require("torch", "torch")
    records: dict[str, Call] = {}

    def hook(name: str) -> Any:
        def record(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
            before = records.pop(name, None)
            first = next(iter((*args, *kwargs.values())), None)
            # Clones, since a layer after this one may work in place.
            inputs, outputs = (
                torch.empty(0) if value is None else value.clone()
                for value in (_first_tensor(first), _first_tensor(out))
            )
            n_calls = 1 if before is None else before.n_calls + 1
            records[name] = Call(inputs, outputs, n_calls)

        return record

    handles = [
        layer.register_forward_hook(hook(name), with_kwargs=True) for name, layer in layers.items()
    ]
    try:
        yield records
    finally:
        for handle in handles:
            handle.remove()


def _first_tensor(output: Any) -> Tensor | None:
    """Return the tensor, or the first one of a tuple or mapping, that a module returned."""
    return next(iter(_tensors(output).values()), None)


def _tensors(output: Any) -> dict[str, Tensor]:
    torch = require("torch", "torch")
    items: dict[str, Any] = {"output": output}
    if isinstance(output, dict):
        items = {str(key): value for key, value in output.items()}
    elif isinstance(output, tuple | list):
        items = {f"output {k}": value for k, value in enumerate(output)}
    return {key: value for key, value in items.items() if torch.is_tensor(value) and value.ndim}


def named_outputs(output: Any) -> dict[str, Tensor]:
    """Find the tensors that may be logits in whatever a model returned."""
    if hasattr(output, "logits"):
        output = output.logits
    elif isinstance(output, dict) and "logits" in output:
        output = output["logits"]
    found = _tensors(output)
    if not found:
        raise TypeError(f"model must return a tensor of logits, got {type(output).__name__}")
    return found


def feature_vectors(layer: Any, inputs: Tensor, outputs: Tensor) -> tuple[Tensor | None, str]:
    """Return the layer's input as (n, n_features), or None and why it cannot be seen so."""
    nn = require("torch.nn", "torch")
    if isinstance(layer, nn.Linear):
        if inputs.ndim < 2 or inputs[..., 0].numel() != len(inputs):
            return None, f"it has several vectors an image, input {tuple(inputs.shape)}"
        return as_vectors(layer, inputs), ""
    if layer.groups != 1:
        return None, "it is a grouped convolution"
    whole = outputs[0, 0].numel() == 1 and inputs.shape[2:] == layer.kernel_size
    pointwise = _is_pointwise(layer) and inputs.shape[2:] == outputs.shape[2:]
    if whole or pointwise:
        return as_vectors(layer, inputs), ""
    return None, f"it is a convolution over space, input {tuple(inputs.shape)}"


def as_vectors(layer: Any, inputs: Any) -> Any:
    """Return the input of a head as one vector an image: means over space for a 1x1 convolution."""
    if _is_pointwise(layer):
        return inputs.flatten(2).mean(2)
    return inputs.reshape(len(inputs), -1)


def _is_pointwise(layer: Any) -> bool:
    sizes = (*getattr(layer, "kernel_size", (0,)), *getattr(layer, "stride", ()))
    return all(size == 1 for size in sizes)


def _weight_and_bias(layer: Any) -> tuple[Tensor, Tensor]:
    """Return (n_classes, n_features) and (n_classes,) in double precision."""
    weight = layer.weight.detach().double()
    weight = weight.reshape(len(weight), -1)
    if layer.bias is None:
        return weight, weight.new_zeros(len(weight))
    return weight, layer.bias.detach().double()


def head_of(layer: Any) -> Head:
    """Return the layer's affine map."""
    weight, bias = (tensor.cpu().numpy() for tensor in _weight_and_bias(layer))
    return as_head(weight, bias, double=str(layer.weight.dtype) == "torch.float64")


def as_head(weight: Any, bias: Any, *, double: bool) -> Head:
    """Return an affine map as a head, with two classes where there is one logit."""
    if len(weight) == 1:
        weight = np.concatenate([np.zeros_like(weight), weight])
        bias = np.concatenate([np.zeros_like(bias), bias])
    kind = np.float64 if double else np.float32
    return Head(weight.astype(kind), bias.astype(kind))
