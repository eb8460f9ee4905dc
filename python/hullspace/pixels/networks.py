"""A model's pixels-to-logits map as a `ReluNetwork`."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
            network = space.network(input_shape)
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
