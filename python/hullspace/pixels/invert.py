"""Images whose features are given ones, as far as a search finds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.extras import require
from hullspace.pixels.images import Bounds, Images, to_array
from hullspace.pixels.inversion_search import InversionSearch
from hullspace.status import Status

if TYPE_CHECKING:
    from torch import Tensor

    from hullspace.features import FeatureSpace


@dataclass(frozen=True)
class Inversion:
    """Images found for features, as `invert` returns them.

    Attributes
    ----------
    images : (n, ...) tensor or array, as the starts given
        The best that were found, whether or not they reach the features.
    features : (n, n_features)
        Of those images.
    residuals : (n,) float64
        Distance of those to the features asked for.
    relative : (n,) float64
        Residual, divided by that of the start.
    classes : (n,) int64
        The model's answers to those images.
    status : (n,) int8
        `Status.REACHED` or `Status.NOT_REACHED`, which does not prove that there is no image.
    n_forward, n_backward : float
        How often the model ran, and how often gradients were taken, per image.
    """

    images: Any = field(repr=False)
    features: npt.NDArray[Any] = field(repr=False)
    residuals: npt.NDArray[np.float64]
    relative: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]
    status: npt.NDArray[np.int8]
    n_forward: float
    n_backward: float

    @property
    def reached(self) -> npt.NDArray[np.bool_]:
        """Which features were reached, (n,)."""
        reached: npt.NDArray[np.bool_] = self.status == Status.REACHED
        return reached

    def __len__(self) -> int:
        return len(self.residuals)

    def __repr__(self) -> str:
        n_reached = int(np.count_nonzero(self.reached))
        median = f", median relative residual {np.median(self.relative):.2g}" if len(self) else ""
        return f"Inversion({n_reached} of {len(self)} features reached{median})"


def invert(
    space: FeatureSpace,
    target_features: npt.ArrayLike | Tensor,
    start: Any,
    *,
    bounds: Bounds = (0, 1),
    weight: float = 0.0,
    tolerance: float = 1e-3,
    n_starts: int = 1,
    max_steps: int = 300,
    batch_size: int = 128,
    random_state: int = 0,
    progress: bool = False,
) -> Inversion:
    """Search for images whose features are given ones.

    Minimizes ``|g(x) - z|^2 + weight |x - start|^2`` over the box of images, by projected L-BFGS,
    by Adam where that stalls, and again from noisy starts where asked for. A residual that stays
    is a result: some features seem to have no image. It is no proof.

    Parameters
    ----------
    space : FeatureSpace
        Of the model.
    target_features : (n, n_features) tensor or array
        The features asked for, z.
    start : tensor or array, (n, ...) or (1, ...) of floating-point numbers
        Images to start from, one for each or one for all.
    bounds : (lower, upper), default (0, 1)
        The box that images must be in: numbers, or arrays that fit an image.
    weight : float, default 0
        How much nearness to the start counts.
    tolerance : float, default 1e-3
        Features are REACHED when their residual is at most this times that of the start.
    n_starts : int, default 1
        Searches per image at most; those after the first start from the start and noise.
    max_steps : int, default 300
        Steps of a search.
    batch_size : int, default 128
        Images that are worked on together.
    random_state : int, default 0
        Seed of the noise.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    Inversion
        Images, their features, residuals, classes and status.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values; the message names it.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from hullspace import FeatureSpace, pixels
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)).double()
    >>> with torch.no_grad():
    ...     _ = model[0].weight.copy_(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    ...     _ = model[0].bias.zero_()
    >>> space = FeatureSpace.from_torch(model, torch.zeros(1, 2))
    >>> found = pixels.invert(space, [[1.0, 0.5], [1.0, 3.0]], np.zeros((1, 2)), tolerance=1e-6)
    >>> found.images.round(4), found.status
    (array([[0.5, 0.5],
           [0.5, 1. ]]), array([8, 9], dtype=int8))
    """
    torch = require("torch", "torch")
    batch = Images.of(space, start, bounds, "start")
    targets = as_features(space, target_features, batch.rows)
    batch = spread(batch, len(targets))
    search = InversionSearch.of(
        space,
        batch,
        weight=weight,
        tolerance=tolerance,
        n_starts=n_starts,
        max_steps=max_steps,
        batch_size=batch_size,
        random_state=random_state,
    )
    found = batch.rows.clone()
    with torch.no_grad():
        sizes = (search.oracle.features(batch.rows) - targets).norm(dim=1)
        for part in batch.chunks(batch_size, "invert", progress=progress):
            found[part] = search.run(batch.rows[part], targets[part], sizes[part])
        return _results(search, batch, found, targets, sizes)


def _results(
    search: InversionSearch, batch: Images, found: Tensor, targets: Tensor, sizes: Tensor
) -> Inversion:
    torch = require("torch", "torch")
    features = search.oracle.features(found)
    residuals = (features.double() - targets.double()).norm(dim=1)
    relative = torch.where(residuals > 0, residuals / sizes.double(), 0.0)
    classes = search.oracle.space.logits(features).argmax(1)
    n = max(len(batch), 1)
    status = np.where(to_array(relative) <= search.tolerance, Status.REACHED, Status.NOT_REACHED)
    return Inversion(
        batch.restore(found),
        to_array(features),
        to_array(residuals),
        to_array(relative),
        to_array(classes),
        status.astype(np.int8),
        search.oracle.n_forward / n,
        search.oracle.n_backward / n,
    )


def as_features(
    space: FeatureSpace,
    value: npt.ArrayLike | Tensor,
    like: Tensor,
    name: str = "target_features",
) -> Tensor:
    """Return features as a tensor of the kind of `like`; errors name the argument."""
    torch = require("torch", "torch")
    given = value if isinstance(value, torch.Tensor) else np.array(value, dtype=np.float64)
    features: Tensor = torch.as_tensor(given).detach().to(like, copy=True)
    if features.ndim != 2 or features.shape[1] != space.n_features:
        raise ValueError(
            f"{name} must have shape (n, {space.n_features}), got {tuple(features.shape)}"
        )
    if not bool(features.isfinite().all()):
        raise ValueError(f"{name} must be finite")
    return features


def spread(start: Images, n: int) -> Images:
    """One start for each of n features, where one was given for all."""
    if len(start) == 1 and n != 1:
        rows = start.rows.expand(n, -1).clone()
        return Images(rows, start.shape, start.low, start.high, start.given)
    if len(start) != n:
        raise ValueError(f"start must have 1 or {n} images, one for each feature, got {len(start)}")
    return start
