"""The nearest image where the model's answer changes, as near as a search finds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_nonnegative, as_norm
from hullspace.extras import require
from hullspace.pixels.box import Box
from hullspace.pixels.descent import Pace, descend, retreat, slide
from hullspace.pixels.goals import Goals, as_targets
from hullspace.pixels.images import (
    Bounds,
    Images,
    as_count,
    rounding,
    to_array,
)
from hullspace.pixels.oracle import Oracle
from hullspace.pixels.starts import Pool, all_starts
from hullspace.status import Status

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from hullspace.features import FeatureSpace

# The last step aims at this share of the tie that was asked for.
_TIE_SHARE = 0.02
# How many of the images that the starts lead to are refined, and in how many slides per step.
_N_KEPT, _SLIDES = 2, 0.2
# By how much the target must lead, relative to what rounding may do.
_LEAD = 1 / 32
# How often the images found may be moved a little across the boundary.
_SETTLING = 10


@dataclass(frozen=True)
class Flip:
    """Nearest images with another answer, as `flip` returns them.

    Attributes
    ----------
    images : (n, ...) tensor or array, as the images given
        Where the target has just reached the class that it overtakes; NaN if not reached.
    distances : (n,) float64
        From the image given, in the norm asked for; infinity if not reached. An upper bound of
        the distance to the nearest such image: the search does not prove that none is nearer.
    sources, targets : (n,) int64
        The class of the image given, and of the image found; -1 if not reached.
    features : (n, n_features)
        Of the images found; NaN if not reached.
    ties : (n,) float64
        Logit of the target minus the logit that it overtakes: the source's, or with `to` given
        the highest of all others. Zero or a little more; NaN if not reached.
    status : (n,) int8
        `Status.REACHED` or `Status.NOT_REACHED`.
    norm : float
        2 or infinity.
    n_forward, n_backward : float
        How often the model ran, and how often gradients were taken, per image.
    """

    images: Any = field(repr=False)
    distances: npt.NDArray[np.float64]
    sources: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    features: npt.NDArray[Any] = field(repr=False)
    ties: npt.NDArray[np.float64]
    status: npt.NDArray[np.int8]
    norm: float
    n_forward: float
    n_backward: float

    @property
    def reached(self) -> npt.NDArray[np.bool_]:
        """Which images were flipped, (n,)."""
        reached: npt.NDArray[np.bool_] = self.status == Status.REACHED
        return reached

    def __len__(self) -> int:
        return len(self.distances)

    def __repr__(self) -> str:
        reached = self.distances[self.reached]
        median = f", median distance {np.median(reached):.4g}" if len(reached) else ""
        return f"Flip({len(reached)} of {len(self)} images reached, norm {self.norm:g}{median})"


def flip(
    space: FeatureSpace,
    images: Any,
    to: Any = "nearest",
    *,
    norm: float = 2,
    bounds: Bounds = (0, 1),
    max_steps: int = 100,
    n_starts: int = 4,
    tie: float = 1e-4,
    batch_size: int = 128,
    random_state: int = 0,
    progress: bool = False,
) -> Flip:
    """Search for the nearest image where the model's answer changes.

    Searches start from the image itself, from it toward the classes that seem nearest, from other
    images of other classes, and from noise; the best are refined until they no longer get
    nearer, and end where the two logits tie. What is found is an upper bound: a nearer one may
    exist, and where none is found there may be one.

    Parameters
    ----------
    space : FeatureSpace
        Of the model.
    images : tensor or array, (n, ...) of floating-point numbers
        Within the bounds.
    to : "nearest", int or (n,) integers, default "nearest"
        Any other class, or the class that the images shall have. An image that has that class
        already cannot be flipped to it: its status is NOT_REACHED.
    norm : 2 or numpy.inf, default 2
        What distances are measured in.
    bounds : (lower, upper), default (0, 1)
        The box that images must be in: numbers, or arrays that fit an image.
    max_steps : int, default 100
        Steps of the refinement; the first descents take half as many.
    n_starts : int, default 4
        Searches per image.
    tie : float, default 1e-4
        By how much the two logits may differ at the image found. Where rounding of the model's
        type does not allow that, what it allows.
    batch_size : int, default 128
        Images that are worked on together; the model sees no more at a time.
    random_state : int, default 0
        Seed of the noise.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    Flip
        Images, distances, classes, features and status.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values; the message names it.

    Notes
    -----
    The descent is that of Pintor et al. (arXiv 2102.12827); the refinement projects the image
    onto the tie's linearization within the box, as Croce and Hein do (arXiv 1907.02044).

    Examples
    --------
    >>> import numpy as np, torch
    >>> from hullspace import FeatureSpace, pixels
    >>> model = torch.nn.Linear(2, 2).double()
    >>> with torch.no_grad():
    ...     _ = model.weight.copy_(torch.eye(2))
    ...     _ = model.bias.zero_()
    >>> space = FeatureSpace.from_torch(model, torch.zeros(1, 2))
    >>> found = pixels.flip(space, np.array([[0.8, 0.2]]))
    >>> found.images.round(4), found.distances.round(4), found.targets
    (array([[0.5, 0.5]]), array([0.4243]), array([1]))
    """
    torch = require("torch", "torch")
    batch = Images.of(space, images, bounds)
    targets = as_targets(to, len(batch), space.n_classes)
    box = Box(batch.low, batch.high, as_norm(norm))
    search = _FlipSearch(
        Oracle(space, batch.shape, as_count(batch_size, "batch_size")),
        box,
        as_count(max_steps, "max_steps"),
        as_count(n_starts, "n_starts"),
        as_nonnegative(tie, "tie"),
        torch.Generator().manual_seed(random_state),
    )
    found = batch.rows.new_full(batch.rows.shape, np.nan)
    with torch.no_grad():
        pool = Pool.of(search.oracle, batch, search.generator)
        sources = pool.logits[: len(batch)].argmax(1)
        if targets is None:
            goals = Goals.leave(sources, space.n_classes)
        else:
            goals = Goals.reach(torch.from_numpy(targets).to(sources.device), space.n_classes)
        for part in batch.chunks(batch_size, "flip", progress=progress):
            found[part] = search.run(batch.rows[part], sources[part], goals.take(part), pool)
        return _results(search, batch, found, sources, goals)


def _results(
    search: _FlipSearch, batch: Images, found: Tensor, sources: Tensor, goals: Goals
) -> Flip:
    torch = require("torch", "torch")
    reached = ~found.isnan().any(1)
    found = torch.where(reached[:, None], found, batch.rows)
    for _ in range(_SETTLING):
        features = search.oracle.features(found)
        logits = search.oracle.space.logits(features)
        ties = goals.margins(logits)
        # Rounding depends on the batch: some need a little more to be across.
        back = reached & (ties < 0)
        if not bool(back.any()):
            break
        further = found + 64 * torch.finfo(found.dtype).eps * (found - batch.rows)
        found = torch.where(back[:, None], search.box.clip(further), found)
    reached &= (ties <= search.tie + rounding(logits)) & (ties >= -rounding(logits))
    moves = torch.where(reached[:, None], found.double() - batch.rows.double(), np.inf)
    n = max(len(batch), 1)
    return Flip(
        batch.restore(found.masked_fill(~reached[:, None], np.nan)),
        to_array(search.box.lengths(moves)),
        to_array(sources),
        to_array(goals.winners(logits).masked_fill(~reached, -1)),
        to_array(features.masked_fill(~reached[:, None], np.nan)),
        to_array(ties.double().masked_fill(~reached, np.nan)),
        np.where(to_array(reached), Status.REACHED, Status.NOT_REACHED).astype(np.int8),
        search.box.norm,
        search.oracle.n_forward / n,
        search.oracle.n_backward / n,
    )


@dataclass(frozen=True)
class _FlipSearch:
    """The search for one batch after the other."""

    oracle: Oracle
    box: Box
    max_steps: int
    n_starts: int
    tie: float
    generator: torch.Generator

    def run(self, origins: Tensor, sources: Tensor, goals: Goals, pool: Pool) -> Tensor:
        """Return the images found, NaN where there is none."""
        torch = require("torch", "torch")
        logits = self.oracle.logits(origins)
        margins = goals.margins(logits)
        already = goals.rise.gather(1, sources[:, None])[:, 0]
        found: Tensor = torch.where((margins >= 0)[:, None], origins, np.nan)
        # A class that the image has already is no other answer, unless others tie with it.
        found[already & (margins > 0)] = np.nan
        rows = (margins < 0).nonzero()[:, 0]
        if len(rows):
            wanted = Goals(goals.rise, goals.fall, _LEAD * rounding(logits)).take(rows)
            found[rows] = self._nearest(origins[rows], wanted, pool)
        return found

    def _nearest(self, origins: Tensor, goals: Goals, pool: Pool) -> Tensor:
        torch = require("torch", "torch")
        starts, wanted = all_starts(
            self.oracle, self.box, origins, goals, pool, self.n_starts, self.generator
        )
        coarse, fine, finest = self._paces()
        repeated = origins.repeat(self.n_starts, 1)
        found = descend(self.oracle, self.box, repeated, starts, wanted, coarse)
        kept = self._best(origins, found.reshape(self.n_starts, *origins.shape), _N_KEPT)
        result: Tensor = torch.full_like(origins, np.nan)
        # Whichever is better in the end; rows without any are left out.
        rows = (~kept[0].isnan().any(1)).nonzero()[:, 0]
        if len(rows) == 0:
            return result
        n_kept = len(kept)
        kept = torch.where(kept.isnan(), kept[:1], kept)[:, rows].reshape(-1, origins.shape[1])
        near, aims = origins[rows], goals.take(rows)
        many, many_aims = near.repeat(n_kept, 1), aims.take(torch.arange(len(rows)).repeat(n_kept))
        refined = descend(self.oracle, self.box, many, kept, many_aims, fine)
        refined = torch.where(refined.isnan(), kept, refined)
        best = self._best(near, refined.reshape(n_kept, *near.shape), 1)[0]
        again = descend(self.oracle, self.box, near, best, aims, finest)
        best = torch.where(again.isnan(), best, again)
        n_slides = max(1, int(_SLIDES * self.max_steps))
        best = slide(self.oracle, self.box, near, best, aims, n_slides)
        result[rows] = retreat(self.oracle, near, best, aims, _TIE_SHARE * self.tie)
        return result

    def _best(self, origins: Tensor, found: Tensor, n: int) -> Tensor:
        """Pick the n nearest of several images found for each origin, (n, n_images, d)."""
        torch = require("torch", "torch")
        distances = torch.stack([self.box.lengths(each - origins) for each in found])
        distances = distances.nan_to_num(nan=np.inf)
        order = distances.topk(min(n, len(found)), dim=0, largest=False).indices
        best: Tensor = found.gather(0, order[..., None].expand(-1, -1, found.shape[2]))
        return best

    def _paces(self) -> tuple[Pace, ...]:
        """Coarse steps from the starts, fine ones from the two best, finest from the best.

        Strides as measured to be best. With norm infinity most pixels move as far as they may,
        and at kinks it takes long strides to average the slopes of their sides.
        """
        far = np.isinf(self.box.norm)
        length = 10.0 if far else 3.0
        coarse = Pace(max(1, self.max_steps // 2), (length, length / 100), (0.25, 1e-3))
        fine, finest = (
            Pace(self.max_steps, (length, length / 1000), (0.01, 1e-5))
            for length in ((10.0, 50.0) if far else (0.3, 0.1))
        )
        return coarse, fine, finest
