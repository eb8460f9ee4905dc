"""Normalization of colours, as a module that goes before a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.arguments import require_finite
from hullspace.extras import require

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import nn


def normalization(mean: npt.ArrayLike, std: npt.ArrayLike) -> nn.Module:
    """Make a torch module that computes ``(images - mean) / std``, channel by channel.

    Parameters
    ----------
    mean, std : number or sequence of numbers
        One for each channel, or one for all of them.

    Returns
    -------
    torch.nn.Module
        Takes images of shape (n, channels, ...), on any device and of any precision. It goes
        before a model as ``preprocess=`` or in a ``torch.nn.Sequential``.

    Raises
    ------
    ValueError
        If the numbers are not finite, their counts differ, or a standard deviation is not
        positive.
    ImportError
        If torch is not installed.

    Examples
    --------
    >>> import torch
    >>> from hullspace.features import normalization
    >>> normalize = normalization(mean=[0.5, 0.0], std=[0.5, 2.0])
    >>> normalize(torch.ones(1, 2, 1, 1)).flatten().tolist()
    [1.0, 0.5]
    """
    torch = require("torch", "torch")
    means, stds = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (mean, std))
    require_finite(means, "mean")
    require_finite(stds, "std")
    if means.ndim > 1 or stds.ndim > 1 or not len(means) or not len(stds):
        raise ValueError("mean and std must be numbers or sequences of numbers")
    if len(means) != len(stds) and 1 not in {len(means), len(stds)}:
        raise ValueError(f"mean and std must have one length, got {len(means)} and {len(stds)}")
    if not (stds > 0.0).all():
        raise ValueError(f"std must be positive, got {stds.tolist()}")
    from hullspace.features.modules import Normalization  # noqa: PLC0415 - it needs torch

    return Normalization(*(torch.tensor(values) for values in np.broadcast_arrays(means, stds)))
