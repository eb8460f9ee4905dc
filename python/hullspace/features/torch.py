"""The features of a torch model, by hooks on its layers."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.extras import require
from hullspace.features.heads import (
    affine_layers,
    candidates_of,
    choose,
    feature_vectors,
    find_name,
    head_of,
    named_layer,
    recording,
    unwrapped,
)
from hullspace.features.sources import as_array, as_batch
from hullspace.networks import ReluNetwork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt
    import torch
    from torch import Tensor, nn

    from hullspace.features.heads import Call

    Preprocess = Callable[[Tensor], Tensor]
    Run = Callable[[Any, str], tuple[npt.NDArray[Any], dict[str, npt.NDArray[Any]]]]


class TorchModel:
    """A torch model and the layer that is its head.

    Parameters
    ----------
    model : torch.nn.Module
        The model.
    example_input : tensor or array
        What it takes.
    head : str, torch.nn.Module or None
        The layer, where the user named it.
    preprocess : callable or None
        What comes before the model.
    """

    def __init__(
        self,
        model: nn.Module,
        example_input: Any,
        head: str | nn.Module | None,
        preprocess: Preprocess | None,
    ) -> None:
        torch = require("torch", "torch")
        if not isinstance(model, torch.nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
        self.model: nn.Module = model
        self.preprocess = preprocess
        layers = affine_layers(model)
        if head is not None:
            layers = named_layer(model, layers, head)
        batch, _ = as_batch(example_input, 0, "example_input")
        with _evaluation(model), torch.no_grad():
            with recording(layers) as calls:
                output = self._forward(batch)
            candidates = candidates_of(calls, layers, output)
        if head is None:
            chosen = choose(candidates, _dtype(model))
        elif candidates and not candidates[0].reason:
            chosen = candidates[0]
        else:
            reason = candidates[0].reason if candidates else "it did not run on example_input"
            raise ValueError(f"head {next(iter(layers))!r} cannot be used: {reason}")
        self.head_name = chosen.name
        self.head = head_of(chosen.layer)
        self._layer = chosen.layer
        self._n_calls = chosen.n_calls

    def layer_names(self) -> list[str]:
        """Name the modules whose outputs can be asked for."""
        return [name for name, _ in self.model.named_modules() if name]

    def find_layer(self, name: str) -> str | None:
        """Return the full name of a module, if there is one."""
        return find_name(self.layer_names(), name)

    @contextmanager
    def running(self, layers: dict[str, str]) -> Iterator[Run]:
        """Give what computes features, and outputs of layers, of a batch."""
        torch = require("torch", "torch")
        modules = dict(self.model.named_modules())
        watched = {name: modules[name] for name in layers.values()}
        with (
            _evaluation(self.model),
            torch.no_grad(),
            recording({**watched, self.head_name: self._layer}) as calls,
        ):

            def run(batch: Any, what: str) -> tuple[npt.NDArray[Any], dict[str, npt.NDArray[Any]]]:
                features = as_array(self._vectors(batch, calls, what))
                return features, {
                    key: as_array(_output(calls, name, len(batch), what))
                    for key, name in layers.items()
                }

            yield run

    def placement(self, images: Tensor) -> tuple[torch.device, torch.dtype]:
        """Where features are computed, and in which type; as the images say without tensors."""
        tensors = [*self.model.parameters(), *self.model.buffers()]
        found = next((tensor for tensor in tensors if tensor.is_floating_point()), images)
        return found.device, found.dtype

    def features(self, images: Tensor) -> Tensor:
        """Compute features through which gradients flow."""
        with _evaluation(self.model), recording({self.head_name: self._layer}) as calls:
            return self._vectors(images, calls, "images")

    def network(self, input_shape: Sequence[int], check: bool) -> ReluNetwork:
        """Lower preprocessing, model and head."""
        torch = require("torch", "torch")
        from hullspace.features.modules import UpToHead  # noqa: PLC0415 - it needs torch

        module = UpToHead(
            unwrapped(self.model), self._layer, self._n_calls, self.preprocess, self.head
        )
        # Weights that hooks derive from parameters are computed anew without gradients, since
        # tensors with a history cannot be copied. What is wrong with the shape is said below.
        with torch.no_grad(), suppress(RuntimeError, TypeError, ValueError):
            self.features(torch.zeros(1, *input_shape))
        return ReluNetwork.from_torch(module, input_shape, check=check)

    def _forward(self, images: Any) -> Any:
        inputs = _to_model(images, self.model)
        return unwrapped(self.model)(inputs if self.preprocess is None else self.preprocess(inputs))

    def _vectors(self, images: Any, calls: dict[str, Call], what: str) -> Tensor:
        """Run the model and return what its head saw, one vector an image."""
        calls.clear()
        self._forward(images)
        if self.head_name not in calls:
            raise ValueError(f"the head {self.head_name!r} did not run on {what}")
        call = calls[self.head_name]
        vectors, reason = feature_vectors(self._layer, call.inputs, call.outputs)
        if vectors is None or len(vectors) != len(images):
            raise ValueError(f"{what} give no features: {reason or 'their number changes'}")
        return vectors


def _output(calls: dict[str, Call], name: str, n_images: int, what: str) -> Tensor:
    if name not in calls:
        raise ValueError(f"the layer {name!r} did not run on {what}")
    output = calls[name].outputs
    if not output.ndim or len(output) != n_images:
        raise ValueError(
            f"the layer {name!r} must give one output an image, "
            f"{what} give shape {tuple(output.shape)}"
        )
    return output


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


def _dtype(model: nn.Module) -> Any:
    tensors = [*model.parameters(), *model.buffers()]
    kinds = (tensor.dtype for tensor in tensors if tensor.is_floating_point())
    return next(kinds, require("torch", "torch").get_default_dtype())


def _to_model(batch: Any, model: nn.Module) -> Tensor:
    """Copy a batch to the model's device and type; integers other than uint8 stay as they are."""
    torch = require("torch", "torch")
    if isinstance(batch, np.ndarray):
        batch = torch.tensor(batch)
    tensors = [*model.parameters(), *model.buffers()]
    device = tensors[0].device if tensors else batch.device
    dtype = _dtype(model) if batch.is_floating_point() or batch.dtype == torch.uint8 else None
    # Always a copy: the model's first layer may work in place.
    copied: Tensor = batch.to(device=device, dtype=dtype or batch.dtype, copy=True)
    return copied
