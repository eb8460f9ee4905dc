"""The pictures of the test images and the training hull."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.studies.figures import HULL, MOST_NAMES, OWN, new_figure, shown_groups, strip
from hullspace.studies.pictures import Picture, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hullspace.studies.result import Study

# Beyond this many points a scatter plot shows a random part of them.
_MOST_DOTS = 5000


def draw(study: Study) -> dict[str, list[Picture]]:
    """Draw the figures that belong to the tables of the training hull, by the tables' names."""
    farthest = np.argsort(-study.training.distances, kind="stable")
    caption = "The test images farthest outside the training hull."
    pictures = {
        "hulls": [_outside_picture(study), *strip(study, farthest, caption)],
        "training distances": [_hull_distance_picture(study), _scatter_picture(study)],
        "gauge": [_gauge_picture(study)],
    }
    return pictures | ({"trust": [_accuracy_picture(study)]} if study.outcomes() else {})


def _outside_picture(study: Study) -> Picture:
    return svg(
        outside_by_class(study),
        "Bars: share of the test images outside each hull, by predicted class",
        "Share of the test images of each predicted class that lie outside the hulls.",
    )


def _hull_distance_picture(study: Study) -> Picture:
    return svg(
        hull_distances(study),
        "Histogram of the distances of test images to the two hulls",
        "Distances of the test images to the hull of the training set and to the hull of their "
        "predicted class.",
    )


def _scatter_picture(study: Study) -> Picture:
    return svg(
        distance_scatter(study),
        "Scatter plot of hull distance against boundary distance",
        "Each dot is a test image: how far it is outside the training hull against how far "
        "it is from the nearest decision boundary.",
    )


def _gauge_picture(study: Study) -> Picture:
    return svg(
        gauge(study),
        "Histogram of the gauge of the training hull",
        "Degree of extrapolation of the test images.",
    )


def _accuracy_picture(study: Study) -> Picture:
    return svg(
        accuracy_by_distance(study),
        "Line plot: accuracy by fifths of the distance to the hulls",
        "Accuracy in each fifth of the test images, ordered by distance to the hulls.",
    )


def hull_distances(study: Study) -> Figure:
    """Histogram of the distances to the training hull and to the predicted class's hull."""
    figure, axes = new_figure(6.4, 3.2)
    values = {
        "training hull": (study.training.distances, HULL),
        "hull of the predicted class": (study.classes.own.distances, OWN),
    }
    finite = np.concatenate([d[np.isfinite(d)] for d, _ in values.values()])
    bins = np.linspace(0, finite.max(initial=1e-12), 60).tolist()
    for (name, (distances, color)), result in zip(
        values.items(), (study.training, study.classes.own), strict=True
    ):
        label = f"{name}, {_mean(result.outside):.1%} outside"
        axes.hist(distances[np.isfinite(distances)], bins, alpha=0.65, label=label, color=color)
    axes.set(xlabel="distance to the hull", ylabel="test images")
    axes.legend()
    return figure


def gauge(study: Study) -> Figure:
    """Histogram of the gauge of the training hull, for right and wrong predictions."""
    figure, axes = new_figure(6.4, 3.2)
    values = study.training.gauge
    usable = np.isfinite(values)
    low, high = min(values[usable].min(initial=1.0), 1.0), max(values[usable].max(initial=1.0), 1.0)
    bins = np.linspace(low, max(high, low + 1e-9), 60).tolist()
    for label, rows, color in shown_groups(study):
        axes.hist(values[rows & usable], bins, alpha=0.65, label=label, color=color)
    axes.axvline(1.0, color="black", linewidth=1, label="boundary of the hull")
    axes.set(xlabel="gauge of the training hull", ylabel="test images")
    axes.legend()
    return figure


def outside_by_class(study: Study) -> Figure:
    """Bars with the share of test images outside each hull, by predicted class."""
    names = study.split.names
    figure, axes = new_figure(6.4, 0.9 + 0.32 * min(len(names), MOST_NAMES))
    predictions = study.split.test.predictions
    for offset, result, label, color in (
        (-0.2, study.training, "training hull", HULL),
        (0.2, study.classes.own, "hull of the predicted class", OWN),
    ):
        shares = [_mean(result.outside[predictions == c]) for c in range(len(names))]
        axes.barh(np.arange(len(names)) + offset, shares, 0.38, label=label, color=color)
    if len(names) <= MOST_NAMES:
        axes.set_yticks(np.arange(len(names)), names)
    axes.set(xlabel="share of the test images outside", xlim=(0, 1.0))
    axes.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def accuracy_by_distance(study: Study) -> Figure:
    """Accuracy in each fifth of the distance to the hulls."""
    figure, axes = new_figure(6.4, 3.0)
    labels = ("nearest\nfifth", "second", "third", "fourth", "farthest\nfifth")
    for result, label, color in (
        (study.training, "training hull", HULL),
        (study.classes.own, "hull of the predicted class", OWN),
    ):
        part = result.fifths
        accuracy = [_mean(study.correct[part == i]) for i in range(5)]
        axes.plot(range(5), accuracy, "o-", label=label, color=color)
    axes.set_xticks(range(5), labels)
    axes.set(xlabel="by distance to the hull", ylabel="accuracy")
    axes.legend()
    return figure


def distance_scatter(study: Study) -> Figure:
    """Distance to the training hull against distance to the decision boundary."""
    figure, axes = new_figure(6.4, 3.8)
    shown = np.flatnonzero(np.isfinite(study.boundaries.nearest))
    if len(shown) > _MOST_DOTS:
        shown = np.random.default_rng(0).choice(shown, _MOST_DOTS, replace=False)
    for label, members, color in shown_groups(study):
        rows = shown[members[shown]]
        axes.scatter(
            study.training.distances[rows],
            study.boundaries.nearest[rows],
            s=5,
            alpha=0.5,
            linewidths=0,
            label=label,
            color=color,
            rasterized=True,
        )
    axes.set(xlabel="distance to the training hull", ylabel="distance to the decision boundary")
    axes.legend(markerscale=3)
    return figure


def _mean(values: npt.NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else float("nan")
