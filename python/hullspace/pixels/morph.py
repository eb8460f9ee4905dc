"""The way from one image to another: straight in features, beside straight in pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.extras import require
from hullspace.pixels.images import Bounds, Images, as_count, to_array
from hullspace.pixels.inversion_search import InversionSearch
from hullspace.status import Status

if TYPE_CHECKING:
    from torch import Tensor

    from hullspace.features import FeatureSpace
    from hullspace.hull import Hull
    from hullspace.pixels.oracle import Oracle


@dataclass(frozen=True)
class MorphPath:
    """Images on the way from one to another.

    Attributes
    ----------
    images : (steps, ...) tensor or array, as the images given
        The first and the last are those given.
    features : (steps, n_features)
        Of the images.
    logits : (steps, n_classes)
        Of the images.
    classes : (steps,) int64
        The model's answers.
    margins : (steps,) float64
        By how much the highest logit is above the second.
    residuals : (steps,) float64
        Distance of the features from the straight line's point with the same number.
    inside : (steps,) bool or None
        Whether the features are in the hull, where one was given.
    distances : (steps,) float64 or None
        Distance of the features from the hull, where one was given.
    """

    images: Any = field(repr=False)
    features: npt.NDArray[Any] = field(repr=False)
    logits: npt.NDArray[Any] = field(repr=False)
    classes: npt.NDArray[np.int64]
    margins: npt.NDArray[np.float64]
    residuals: npt.NDArray[np.float64]
    inside: npt.NDArray[np.bool_] | None
    distances: npt.NDArray[np.float64] | None

    @property
    def class_sequence(self) -> tuple[int, ...]:
        """The classes in the order in which they are met, without repetition."""
        changes = np.flatnonzero(np.diff(self.classes)) + 1
        return tuple(int(c) for c in self.classes[np.r_[0, changes]])

    def __len__(self) -> int:
        return len(self.classes)

    def __repr__(self) -> str:
        inside = "" if self.inside is None else f", {np.count_nonzero(self.inside)} in the hull"
        return f"MorphPath({len(self)} images, classes {self.class_sequence}{inside})"


@dataclass(frozen=True)
class Morph:
    """Two ways from one image to another, as `morph` returns them.

    Attributes
    ----------
    features_way : MorphPath
        Images whose features follow the straight line between the two images' features, as far
        as a search found such images.
    pixels_way : MorphPath
        The straight line between the two images.
    targets : (steps, n_features)
        The straight line in features.
    status : (steps,) int8
        For each step of `features_way` REACHED, or NOT_REACHED, which proves nothing.
    """

    features_way: MorphPath
    pixels_way: MorphPath
    targets: npt.NDArray[Any] = field(repr=False)
    status: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.status)

    def __repr__(self) -> str:
        n_reached = int(np.count_nonzero(self.status == Status.REACHED))
        return (
            f"Morph({n_reached} of {len(self)} features reached, "
            f"classes {self.features_way.class_sequence}, "
            f"in pixels {self.pixels_way.class_sequence})"
        )


def morph(
    space: FeatureSpace,
    image_a: Any,
    image_b: Any,
    steps: int = 32,
    *,
    hull: Hull | None = None,
    bounds: Bounds = (0, 1),
    weight: float = 0.0,
    tolerance: float = 1e-3,
    max_steps: int = 100,
    batch_size: int = 128,
    random_state: int = 0,
    progress: bool = False,
) -> Morph:
    """Search for images whose features go straight from one image's to another's.

    Every image is searched for as in `invert`, from the one before it moved straight toward
    `image_b` by its share of the steps that are left, so that the way is smooth and ends there.

    Parameters
    ----------
    space : FeatureSpace
        Of the model.
    image_a, image_b : tensor or array of floating-point numbers
        One image each, without an axis for batches.
    steps : int, default 32
        Number of images, including both ends.
    hull : Hull, optional
        Of training features: tells where the ways leave it.
    bounds : (lower, upper), default (0, 1)
        The box that images must be in: numbers, or arrays that fit an image.
    weight : float, default 0
        How much nearness to each start counts against nearness to the features: smoothness.
    tolerance : float, default 1e-3
        Features are REACHED up to this times the distance between the two images' features.
    max_steps : int, default 100
        Steps of each image's search.
    batch_size : int, default 128
        Images that the model sees at a time.
    random_state : int, default 0
        Seed, for the sake of searches that need noise.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    Morph
        Both ways, with classes, margins, residuals, and what the hull says.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values; the message names it.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from hullspace import FeatureSpace, pixels
    >>> model = torch.nn.Linear(2, 2).double()
    >>> with torch.no_grad():
    ...     _ = model.weight.copy_(torch.eye(2))
    ...     _ = model.bias.zero_()
    >>> space = FeatureSpace.from_torch(model, torch.zeros(1, 2))
    >>> pixels.morph(space, np.array([0.9, 0.1]), np.array([0.1, 0.9]), 5)
    Morph(5 of 5 features reached, classes (0, 1), in pixels (0, 1))
    """
    torch = require("torch", "torch")
    batch = _as_pair(space, image_a, image_b, bounds)
    steps = as_count(steps, "steps", 2)
    _require_hull_in(space, hull)
    search = InversionSearch.of(
        space,
        batch,
        weight=weight,
        tolerance=tolerance,
        n_starts=1,
        max_steps=max_steps,
        batch_size=batch_size,
        random_state=random_state,
    )
    with torch.no_grad():
        ends = search.oracle.features(batch.rows)
        targets, size = _line(ends, steps), (ends[1] - ends[0]).norm()
        straight = _line(batch.rows, steps).clamp(batch.low, batch.high)
        straight[-1] = batch.rows[1]
        way = _follow(search, batch.rows, targets, size, progress=progress)
        found = _path(search.oracle, batch, way, targets, hull)
        beside = _path(search.oracle, batch, straight, targets, hull)
    reached = found.residuals <= tolerance * float(size) + _rounding(targets)
    status = np.where(reached, Status.REACHED, Status.NOT_REACHED).astype(np.int8)
    return Morph(found, beside, to_array(targets), status)


def _require_hull_in(space: FeatureSpace, hull: Hull | None) -> None:
    if hull is not None and hull.n_features != space.n_features:
        raise ValueError(f"hull must have {space.n_features} features, got {hull.n_features}")


def _line(ends: Tensor, steps: int) -> Tensor:
    """Return points of the segment between two, evenly spaced."""
    torch = require("torch", "torch")
    shares = torch.linspace(0, 1, steps, dtype=torch.float64, device=ends.device).to(ends)
    points: Tensor = ends[0] + shares[:, None] * (ends[1] - ends[0])
    return points


def _follow(
    search: InversionSearch, ends: Tensor, targets: Tensor, size: Tensor, *, progress: bool
) -> Tensor:
    """Search for images of features, each from the one before and on towards the last."""
    torch, tqdm = require("torch", "torch"), require("tqdm.auto", "torch").tqdm
    (a, b), steps = ends, len(targets)
    way = [a]
    with tqdm(total=steps - 2, desc="morph", unit="image", disable=not progress) as bar:
        for k in range(1, steps - 1):
            start = way[-1] + (b - way[-1]) / (steps - k)
            way.append(search.run(start[None], targets[k : k + 1], size[None])[0])
            bar.update()
    found: Tensor = torch.stack([*way, b])
    return found


def _as_pair(space: FeatureSpace, image_a: Any, image_b: Any, bounds: Bounds) -> Images:
    torch = require("torch", "torch")
    pair = []
    for image, name in ((image_a, "image_a"), (image_b, "image_b")):
        array = image if isinstance(image, torch.Tensor) else np.asarray(image)
        pair.append(Images.of(space, array[None], bounds, name))
    first, second = pair
    if first.shape != second.shape:
        raise ValueError(f"image_b must have the shape {first.shape}, got {second.shape}")
    rows = torch.cat([first.rows, second.rows])
    return Images(rows, first.shape, first.low, first.high, first.given)


def _path(
    oracle: Oracle, batch: Images, rows: Tensor, targets: Tensor, hull: Hull | None
) -> MorphPath:
    features = oracle.features(rows)
    logits = oracle.space.logits(features)
    top = logits.topk(2, dim=1).values
    array = to_array(features)
    return MorphPath(
        batch.restore(rows),
        array,
        to_array(logits),
        to_array(logits.argmax(1)),
        to_array((top[:, 0] - top[:, 1]).double()),
        to_array((features.double() - targets.double()).norm(dim=1)),
        None if hull is None else hull.contains(array).inside,
        None if hull is None else hull.project(array).distances,
    )


def _rounding(features: Tensor) -> float:
    """Return what features may be off by."""
    epsilon = float(require("torch", "torch").finfo(features.dtype).eps)
    return 16 * epsilon * float(features.norm(dim=1).max())
