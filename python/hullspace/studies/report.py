"""The page of a study: one HTML file that needs no network to be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

import hullspace
from hullspace._extras import require
from hullspace.status import Proof
from hullspace.studies import plots
from hullspace.studies.linear_report import linear_findings, linear_pictures
from hullspace.studies.linear_tables import linear_tables
from hullspace.studies.partition_report import partition_findings, partition_pictures
from hullspace.studies.partition_tables import partition_tables
from hullspace.studies.pictures import Picture, png, svg
from hullspace.studies.table import Table, count, number, share
from hullspace.studies.tables import distance_fifths, hull_tables

if TYPE_CHECKING:
    from hullspace.studies.run import Study

_SHOWN_IMAGES = 10


@dataclass(frozen=True)
class Chapter:
    """Part of the page: tables, each with the figures that belong to it."""

    title: str
    sections: list[tuple[Table, list[Picture]]]


def render(study: Study) -> str:
    """Return the page as HTML text.

    Raises
    ------
    ImportError
        If the extra ``study`` is not installed.
    """
    jinja2 = require("jinja2", "study")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hullspace.studies"), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    with plots.style():
        page: str = environment.get_template("report.html.j2").render(
            study=study,
            date=datetime.now(tz=UTC).date().isoformat(),
            build=hullspace.build_info(),
            findings=findings(study),
            chapters=chapters(study),
        )
    return page


def findings(study: Study) -> list[str]:
    """Say in plain words what the numbers say."""
    n, training, own = len(study.split.test), study.training, study.classes.own
    undecided = count(training.undecided)
    wrong = ~study.correct
    sentences = [
        f"The network predicts {share(count(study.correct), n)} of the test images right.",
        f"{share(count(training.outside), n)} of the test images lie outside the "
        f"convex hull of the training set in feature space ({undecided:,} undecided): there the "
        f"network extrapolates. {share(count(own.outside), n)} lie outside the hull of their "
        f"predicted class ({count(own.undecided):,} undecided).",
        f"The median distance is {number(float(np.median(training.distances)))} to the training "
        f"hull and {number(float(np.median(study.boundaries.nearest)))} to the nearest decision "
        f"boundary.",
    ]
    sentences.extend(_geometry(study))
    nearest, predictions = study.classes.nearest, study.split.test.predictions
    agree = count(nearest == predictions)
    open_ones = count(nearest == -1)
    sentences.append(
        f"The nearest class hull is that of the predicted class for {share(agree, n)} of the test "
        f"images ({open_ones:,} undecided)."
    )
    if wrong.any() and study.correct.any():
        medians = [
            float(np.median(study.boundaries.nearest[rows])) for rows in (study.correct, wrong)
        ]
        sentences.append(
            f"Rightly predicted images are {number(medians[0])} from the nearest boundary in the "
            f"median, wrongly predicted ones {number(medians[1])}."
        )
    others = (*_extrapolation_and_error(study), *partition_findings(study))
    return [*sentences, *others, *linear_findings(study)]


def _geometry(study: Study) -> list[str]:
    """Say how far out the images are, what spans the hull, and whether class hulls touch."""
    training, own, classes = study.training, study.classes.own, study.classes
    sentences = []
    finite = training.gauge[np.isfinite(training.gauge)]
    if len(finite):
        sentences.append(
            f"To reach the median test image, the training hull must be scaled by "
            f"{number(float(np.median(finite)))} about the mean of the training features."
        )
    if training.extreme is not None:
        extreme = share(count(training.extreme), len(training.extreme))
        sentences.append(f"{extreme} of the training images are extreme points of their hull.")
    upper = np.triu(np.isfinite(classes.pair_distances), 1)
    if upper.any():
        sentences.append(
            f"{count(classes.disjoint & upper):,} of the {count(upper):,} pairs of class hulls are "
            "proven to be disjoint."
        )
    verdicts = np.concatenate([training.exact, own.exact])
    sentences.append(
        f"{share(count(verdicts != Proof.UNPROVEN), len(verdicts))} of the memberships are proven "
        "in exact arithmetic."
    )
    return sentences


def _extrapolation_and_error(study: Study) -> list[str]:
    """Compare the accuracy inside and outside; near and far where all images are outside."""
    sentences, correct = [], study.correct
    for name, result in (
        ("training hull", study.training),
        ("hull of their predicted class", study.classes.own),
    ):
        if result.inside.any() and result.outside.any():
            inside, outside = correct[result.inside].mean(), correct[result.outside].mean()
            sentences.append(
                f"Of the test images inside the {name} {inside:.1%} are predicted right, of those "
                f"outside {outside:.1%}."
            )
        elif result.outside.all() and len(correct) >= 5:
            fifths = distance_fifths(result)
            near, far = correct[fifths == 0].mean(), correct[fifths == 4].mean()
            sentences.append(
                f"Of the fifth of the test images nearest to the {name} {near:.1%} are predicted "
                f"right, of the farthest fifth {far:.1%}."
            )
    return sentences


def chapters(study: Study) -> list[Chapter]:
    """Return every table with the figures that belong to it."""
    parts = (
        ("Test images, hulls and boundaries", hull_tables(study), _hull_pictures(study)),
        ("The partition of feature space", partition_tables(study), partition_pictures(study)),
        ("Linear regions in image space", linear_tables(study), linear_pictures(study)),
    )
    return [
        Chapter(title, [(table, pictures.get(name, [])) for name, table in tables.items()])
        for title, tables, pictures in parts
        if tables
    ]


def _hull_pictures(study: Study) -> dict[str, list[Picture]]:
    return {
        "hulls": [_outside_picture(study), *_strips(study)],
        "training distances": [_hull_distance_picture(study)],
        "gauge": [_gauge_picture(study)],
        "pairs": [_pair_picture(study)],
        "boundary distances": _boundary_pictures(study),
        "nearest": [_nearest_picture(study)],
        "trust": [_accuracy_picture(study)],
    }


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


def _gauge_picture(study: Study) -> Picture:
    return svg(
        plots.gauge(study),
        "Histogram of the gauge of the training hull",
        "Degree of extrapolation of the test images, for right and wrong predictions.",
    )


def _pair_picture(study: Study) -> Picture:
    return svg(
        plots.class_pairs(study),
        "Heat map: distances between the class hulls",
        "Distances between the hulls of the classes; darker is nearer.",
    )


def _boundary_pictures(study: Study) -> list[Picture]:
    return [
        svg(
            plots.boundary_distances(study),
            "Histogram of the distances of test images to the nearest decision boundary",
            "Distances to the nearest decision boundary, for right and wrong predictions.",
        ),
        svg(
            plots.distance_scatter(study),
            "Scatter plot of hull distance against boundary distance",
            "Each dot is a test image: how far it is outside the training hull against how far "
            "it is from the nearest decision boundary.",
        ),
    ]


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


def _strips(study: Study) -> list[Picture]:
    """Show the test images that are farthest out and those nearest to a boundary, if given."""
    if study.images is None:
        return []
    labels = plots.verdicts(study)
    pictures = []
    for values, caption in (
        (-study.training.distances, "The test images farthest outside the training hull."),
        (study.boundaries.nearest, "The test images nearest to a decision boundary."),
    ):
        order = np.argsort(values, kind="stable")[:_SHOWN_IMAGES]
        figure = plots.image_strip(study, order, [labels[i] for i in order])
        full = f"{caption} Above each: what it is, what the network says."
        pictures.append(png(figure, caption, full))
    return pictures
