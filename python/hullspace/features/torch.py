"""The feature space of a torch model: its last hidden layer and its affine head."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace._extras import require
from hullspace.features.store import FeatureSet, Head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy.typing as npt
    from torch import Tensor, nn

    Preprocess = Callable[[Tensor], Tensor]

# How far a layer's recomputed output may be from the model's output, relative to the latter's
# largest element: rounding of the type, accumulated over a few thousand terms.
_AGREEMENT = {"float64": 1e-8, "float32": 1e-3, "float16": 2e-2, "bfloat16": 5e-2}


@dataclass(frozen=True)
class _Candidate:
    """A layer that was run, with what it would mean as the head."""

    name: str
    layer: Any  # torch types the attributes of a module too loosely to be of use
    reason: str | None  # why its input is not one vector of features an image
    features: Tensor | None
    logits: Tensor | None
    difference: float = float("inf")  # from the model's output, relative

    def describe(self) -> str:
        kind = type(self.layer).__name__
        n_classes, n_features = self.layer.weight.shape[:2]
        why = self.reason or (
            "its output has another shape than the model's"
            if np.isinf(self.difference)
            else f"its output differs from the model's by {self.difference:.2g} (relative)"
        )
        return f"  {self.name or '(the model)'}: {kind}, {n_features} -> {n_classes}; {why}"


class FeatureSpace:
    """The last hidden layer of a torch model and the affine head on top of it.

    Made by `FeatureSpace.from_torch`.

    Attributes
    ----------
    head : Head
        The affine map from features to logits. A model with one logit gets two classes, whose
        logits are 0 and that logit.
    head_name : str
        Name of the head's layer in ``model.named_modules()``.
    model : torch.nn.Module
        The model.
    preprocess : callable or None
        What is done with images before the model sees them.
    """

    def __init__(
        self, model: nn.Module, layer: nn.Module, head_name: str, preprocess: Preprocess | None
    ) -> None:
        self.model = model
        self.preprocess = preprocess
        self.head_name = head_name
        self.head = _as_head(layer)
        self._layer = layer

    @property
    def n_features(self) -> int:
        """Number of features of an image."""
        return self.head.n_features

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return self.head.n_classes

    def __repr__(self) -> str:
        return (
            f"FeatureSpace({type(self.model).__name__}, head={self.head_name!r}, "
            f"n_features={self.n_features}, n_classes={self.n_classes})"
        )

    @classmethod
    def from_torch(
        cls,
        model: nn.Module,
        example_input: Any,
        *,
        head: str | nn.Module | None = None,
        preprocess: Preprocess | None = None,
    ) -> FeatureSpace:
        """Find the last hidden layer and the affine head of a model by running it once.

        The head is the last `Linear` layer, or convolution that sees its whole input at once or
        is averaged over space afterwards, whose output is the model's output: up to rounding,
        and up to a softmax, log-softmax or sigmoid, which leave decision boundaries as they are.

        Parameters
        ----------
        model : torch.nn.Module
            Any model whose output is a tensor of logits, (n, n_classes), or a tuple or mapping
            of which it is the first element or has the name ``logits``.
        example_input : tensor or array, (n, ...)
            A batch that the model accepts, of one image or more.
        head : str or torch.nn.Module, optional
            The head's layer, or its name in ``model.named_modules()``; its output is then not
            compared with the model's.
        preprocess : callable, optional
            Maps a batch of images, as a tensor of the model's type, to what the model takes, for
            example by normalizing colours. Gradients must pass through it.

        Raises
        ------
        ValueError
            If no layer's output is the model's output; the message lists the candidates. If
            `head` is not a layer of the model that can be a head.
        TypeError
            If `model` is not a torch module.
        ImportError
            If torch is not installed.

        Examples
        --------
        >>> import torch
        >>> from hullspace import FeatureSpace
        >>> model = torch.nn.Sequential(
        ...     torch.nn.Linear(6, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3)
        ... )
        >>> FeatureSpace.from_torch(model, torch.zeros(1, 6))
        FeatureSpace(Sequential, head='2', n_features=4, n_classes=3)
        """
        torch = require("torch", "torch")
        if not isinstance(model, torch.nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
        layers = _affine_layers(model)
        if head is not None:
            layers = _named_layer(model, layers, head)
        with _evaluation(model), torch.no_grad():
            candidates = _run_once(model, preprocess, example_input, layers)
        for candidate in reversed(candidates):
            tolerance = _AGREEMENT.get(str(_dtype(model)).removeprefix("torch."), 1e-3)
            if candidate.features is None:
                continue
            if head is not None or candidate.difference <= tolerance:
                return cls(model, candidate.layer, candidate.name, preprocess)
        raise ValueError(_no_head_message(candidates, layers, head))

    def extract(
        self,
        images: Any,
        *,
        labels: npt.ArrayLike | None = None,
        batch_size: int = 256,
        progress: bool = True,
    ) -> FeatureSet:
        """Compute the features, logits and predictions of images.

        The model runs in evaluation mode without gradients, on the device of its parameters;
        its mode, gradients and hooks are as before afterwards.

        Parameters
        ----------
        images : tensor or array, (n, ...), or iterable of batches
            A `DataLoader` or any other iterable gives batches, or tuples that start with a batch
            and its labels. Floating-point and uint8 images are converted to the model's type,
            without rescaling.
        labels : (n,) integers, optional
            True classes, where `images` is a tensor or array.
        batch_size : int, default 256
            Images at a time, where `images` is a tensor or array.
        progress : bool, default True
            Show a progress bar.

        Returns
        -------
        FeatureSet
            float64 for a double-precision model, else float32.

        Raises
        ------
        TypeError, ValueError
            If there is no image, a batch is not a tensor or array, labels do not fit, or the
            model gives features that are not finite.
        """
        torch = require("torch", "torch")
        if batch_size < 1:
            raise ValueError(f"batch_size must be positive, got {batch_size}")
        is_array = isinstance(images, torch.Tensor | np.ndarray)
        if labels is not None and not is_array:
            raise ValueError("labels must come with the batches unless images is one array")
        batches = _slices(images, batch_size) if is_array else images
        features, batch_labels = self._features_of(batches, progress)
        if labels is None and batch_labels:
            if sum(map(len, batch_labels)) != len(features):
                raise ValueError("images must give labels with every batch or with none")
            labels = np.concatenate(batch_labels)
        return FeatureSet.of(features, self.head, labels)

    def _features_of(
        self, batches: Iterable[Any], progress: bool
    ) -> tuple[npt.NDArray[Any], list[npt.NDArray[Any]]]:
        torch, tqdm = require("torch", "torch"), require("tqdm.auto", "torch").tqdm
        kind = np.float64 if self.head.weight.dtype == np.float64 else np.float32
        features: list[npt.NDArray[Any]] = []
        labels: list[npt.NDArray[Any]] = []
        with (
            _evaluation(self.model),
            torch.no_grad(),
            _recording({self.head_name: self._layer}) as records,
            tqdm(batches, desc="features", unit="batch", disable=not progress) as bar,
        ):
            for number, item in enumerate(bar):
                batch, batch_labels = _as_batch(item, number)
                records.clear()
                vectors = self._vectors(batch, records, f"batch {number} of images")
                array = vectors.double().cpu().numpy().astype(kind)
                if not np.isfinite(array).all():
                    raise ValueError(f"images: batch {number} gives features that are not finite")
                features.append(array)
                if batch_labels is not None:
                    labels.append(np.asarray(batch_labels))
        if not features:
            raise ValueError("images must not be empty")
        return np.concatenate(features), labels

    def features(self, images: Tensor) -> Tensor:
        """Compute the features of images as a tensor, through which gradients flow back.

        Parameters
        ----------
        images : tensor, (n, ...)
            As in `extract`.

        Returns
        -------
        tensor, (n, n_features)
            On the device and of the type of the model.

        Raises
        ------
        ValueError
            If the head does not run on the images, or sees other than one vector an image.

        Examples
        --------
        >>> import torch
        >>> from hullspace import FeatureSpace
        >>> model = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.Linear(4, 3))
        >>> space = FeatureSpace.from_torch(model, torch.zeros(1, 6))
        >>> images = torch.zeros(2, 6, requires_grad=True)
        >>> features = space.features(images)
        >>> bool(torch.allclose(space.logits(features), model(images)))
        True
        """
        with _evaluation(self.model), _recording({self.head_name: self._layer}) as records:
            return self._vectors(images, records, "images")

    def logits(self, features: Tensor) -> Tensor:
        """Apply the head to features, (n, n_features), as `Head.logits` does; gradients flow."""
        torch = require("torch", "torch")
        weight, bias = (
            torch.as_tensor(array, dtype=features.dtype, device=features.device)
            for array in (self.head.weight, self.head.bias)
        )
        logits: Tensor = features @ weight.T + bias
        return logits

    def _vectors(
        self, images: Tensor, records: dict[str, tuple[Tensor, Tensor]], name: str
    ) -> Tensor:
        """Run the model and return what its head saw, one vector an image."""
        records.clear()
        inputs = _to_model(images, self.model)
        self.model(inputs if self.preprocess is None else self.preprocess(inputs))
        if self.head_name not in records:
            raise ValueError(f"the head {self.head_name!r} did not run on {name}")
        vectors, reason = _feature_vectors(self._layer, *records[self.head_name])
        if vectors is None or len(vectors) != len(images):
            raise ValueError(f"{name} give no features: {reason}")
        return vectors


def _no_head_message(
    candidates: list[_Candidate], layers: dict[str, nn.Module], head: str | nn.Module | None
) -> str:
    if head is not None:
        reason = candidates[0].reason if candidates else "it did not run on example_input"
        return f"head {next(iter(layers))!r} cannot be used: {reason}"
    what = "no layer's output is the model's output; name the head with head="
    if not candidates:
        return f"{what}. No Linear or convolution layer ran on example_input"
    return "\n".join([f"{what}. Candidates:", *(c.describe() for c in candidates)])


def _affine_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Every layer that could be a head, by name."""
    nn = require("torch.nn", "torch")
    kinds = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, kinds)}


def _named_layer(
    model: nn.Module, layers: dict[str, nn.Module], head: str | nn.Module
) -> dict[str, nn.Module]:
    for name, layer in layers.items():
        if head == name or head is layer:
            return {name: layer}
    known = ", ".join(repr(name) for name in layers) or "none"
    if isinstance(head, str) and head in dict(model.named_modules()):
        raise ValueError(f"head must be a Linear or convolution layer ({known}), got {head!r}")
    raise ValueError(f"head must be one of the model's affine layers ({known}), got {head!r}")


@contextmanager
def _evaluation(model: nn.Module) -> Iterator[None]:
    """Switch to evaluation, and restore every submodule's own mode."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def _recording(layers: dict[str, nn.Module]) -> Iterator[dict[str, tuple[Tensor, Tensor]]]:
    """Record input and output of each layer's last call, in the order of the calls."""
    records: dict[str, tuple[Tensor, Tensor]] = {}

    def hook(name: str) -> Any:
        def record(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            records.pop(name, None)
            # Clones, since a layer after this one may work in place.
            records[name] = (inputs[0].clone(), output.clone())

        return record

    handles = [layer.register_forward_hook(hook(name)) for name, layer in layers.items()]
    try:
        yield records
    finally:
        for handle in handles:
            handle.remove()


def _run_once(
    model: nn.Module,
    preprocess: Preprocess | None,
    example_input: Any,
    layers: dict[str, nn.Module],
) -> list[_Candidate]:
    """Run the model and compare every layer's output with the model's."""
    batch, _ = _as_batch(example_input, 0, "example_input")
    inputs = _to_model(batch, model)
    with _recording(layers) as records:
        output = _logits_of(model(inputs if preprocess is None else preprocess(inputs)))
    candidates = []
    for name, (inputs, outputs) in records.items():
        layer = layers[name]
        features, reason = _feature_vectors(layer, inputs, outputs)
        if features is None:
            candidates.append(_Candidate(name, layer, reason, None, None))
            continue
        weight, bias = _weight_and_bias(layer)
        logits = features.double() @ weight.T + bias
        difference = _difference(logits, output)
        candidates.append(_Candidate(name, layer, None, features, logits, difference))
    return candidates


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


def _feature_vectors(
    layer: Any, inputs: Tensor, outputs: Tensor
) -> tuple[Tensor | None, str | None]:
    """Return the layer's input as (n, n_features), or why it cannot be seen so."""
    nn = require("torch.nn", "torch")
    if isinstance(layer, nn.Linear):
        if inputs.ndim < 2 or inputs[..., 0].numel() != len(inputs):
            return None, f"it has several vectors an image, input {tuple(inputs.shape)}"
        return inputs.reshape(len(inputs), -1), None
    if layer.groups != 1:
        return None, "it is a grouped convolution"
    if outputs[0, 0].numel() == 1 and inputs.shape[2:] == layer.kernel_size:
        return inputs.reshape(len(inputs), -1), None
    pointwise = all(k == 1 for k in layer.kernel_size) and all(s == 1 for s in layer.stride)
    if pointwise and inputs.shape[2:] == outputs.shape[2:]:
        return inputs.flatten(2).mean(2), None
    return None, f"it is a convolution over space, input {tuple(inputs.shape)}"


def _weight_and_bias(layer: Any) -> tuple[Tensor, Tensor]:
    """Return (n_classes, n_features) and (n_classes,) in double precision."""
    weight = layer.weight.detach().double()
    weight = weight.reshape(len(weight), -1)
    if layer.bias is None:
        return weight, weight.new_zeros(len(weight))
    return weight, layer.bias.detach().double()


def _as_head(layer: Any) -> Head:
    weight, bias = (tensor.cpu().numpy() for tensor in _weight_and_bias(layer))
    if len(weight) == 1:
        weight = np.concatenate([np.zeros_like(weight), weight])
        bias = np.concatenate([np.zeros_like(bias), bias])
    double = str(layer.weight.dtype) == "torch.float64"
    kind = np.float64 if double else np.float32
    return Head(weight.astype(kind), bias.astype(kind))


def _logits_of(output: Any) -> Tensor:
    """Find the tensor of logits in whatever the model returned."""
    torch = require("torch", "torch")
    if hasattr(output, "logits"):
        output = output.logits
    elif isinstance(output, dict):
        output = output["logits"] if "logits" in output else next(iter(output.values()), None)
    elif isinstance(output, tuple | list) and output:
        output = output[0]
    if not isinstance(output, torch.Tensor) or output.ndim == 0:
        raise TypeError(f"model must return a tensor of logits, got {type(output).__name__}")
    logits: Tensor = output
    return logits


def _slices(images: Any, batch_size: int) -> list[Any]:
    return [images[i : i + batch_size] for i in range(0, len(images), batch_size)]


def _as_batch(item: Any, number: int, name: str = "images") -> tuple[Tensor, Any]:
    """Split a batch into images, as a tensor, and labels, where there are any."""
    torch = require("torch", "torch")
    labels = None
    if isinstance(item, tuple | list) and item:
        labels = item[1] if len(item) > 1 else None
        item = item[0]
    if isinstance(item, np.ndarray):
        item = torch.tensor(item)
    if not isinstance(item, torch.Tensor):
        raise TypeError(
            f"{name} must give tensors or arrays, or tuples that start with one; "
            f"batch {number} is of type {type(item).__name__}"
        )
    if item.ndim < 2 or len(item) == 0:
        raise ValueError(
            f"{name} must have shape (n, ...) with n > 0, got {tuple(item.shape)} in batch {number}"
        )
    if labels is not None and (np.ndim(labels) != 1 or len(labels) != len(item)):
        raise ValueError(f"labels of batch {number} must have shape ({len(item)},)")
    return item, labels


def _dtype(model: nn.Module) -> Any:
    tensors = [*model.parameters(), *model.buffers()]
    kinds = (tensor.dtype for tensor in tensors if tensor.is_floating_point())
    return next(kinds, require("torch", "torch").get_default_dtype())


def _to_model(batch: Tensor, model: nn.Module) -> Tensor:
    """Copy a batch to the model's device and type; integers other than uint8 stay as they are."""
    torch = require("torch", "torch")
    tensors = [*model.parameters(), *model.buffers()]
    device = tensors[0].device if tensors else batch.device
    dtype = _dtype(model) if batch.is_floating_point() or batch.dtype == torch.uint8 else None
    # Always a copy: the model's first layer may work in place.
    return batch.to(device=device, dtype=dtype or batch.dtype, copy=True)
