"""Whether an imported network gives what its source gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from hullspace.networks.network import ReluNetwork

    _Floats = npt.NDArray[np.float64]

# How far outputs may differ, relative to the largest number that occurs on the way to them:
# the source's unit of rounding times about a thousand for sums of thousands of terms through tens
# of layers, whose roundings mostly cancel.
_TOLERANCES = {"float64": 1e-10, "float32": 1e-4, "float16": 2e-2, "bfloat16": 2e-1}

# Inputs are normal numbers of these sizes: all bias, mostly bias, and mostly weights.
_SIZES = (0.0, 0.1, 1.0, 10.0)


def require_agreement(
    network: ReluNetwork, source: Callable[[_Floats], _Floats], precision: str, name: str
) -> None:
    """Raise RuntimeError unless network and source agree on random inputs.

    Parameters
    ----------
    network : ReluNetwork
        What was imported.
    source : callable
        Takes one input of shape ``network.input_shape``, gives its outputs in any shape.
    precision : str
        In which the source computes.
    name : str
        Of the source, for the message.
    """
    rng = np.random.default_rng(0)
    sizes = np.reshape(_SIZES, (-1,) + (1,) * len(network.input_shape))
    # Numbers that half precision holds exactly, so that both get the same input.
    inputs = (sizes * rng.standard_normal((len(_SIZES), *network.input_shape))).astype(np.float16)
    stages = network.preactivations(inputs)
    scales = np.max([np.abs(a).max(axis=1, initial=0.0) for a in stages], axis=0)
    for x, ours, scale in zip(inputs.astype(np.float64), stages[-1], scales, strict=True):
        theirs = np.asarray(source(x), dtype=np.float64).ravel()
        if theirs.shape != ours.shape:
            raise RuntimeError(
                f"the imported network has {ours.size} outputs, {name} gives {theirs.size}"
            )
        difference = np.abs(ours - theirs).max()
        if not difference <= _TOLERANCES[precision] * max(scale, np.abs(x).max()):
            raise RuntimeError(
                f"the imported network differs from {name} by up to {difference:.3g} on random "
                f"inputs, where outputs are up to {np.abs(theirs).max():.3g} and {precision} "
                f"allows {_TOLERANCES[precision]:.0e} of {scale:.3g}"
            )
