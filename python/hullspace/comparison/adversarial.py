"""Whether adversarial images reach the region guaranteed the class that they pretend to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.comparison.problem import quotient
from hullspace.comparison.statistics import proven_if
from hullspace.facts import ClassFacts
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.comparison.flips import FlipComparison
    from hullspace.comparison.problem import Problem
    from hullspace.comparison.statistics import Estimate

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]

# How far beyond the flip the image goes, in flip distances: at 1 the classes tie.
_OVERSHOOTS = (1.0, 1.25, 1.5, 2.0, 3.0)


@dataclass(frozen=True)
class AdversarialRegions:
    """Adversarial images against the guaranteed regions of their target classes.

    The images go from the test image through its flip and beyond, clipped to the bounds.

    Attributes
    ----------
    rows : (n,) int64
        Test images with a flip.
    targets : (n,) int64
        The class of the flip.
    overshoots : (n_overshoots,) float64
        Lengths of the way, in units of that to the flip.
    fooled : (n_overshoots, n) bool
        Whether the model's class is the target; at overshoot 1 it ties.
    inside : (n_overshoots, n) bool
        Whether the features are in the target's guaranteed region: the hull of the features of
        the training images that the model puts in it.
    distances : (n_overshoots, n) float64
        Distance of the features to that region; infinity where there is none.
    checked : (n_overshoots, n) bool
        Whether that, and the distance of the unchanged image, passed the independent check.
    clean_inside : (n_rows,) bool
        Whether the sample's test images, unchanged, are in the region of the model's class.
    clean_distances : (n_rows,) float64
        Distance of these to that region.
    estimates : tuple of Estimate
        The shares inside, and distances beside those of the unchanged images.
    """

    rows: _Ints
    targets: _Ints
    overshoots: _Floats
    fooled: _Bools
    inside: _Bools
    distances: _Floats
    checked: _Bools
    clean_inside: _Bools
    clean_distances: _Floats
    estimates: tuple[Estimate, ...]

    def __repr__(self) -> str:
        return f"AdversarialRegions({len(self.rows)} images, {len(self.overshoots)} overshoots)"


def adversarial_regions(problem: Problem, flips: FlipComparison) -> AdversarialRegions:
    """Ask of each flip, and of images beyond it, whether it enters the target's region."""
    rows, targets = flips.rows[flips.reached], flips.pixel_targets[flips.reached]
    fooled, inside, checked = np.zeros((3, len(_OVERSHOOTS), len(rows)), bool)
    distances = np.full(fooled.shape, np.inf)
    regions, predictions = problem.facts.predicted, problem.test.predictions
    far = regions.own_distances(predictions, flips.rows)
    for i, length in enumerate(_OVERSHOOTS if len(rows) else ()):
        features = flips.features[flips.reached]
        if length != 1.0:
            images = _beyond(problem, rows, flips.images[flips.reached], length)
            features = problem.space.extract(images, progress=False).features
        there = ClassFacts(regions.hulls, features, problem.space.n_classes, problem.asking)
        nearest = there.own_distances(targets)
        distances[i], checked[i] = nearest.values, nearest.checked & far.checked[flips.reached]
        fooled[i] = problem.space.head.predict(features) == targets
        inside[i] = there.membership(targets).decided == Status.INSIDE
    clean = regions.membership(predictions, flips.rows).decided == Status.INSIDE
    found = AdversarialRegions(
        rows, targets, np.array(_OVERSHOOTS), fooled, inside, distances, checked, clean,
        far.values, (),
    )  # fmt: skip
    return replace(found, estimates=_estimates(problem, found, far.values[flips.reached]))


def _beyond(
    problem: Problem, rows: _Ints, flips: npt.NDArray[Any], length: float
) -> npt.NDArray[Any]:
    """Images on the way through the flips, within the bounds."""
    start = problem.images[rows]
    images: npt.NDArray[Any] = np.clip(start + length * (flips - start), *problem.bounds)
    return images.astype(start.dtype, copy=False)


def _estimates(
    problem: Problem, found: AdversarialRegions, before: _Floats
) -> tuple[Estimate, ...]:
    """Make estimates; `before` is the distance of each image, unchanged, to its own region."""
    clean = problem.bootstrap.share(
        "clean_in_guaranteed_region",
        "features",
        found.clean_inside,
        "{value} of {n} unchanged test images lie in the region guaranteed the class that the "
        "model gives them.",
        "proven",
    )
    beyond = [e for i in range(len(_OVERSHOOTS)) for e in _beyond_flips(problem, found, before, i)]
    # At the flip itself the classes tie.
    return clean, *(e for e in beyond if e.name != "adversarial_fools_1")


def _beyond_flips(
    problem: Problem, found: AdversarialRegions, before: _Floats, i: int
) -> tuple[Estimate, ...]:
    """Make the estimates of one overshoot."""
    make, length = problem.bootstrap, _OVERSHOOTS[i]
    place = "at the flip" if length == 1.0 else f"{length:g} times as far as the flip"
    return (
        make.share(
            f"adversarial_in_guaranteed_region_{length:g}",
            "features",
            found.inside[i],
            f"{{value}} of {{n}} adversarial images {place} lie in the region guaranteed "
            "their target class.",
            "proven",
        ),
        make.median(
            f"adversarial_region_distance_{length:g}",
            "features",
            quotient(found.distances[i], before),
            "ratio",
            f"Adversarial images {place} are {{value}} times as far from the region guaranteed "
            "their target class, in the median of {n}, as the unchanged images are from that "
            "of their own.",
            proven_if(found.checked[i]),
        ),
        make.share(
            f"adversarial_fools_{length:g}",
            "pixels",
            found.fooled[i],
            f"{{value}} of {{n}} images {place} have the target's class.",
            "measured",
        ),
    )
