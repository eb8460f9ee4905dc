"""Torch modules; importing this needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hullspace.features.heads import as_vectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from hullspace.features.store import Head


class Normalization(nn.Module):
    """Subtracts a mean from each channel and divides it by a standard deviation."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, images: Tensor) -> Tensor:
        """Normalize (n, channels, ...) images."""
        if not images.is_floating_point():
            raise TypeError(f"images must be floating-point numbers, got {images.dtype}")
        n_channels = images.shape[1] if images.ndim > 1 else 0
        if not n_channels or len(self.mean) not in {1, n_channels}:
            raise ValueError(
                f"images must have {len(self.mean)} channels, got shape {tuple(images.shape)}"
            )
        mean, std = (
            values.to(device=images.device, dtype=images.dtype).view(-1, *[1] * (images.ndim - 2))
            for values in (self.mean, self.std)
        )
        return (images - mean) / std

    def extra_repr(self) -> str:
        """Show both."""
        return f"mean={self.mean.tolist()}, std={self.std.tolist()}"


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, inputs: Tensor) -> Any:
        """Call the function."""
        return self.function(inputs)


class _Reached(Exception):  # noqa: N818 - no error
    """The model came to its head."""


class UpToHead(nn.Module):
    """Preprocessing and model up to its head, then the head alone, whatever the model adds to it.

    Parameters
    ----------
    model : torch.nn.Module
        The model.
    layer : torch.nn.Module
        Its head.
    n_calls : int
        How often that runs; the last time counts.
    preprocess : callable or None
        What comes before the model.
    head : Head
        The affine map of `layer`.
    """

    weight: Tensor
    bias: Tensor

    def __init__(
        self,
        model: nn.Module,
        layer: nn.Module,
        n_calls: int,
        preprocess: Callable[[Any], Any] | None,
        head: Head,
    ) -> None:
        super().__init__()
        self.preprocess = nn.Identity() if preprocess is None else Function(preprocess)
        self.model, self.layer, self.n_calls = model, layer, n_calls
        like = next((p for p in layer.parameters() if p.is_floating_point()), torch.empty(0))
        for name in ("weight", "bias"):
            self.register_buffer(name, torch.from_numpy(getattr(head, name)).to(like))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        seen: list[Tensor] = []

        def stop(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            seen.append(next(iter((*args, *kwargs.values()))))
            if len(seen) == self.n_calls:
                raise _Reached

        handle = self.layer.register_forward_pre_hook(stop, with_kwargs=True)
        try:
            self.model(self.preprocess(images))
        except _Reached:
            pass
        finally:
            handle.remove()
        if len(seen) < self.n_calls:
            raise ValueError(f"the head ran {len(seen)} times instead of {self.n_calls}")
        return nn.functional.linear(as_vectors(self.layer, seen[-1]), self.weight, self.bias)
