"""How many test images lie outside the training hull, and how far, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.studies.finding import Finding, settled
from hullspace.studies.table import count, number, share

if TYPE_CHECKING:
    from hullspace.studies.result import Study


def say(study: Study) -> list[Finding]:
    """Say how many test images lie outside the training hull, and how far."""
    n, training, own = len(study.split.test), study.training, study.classes.own
    sentences = [
        settled(
            f"{share(count(training.outside), n)} of the test images lie outside the convex hull "
            f"of the training set in feature space ({count(training.undecided):,} undecided): "
            f"there the model extrapolates. {share(count(own.outside), n)} lie outside the hull "
            f"of their predicted class ({count(own.undecided):,} undecided).",
            bool(training.proven.all() and own.proven.all()),
        ),
        settled(
            f"The median distance is {number(float(np.median(training.distances)))} to the "
            f"training hull and {number(float(np.median(study.boundaries.nearest)))} to the "
            "nearest decision boundary.",
            bool(training.checked.all() and study.boundaries_checked.all()),
        ),
        *_size(study),
    ]
    return [*sentences, *_errors(study)]


def _size(study: Study) -> list[Finding]:
    """Say how far out the images are and what spans the hull."""
    training, sentences = study.training, []
    finite = training.gauge[np.isfinite(training.gauge)]
    if len(finite):
        scale = number(float(np.median(finite)))
        text = (
            f"To reach the median test image, the training hull must be scaled by {scale} about "
            "the mean of the training features."
        )
        sentences.append(settled(text, bool(training.gauge_checked.all())))
    if training.extreme is not None:
        extreme = share(count(training.extreme), len(training.extreme))
        text = f"{extreme} of the training images are extreme points of their hull."
        assert training.extreme_checked is not None  # noqa: S101 - there with the points
        sentences.append(settled(text, bool(training.extreme_checked.all())))
    return sentences


def _errors(study: Study) -> list[Finding]:
    """Compare the accuracy inside and outside; near and far where all images are outside."""
    sentences: list[Finding] = []
    if not study.outcomes():
        return sentences
    correct, nearest = study.correct, study.boundaries.nearest
    if correct.any() and not correct.all():
        medians = [number(float(np.median(nearest[rows]))) for rows in (correct, ~correct)]
        text = (
            f"Rightly predicted images are {medians[0]} from the nearest boundary in the median, "
            f"wrongly predicted ones {medians[1]}."
        )
        sentences.append(settled(text, bool(study.boundaries_checked.all())))
    for name, result in (
        ("training hull", study.training),
        ("hull of their predicted class", study.classes.own),
    ):
        if result.inside.any() and result.outside.any():
            inside, outside = correct[result.inside].mean(), correct[result.outside].mean()
            text = (
                f"Of the test images inside the {name} {inside:.1%} are predicted right, of those "
                f"outside {outside:.1%}."
            )
            sentences.append(settled(text, bool(result.proven.all())))
        elif result.outside.all() and len(correct) >= 5:
            fifths = result.fifths
            near, far = correct[fifths == 0].mean(), correct[fifths == 4].mean()
            text = (
                f"Of the fifth of the test images nearest to the {name} {near:.1%} are predicted "
                f"right, of the farthest fifth {far:.1%}."
            )
            sentences.append(settled(text, result.ends_proven))
    return sentences
