"""A model's pixels-to-logits map as a `ReluNetwork`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hullspace._extras import require
from hullspace.features import FeatureSpace
from hullspace.networks import ReluNetwork

if TYPE_CHECKING:
    from collections.abc import Sequence


def as_piecewise_affine(space: object, input_shape: Sequence[int]) -> ReluNetwork:
    """Return the network of a feature space, preprocessing included, or the network itself.

    Raises
    ------
    TypeError
        If it is neither.
    ValueError
        If the model is not piecewise affine, or has fewer than two classes.
    """
    if isinstance(space, FeatureSpace):
        try:
            network = ReluNetwork.from_torch(_logits_module(space), input_shape)
        except ValueError as error:
            raise ValueError(
                f"space must hold a piecewise affine model, others have no regions: {error}"
            ) from error
    elif isinstance(space, ReluNetwork):
        network = space
    else:
        raise TypeError(f"space must be a FeatureSpace or ReluNetwork, got {type(space).__name__}")
    if network.n_outputs < 2:
        raise ValueError(f"space must have at least two outputs, got {network.n_outputs}")
    return network


def _logits_module(space: FeatureSpace) -> Any:
    torch: Any = require("torch", "torch")

    class Logits(torch.nn.Module):  # type: ignore[misc]
        """Preprocessing, the model, and two logits where it has one."""

        def __init__(self) -> None:
            super().__init__()
            self.preprocess, self.model = space.preprocess, space.model

        def forward(self, images: Any) -> Any:
            output = self.model(images if self.preprocess is None else self.preprocess(images))
            if isinstance(output, dict):
                output = output["logits"] if "logits" in output else next(iter(output.values()))
            elif isinstance(output, tuple | list):
                output = output[0]
            logits = output.flatten(1)
            if logits.shape[1] == 1:
                return torch.cat([0.0 * logits, logits], 1)
            return logits

    return Logits()
