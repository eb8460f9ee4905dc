"""The model as a function of rows of pixels, in batches and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hullspace.extras import require

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from hullspace.features import FeatureSpace

    # From features, (b, n_features), and the place of the batch's rows to one number a row.
    Loss = Callable[[Tensor, slice], Tensor]


class Oracle:
    """Features, logits and slopes of images that are given as rows.

    Parameters
    ----------
    space : FeatureSpace
        Says what the model computes.
    shape : tuple of int
        Of one image.
    batch_size : int
        Images that the model sees at a time.

    Attributes
    ----------
    n_forward, n_backward : int
        Images that went through the model either way so far.
    """

    def __init__(self, space: FeatureSpace, shape: tuple[int, ...], batch_size: int) -> None:
        self.space = space
        self.n_forward = self.n_backward = 0
        self._shape = shape
        self._batch_size = batch_size
        self._torch = require("torch", "torch")

    def features(self, rows: Tensor) -> Tensor:
        """Features, (n, n_features), without gradients."""
        with self._torch.inference_mode(mode=False), self._torch.no_grad():
            parts = [
                self.space.features(rows[part].reshape(-1, *self._shape))
                for part in self._parts(rows)
            ]
        self.n_forward += len(rows)
        return self._joined(parts, rows, self.space.n_features)

    def logits(self, rows: Tensor) -> Tensor:
        """Logits, (n, n_classes), without gradients."""
        return self.space.logits(self.features(rows))

    def slopes(self, rows: Tensor, loss: Loss) -> tuple[Tensor, Tensor, Tensor]:
        """Features, values of the loss, (n,), and its gradients in the pixels, (n, d)."""
        torch = self._torch
        features, values, gradients = [], [], []
        with torch.inference_mode(mode=False), torch.enable_grad():
            for part in self._parts(rows):
                pixels = rows[part].detach().clone().requires_grad_()
                outputs = self.space.features(pixels.reshape(-1, *self._shape))
                value = loss(outputs, part)
                gradient = None
                if value.requires_grad:
                    (gradient,) = torch.autograd.grad(value.sum(), pixels, allow_unused=True)
                # A model that does not depend on its input has no gradient.
                gradients.append(torch.zeros_like(pixels) if gradient is None else gradient)
                features.append(outputs.detach())
                values.append(value.detach())
        self.n_forward += len(rows)
        self.n_backward += len(rows)
        return (
            self._joined(features, rows, self.space.n_features),
            torch.cat(values) if values else rows.new_zeros(0),
            self._joined(gradients, rows, rows.shape[1]),
        )

    def _parts(self, rows: Tensor) -> list[slice]:
        size = self._batch_size
        return [slice(i, min(i + size, len(rows))) for i in range(0, len(rows), size)]

    def _joined(self, parts: list[Tensor], rows: Tensor, n_columns: int) -> Tensor:
        joined: Tensor = self._torch.cat(parts) if parts else rows.new_zeros(0, n_columns)
        return joined
