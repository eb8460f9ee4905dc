"""What the hulls say about the test images, in words and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.status import Proof
from hullspace.studies import plots
from hullspace.studies.finding import Finding, measured, proven, settled
from hullspace.studies.pictures import Picture, svg
from hullspace.studies.table import count, number, share
from hullspace.studies.tables import distance_fifths

if TYPE_CHECKING:
    from hullspace.studies.result import Study


def data_findings(study: Study) -> list[Finding]:
    """Say how good the model is."""
    test = study.split.test
    if test.labels is None:
        text = f"The {len(test):,} test images have no labels; nothing is said of errors."
        return [measured(text)]
    right = share(count(study.correct), len(test))
    return [measured(f"The model predicts {right} of the test images right.")]


def data_pictures(study: Study) -> dict[str, list[Picture]]:
    """Show some test images, those spread over the set."""
    test = study.subject.test
    if test is None:
        return {}
    some = np.linspace(0, len(test) - 1, min(len(test), plots.MOST_IN_A_STRIP)).astype(int)
    return {"accuracy": plots.strip(study, test.rows[some], "Some of the test images.")}


def extrapolation_findings(study: Study) -> list[Finding]:
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
            bool(training.checked.all()),
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
        sentences.append(measured(text))
    if training.extreme is not None:
        extreme = share(count(training.extreme), len(training.extreme))
        text = f"{extreme} of the training images are extreme points of their hull."
        sentences.append(measured(text))
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
        sentences.append(measured(text))
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
            sentences.append(measured(text))
        elif result.outside.all() and len(correct) >= 5:
            fifths = distance_fifths(result)
            near, far = correct[fifths == 0].mean(), correct[fifths == 4].mean()
            text = (
                f"Of the fifth of the test images nearest to the {name} {near:.1%} are predicted "
                f"right, of the farthest fifth {far:.1%}."
            )
            sentences.append(measured(text))
    return sentences


def extrapolation_pictures(study: Study) -> dict[str, list[Picture]]:
    """Draw the figures that belong to the tables of the training hull, by the tables' names."""
    farthest = np.argsort(-study.training.distances, kind="stable")
    caption = "The test images farthest outside the training hull."
    pictures = {
        "hulls": [_outside_picture(study), *plots.strip(study, farthest, caption)],
        "training distances": [_hull_distance_picture(study), _scatter_picture(study)],
        "gauge": [_gauge_picture(study)],
    }
    return pictures | ({"trust": [_accuracy_picture(study)]} if study.outcomes() else {})


def class_findings(study: Study) -> list[Finding]:
    """Say how the class hulls lie to each other and to the test images."""
    classes, sentences = study.classes, []
    upper = np.triu(np.isfinite(classes.pair_distances), 1)
    if upper.any():
        text = (
            f"{count(classes.disjoint & upper):,} of the {count(upper):,} pairs of class hulls are "
            "separated by a hyperplane."
        )
        sentences.append(measured(text))
    nearest, predictions = classes.nearest, study.split.test.predictions
    agree, n_open = share(count(nearest == predictions), len(nearest)), count(nearest == -1)
    text = (
        f"The nearest class hull is that of the predicted class for {agree} of the test images "
        f"({n_open:,} undecided)."
    )
    return [*sentences, settled(text, bool(classes.checked.all()))]


def class_pictures(study: Study) -> dict[str, list[Picture]]:
    """Draw the figures that belong to the tables of the class hulls, by the tables' names."""
    return {"pairs": [_pair_picture(study)], "nearest": [_nearest_picture(study)]}


def proof_findings(study: Study) -> list[Finding]:
    """Say how many of the memberships are proven."""
    if study.hulls is None:
        return []
    verdicts = np.concatenate([study.training.exact, study.classes.own.exact])
    exact = share(count(verdicts != Proof.UNPROVEN), len(verdicts))
    return [proven(f"{exact} of the memberships are proven in exact arithmetic.")]


def _outside_picture(study: Study) -> Picture:
    return svg(
        plots.outside_by_class(study),
        "Bars: share of the test images outside each hull, by predicted class",
        "Share of the test images of each predicted class that lie outside the hulls.",
    )


def _hull_distance_picture(study: Study) -> Picture:
    return svg(
        plots.hull_distances(study),
        "Histogram of the distances of test images to the two hulls",
        "Distances of the test images to the hull of the training set and to the hull of their "
        "predicted class.",
    )


def _scatter_picture(study: Study) -> Picture:
    return svg(
        plots.distance_scatter(study),
        "Scatter plot of hull distance against boundary distance",
        "Each dot is a test image: how far it is outside the training hull against how far "
        "it is from the nearest decision boundary.",
    )


def _gauge_picture(study: Study) -> Picture:
    return svg(
        plots.gauge(study),
        "Histogram of the gauge of the training hull",
        "Degree of extrapolation of the test images.",
    )


def _pair_picture(study: Study) -> Picture:
    return svg(
        plots.class_pairs(study),
        "Heat map: distances between the class hulls",
        "Distances between the hulls of the classes; darker is nearer.",
    )


def _nearest_picture(study: Study) -> Picture:
    return svg(
        plots.nearest_class_matrix(study),
        "Heat map: predicted class against the class of the nearest hull",
        "Number of test images by predicted class and class of the nearest hull; shade is the "
        "share of the row.",
    )


def _accuracy_picture(study: Study) -> Picture:
    return svg(
        plots.accuracy_by_distance(study),
        "Line plot: accuracy by fifths of the distance to the hulls",
        "Accuracy in each fifth of the test images, ordered by distance to the hulls.",
    )
