"""Images that the model cannot decide on: the logits of several classes tie."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_nonnegative
from hullspace.extras import require
from hullspace.pixels.images import Bounds, Images, rounding, to_array
from hullspace.pixels.inversion_search import InversionSearch
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from hullspace.features import FeatureSpace
    from hullspace.partition import DecisionPartition
    from hullspace.pixels.oracle import Oracle

# The search for the tie point's image stops at this residual, relative to the start's: the
# logits themselves are made to tie afterwards.
_TOLERANCE = 1e-2
# Added to the diagonal of normal equations, relative to its mean.
_DAMPING = 1e-6


@dataclass(frozen=True)
class AmbiguousImages:
    """Images at ties of several classes, as `ambiguous_images` returns them.

    Attributes
    ----------
    images : (n, ...) tensor or array, as the starts given
        The best that were found; NaN where the partition has no such tie.
    features : (n, n_features)
        Of the images.
    logits : (n, n_classes)
        Of the images.
    classes : (n, k) int64
        The classes that shall tie, ascending; -1 where the partition has no such tie.
    spreads : (n,) float64
        The highest of their logits minus the lowest.
    at_top : (n,) bool
        Whether no other class is above them, up to the tie asked for.
    residuals : (n,) float64
        Distance of the features from the tie point that was aimed at.
    distances : (n,) float64
        Euclidean distance of the images from the starts.
    status : (n,) int8
        `Status.REACHED` where they tie at the top, else `Status.NOT_REACHED`, which does not
        prove that there is no such image.
    """

    images: Any = field(repr=False)
    features: npt.NDArray[Any] = field(repr=False)
    logits: npt.NDArray[Any] = field(repr=False)
    classes: npt.NDArray[np.int64]
    spreads: npt.NDArray[np.float64]
    at_top: npt.NDArray[np.bool_]
    residuals: npt.NDArray[np.float64]
    distances: npt.NDArray[np.float64]
    status: npt.NDArray[np.int8]

    @property
    def reached(self) -> npt.NDArray[np.bool_]:
        """Which images tie at the top, (n,)."""
        reached: npt.NDArray[np.bool_] = self.status == Status.REACHED
        return reached

    def __len__(self) -> int:
        return len(self.status)

    def __repr__(self) -> str:
        n_reached = int(np.count_nonzero(self.reached))
        return (
            f"AmbiguousImages({n_reached} of {len(self)} images reach a tie of "
            f"{self.classes.shape[1]} classes)"
        )


def ambiguous_images(
    space: FeatureSpace,
    partition: DecisionPartition,
    classes: int | Sequence[int],
    start: Any,
    *,
    bounds: Bounds = (0, 1),
    tie: float = 1e-4,
    n_starts: int = 1,
    max_steps: int = 300,
    batch_size: int = 128,
    random_state: int = 0,
    ties: tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]] | None = None,
    progress: bool = False,
) -> AmbiguousImages:
    """Search for images whose features reach a tie of several classes at the top.

    The nearest tie to the features of each start is found in feature space, an image with those
    features is searched for as `invert` does, and from there the logits are made to tie: by
    Gauss-Newton steps on their differences, and on what other classes are above them, within
    the box.

    Parameters
    ----------
    space : FeatureSpace
        Of the model.
    partition : DecisionPartition
        Of its head.
    classes : int or sequence of int
        k >= 2 for the nearest tie of any k classes, or the classes that shall tie.
    start : tensor or array, (n, ...) of floating-point numbers
        Images to start from.
    bounds : (lower, upper), default (0, 1)
        The box that images must be in: numbers, or arrays that fit an image.
    tie : float, default 1e-4
        By how much the logits of the classes may differ. Where rounding of the model's type does
        not allow that, what it allows.
    n_starts, max_steps : int
        As in `invert`.
    batch_size : int, default 128
        Images that are worked on together.
    random_state : int, default 0
        Seed of the noise.
    ties : ((n, n_features) array, (n, k) integer array), optional
        The ties to reach, and the classes that tie there, where they are known: `points` and
        `classes` of what `DecisionPartition.ambiguity` finds for the features of the starts.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    AmbiguousImages
        Images, their logits, spreads and status.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values; the message names it.

    Examples
    --------
    >>> import hullspace, numpy as np, torch
    >>> from hullspace import FeatureSpace, pixels
    >>> model = torch.nn.Linear(2, 3).double()
    >>> with torch.no_grad():
    ...     _ = model.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]))
    ...     _ = model.bias.copy_(torch.tensor([0.0, 0.0, 1.5]))
    >>> space = FeatureSpace.from_torch(model, torch.zeros(1, 2))
    >>> partition = hullspace.DecisionPartition.from_head(space.head, domain=None)
    >>> found = pixels.ambiguous_images(space, partition, 3, np.array([[0.9, 0.1]]))
    >>> found.images.round(4), found.classes
    (array([[0.5, 0.5]]), array([[0, 1, 2]]))
    """
    torch = require("torch", "torch")
    _require_partition_of(space, partition)
    batch = Images.of(space, start, bounds, "start")
    search = InversionSearch.of(
        space,
        batch,
        weight=0.0,
        tolerance=_TOLERANCE,
        n_starts=n_starts,
        max_steps=max_steps,
        batch_size=batch_size,
        random_state=random_state,
    )
    tie, found = as_nonnegative(tie, "tie"), batch.rows.clone()
    with torch.no_grad():
        features = search.oracle.features(batch.rows)
        points, tied = ties or _tie_points(partition, classes, to_array(features))
        there = tied[:, 0] >= 0
        targets = torch.from_numpy(np.where(there[:, None], points, 0.0)).to(features)
        sizes = (targets - features).norm(dim=1)
        for part in batch.chunks(batch_size, "ambiguous", progress=progress):
            at = part.start + np.flatnonzero(there[part])
            if len(at):
                found[at] = _tied(search, batch.rows[at], targets[at], sizes[at], tied[at])
        return _results(search.oracle, batch, found, targets, tied, tie)


def _require_partition_of(space: FeatureSpace, partition: DecisionPartition) -> None:
    if partition.n_features != space.n_features or partition.n_classes != space.n_classes:
        raise ValueError(
            f"partition must have {space.n_features} features and {space.n_classes} classes, "
            f"got {partition.n_features} and {partition.n_classes}"
        )


def _tie_points(
    partition: DecisionPartition, classes: int | Sequence[int], features: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Find the tie points nearest to features, and the classes that tie there, -1 for none."""
    if isinstance(classes, int | np.integer) and not isinstance(classes, bool):
        nearest = partition.ambiguity(features, int(classes))
        return nearest.points, nearest.classes
    found = partition.ambiguous_points(classes, nearest_to=features)  # type: ignore[arg-type]
    tied = np.tile(np.array(found.classes), (len(features), 1))
    return found.points, np.where(np.isnan(found.points[:, :1]), -1, tied)


def _tied(
    search: InversionSearch,
    origins: Tensor,
    targets: Tensor,
    sizes: Tensor,
    classes: npt.NDArray[np.int64],
) -> Tensor:
    """Images near tie points, with their logits made equal."""
    torch = require("torch", "torch")
    x = search.run(origins, targets, sizes)
    ties = _Ties(search.oracle, torch.from_numpy(classes).to(x.device))
    values, slopes = ties.slopes(x)
    strides = torch.ones_like(values[:, 0])
    for _ in range(max(1, search.max_steps // 10)):
        steps = _gauss_newton(x, values, slopes, search.low, search.high)
        trial = (x + strides[:, None] * steps).clamp(search.low, search.high)
        trial_values, trial_slopes = ties.slopes(trial)
        better = trial_values.abs().amax(1) < values.abs().amax(1)
        x = torch.where(better[:, None], trial, x)
        values = torch.where(better[:, None], trial_values, values)
        slopes = torch.where(better[:, None, None], trial_slopes, slopes)
        strides = torch.where(better, (2 * strides).clamp_max(1.0), strides / 2)
        if bool(((values == 0).all(1) | (strides < 1e-6)).all()):
            break
    return x


def _gauss_newton(x: Tensor, values: Tensor, slopes: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Find short moves to where linear values vanish, with pixels held at bounds in turn."""
    torch = require("torch", "torch")
    free = torch.ones_like(x)
    moves = torch.zeros_like(x)
    identity = torch.eye(values.shape[1], dtype=x.dtype, device=x.device)
    for _ in range(3):
        within = (x + moves).clamp(low, high) - x
        rest = values + (slopes * within[:, None]).sum(2)
        part = slopes * free[:, None]
        normal = part @ part.transpose(1, 2)
        mean = normal.diagonal(dim1=1, dim2=2).mean(1).clamp_min(1e-30)
        damped = normal + (_DAMPING * mean)[:, None, None] * identity
        weights = torch.linalg.solve(damped, -rest[..., None])
        moves = within + (part.transpose(1, 2) @ weights)[..., 0]
        free = ((x + moves >= low) & (x + moves <= high)).to(x)
    result: Tensor = (x + moves).clamp(low, high) - x
    return result


@dataclass(frozen=True)
class _Ties:
    """What must vanish: differences of logits, and by how much another class is above."""

    oracle: Oracle
    classes: Tensor

    def slopes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Values, (n, k), and their gradients, (n, k, d)."""
        torch = require("torch", "torch")
        values, slopes = [], []
        for which in range(self.classes.shape[1]):

            def loss(features: Tensor, part: slice, which: int = which) -> Tensor:
                return self._values(features, self.classes[part])[:, which]

            _, value, slope = self.oracle.slopes(x, loss)
            values.append(value)
            slopes.append(slope)
        return torch.stack(values, 1), torch.stack(slopes, 1)

    def _values(self, features: Tensor, classes: Tensor) -> Tensor:
        torch = require("torch", "torch")
        logits = self.oracle.space.logits(features)
        tied = logits.gather(1, classes)
        others = logits.scatter(1, classes, -np.inf).amax(1, keepdim=True)
        above = (others - tied[:, :1]).clamp_min(0.0)
        values: Tensor = torch.cat([tied[:, 1:] - tied[:, :1], above], 1)
        return values


def _results(
    oracle: Oracle,
    batch: Images,
    found: Tensor,
    targets: Tensor,
    classes: npt.NDArray[np.int64],
    tie: float,
) -> AmbiguousImages:
    torch = require("torch", "torch")
    features = oracle.features(found)
    logits = oracle.space.logits(features)
    tied = torch.from_numpy(classes).to(found.device)
    nowhere = tied[:, 0] < 0
    tied = tied.clamp_min(0)
    chosen = logits.gather(1, tied)
    others = logits.scatter(1, tied, -np.inf).amax(1)
    slack = tie + rounding(logits)
    spreads = chosen.amax(1) - chosen.amin(1)
    at_top = (others <= chosen.amin(1) + slack) & ~nowhere
    reached = at_top & (spreads <= slack)
    nan = float("nan")
    residuals = (features.double() - targets.double()).norm(dim=1)
    moves = (found.double() - batch.rows.double()).norm(dim=1)
    return AmbiguousImages(
        batch.restore(found.masked_fill(nowhere[:, None], nan)),
        to_array(features.masked_fill(nowhere[:, None], nan)),
        to_array(logits.masked_fill(nowhere[:, None], nan)),
        classes,
        to_array(spreads.double().masked_fill(nowhere, nan)),
        to_array(at_top),
        to_array(residuals.masked_fill(nowhere, nan)),
        to_array(moves.masked_fill(nowhere, nan)),
        np.where(to_array(reached), Status.REACHED, Status.NOT_REACHED).astype(np.int8),
    )
