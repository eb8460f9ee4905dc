"""The tables of the test images and the training hull."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.status import Proof
from hullspace.studies.table import (
    QUANTILE_NAMES,
    Table,
    count,
    distance_table,
    groups,
    percent,
    quantiles,
    share,
)

if TYPE_CHECKING:
    from hullspace.studies.result import Study

_Bools = npt.NDArray[np.bool_]


def tabulate(study: Study) -> dict[str, Table]:
    """Make the tables of the test images and the training hull."""
    found = study.training
    named = "the training hull"
    made = {
        "hulls": hull_table(study),
        "gauge": gauge_table(study),
        "training distances": distance_table(study, named, found.distances, found.gaps),
        "extreme": extreme_table(study),
    }
    return made | ({"trust": trust_table(study)} if study.outcomes() else {})


def hull_table(study: Study) -> Table:
    """Count the test images outside the hulls."""
    table = Table(
        "Test images outside the hulls",
        (
            "predicted class",
            "outside the training hull",
            "undecided",
            "outside the class hull",
            "undecided",
            "proven",
            "proven exactly",
        ),
        note=(
            "Training hull: the convex hull of all training features. Class hull: that of the "
            "training features that the network predicts as the image's predicted class; within "
            "it the prediction is certain. Proven: share of both memberships whose certificate "
            "passed a check that shares no code with the solver. Proven exactly: decided with "
            "tolerance zero, all numbers taken for the binary fractions that they are."
        ),
    )
    own = study.classes.own
    for name, rows in groups(study):
        n = count(rows)
        hulls = (study.training, own)
        proven = np.concatenate([hull.proven[rows] for hull in hulls])
        exact = np.concatenate([hull.exact[rows] != Proof.UNPROVEN for hull in hulls])
        table.rows.append(
            (
                name,
                share(count(study.training.outside[rows]), n),
                f"{count(study.training.undecided[rows]):,}",
                share(count(own.outside[rows]), n),
                f"{count(own.undecided[rows]):,}",
                percent(proven),
                percent(exact),
            )
        )
    return table


def gauge_table(study: Study) -> Table:
    """Quantiles of the gauge of the training hull."""
    gauge = study.training.gauge
    table = Table(
        "Degree of extrapolation",
        ("test images", *QUANTILE_NAMES),
        note="Quantiles of the gauge: by how much the training hull must be scaled about the mean "
        "of the training features to reach an image. Below 1 inside, above 1 outside.",
    )
    if n_open := count(~np.isfinite(gauge)):
        table = replace(table, note=f"{table.note} {n_open:,} without a finite value are left out.")
    everyone, *classes = groups(study)
    named = [(f"predicted {name}", rows) for name, rows in classes]
    for name, rows in (everyone, *study.outcomes(), *named):
        table.rows.append((name, *quantiles(gauge[rows])))
    return table


def extreme_table(study: Study) -> Table:
    """Count the training images that span the training hull."""
    table = Table(
        "Extreme training images",
        ("predicted class", "training images", "extreme points of the training hull"),
        note="Extreme: outside the hull of all other training images, each proven by a direction "
        "along which it lies beyond them. The hull is that of the extreme points alone.",
    )
    extreme, predictions = study.training.extreme, study.split.train.predictions
    if extreme is None:
        return replace(table, note=table.note + " Left out: there are too many training images.")
    table.rows.append(("all", f"{len(extreme):,}", share(count(extreme), len(extreme))))
    for c, name in enumerate(study.split.names):
        rows = predictions == c
        table.rows.append((name, f"{count(rows):,}", share(count(extreme[rows]), count(rows))))
    return table


def trust_table(study: Study) -> Table:
    """Accuracy inside and outside the hulls, and by distance."""
    table = Table(
        "Does extrapolation cost accuracy?",
        ("test images", "training hull", "accuracy", "class hull", "accuracy"),
        note="Test images by membership in the hulls, and by fifths of the distance to them.",
    )
    hulls = (study.training, study.classes.own)
    for label in ("inside", "outside", "undecided"):
        cells = [_count_and_share(getattr(hull, label), study.correct) for hull in hulls]
        table.rows.append((label, *cells[0], *cells[1]))
    fifths = ("nearest fifth", "second", "third", "fourth", "farthest fifth")
    parts = [hull.fifths for hull in hulls]
    for i, label in enumerate(fifths):
        cells = [_count_and_share(part == i, study.correct) for part in parts]
        table.rows.append((label, *cells[0], *cells[1]))
    return table


def _count_and_share(rows: _Bools, correct: _Bools) -> tuple[str, str]:
    return f"{count(rows):,}", percent(correct[rows])
