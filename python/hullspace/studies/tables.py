"""The tables about the data, the hulls and the boundaries in closed form."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.status import Proof
from hullspace.studies.table import QUANTILE_NAMES, Table, count, groups, number, quantiles, share

if TYPE_CHECKING:
    from hullspace.features import FeatureSet
    from hullspace.studies.analyses import HullResult
    from hullspace.studies.result import Study

_Bools = npt.NDArray[np.bool_]


def data_tables(study: Study) -> dict[str, Table]:
    """Make the table of the data and the model."""
    return {"accuracy": accuracy_table(study)}


def extrapolation_tables(study: Study) -> dict[str, Table]:
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


def class_tables(study: Study) -> dict[str, Table]:
    """Make the tables of the test images and the hulls of classes."""
    own = study.classes.own
    named = "the hull of the predicted class"
    return {
        "class distances": distance_table(study, named, own.distances, own.gaps),
        "nearest": nearest_table(study),
        "pairs": pair_table(study),
    }


def accuracy_table(study: Study) -> Table:
    """Accuracy on training and test images, by predicted class."""
    table = Table(
        "Accuracy",
        ("predicted class", "training images", "accuracy", "test images", "accuracy"),
        note="Share of the predictions of a class that are right; a dash without labels.",
    )
    sets = study.split.train, study.split.test
    for c, name in enumerate(("all", *study.split.names), start=-1):
        cells = [_count_and_accuracy(part, c) for part in sets]
        table.rows.append((name, *cells[0], *cells[1]))
    return table


def _count_and_accuracy(part: FeatureSet, c: int) -> tuple[str, str]:
    """Count the predictions of a class, or all of them, and the share of those that are right."""
    rows = np.ones(len(part), bool) if c < 0 else part.predictions == c
    if part.labels is None:
        return f"{count(rows):,}", "-"
    return f"{count(rows):,}", _percent((part.predictions == part.labels)[rows])


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
                _percent(proven),
                _percent(exact),
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


def pair_table(study: Study) -> Table:
    """Say how far the class hulls are from each other."""
    table = Table(
        "Class hulls against each other",
        ("class", "training images", "nearest other class", "distance", "disjoint from"),
        note="Distance of the hulls of the training features that the network predicts as each "
        "class. Disjoint: a hyperplane is verified to separate them.",
    )
    classes, names = study.classes, study.split.names
    others = ~np.eye(len(names), dtype=bool) & np.isfinite(classes.pair_distances)
    distances = np.where(others, classes.pair_distances, np.inf)
    for c, name in enumerate(names):
        n_others = count(others[c])
        nearest = names[int(distances[c].argmin())] if n_others else "-"
        disjoint = f"{count(classes.disjoint[c] & others[c])} of {n_others}"
        size, distance = f"{classes.sizes[c]:,}", number(float(distances[c].min(initial=np.inf)))
        table.rows.append((name, size, nearest, distance, disjoint))
    return table


def distance_table(
    study: Study,
    what: str,
    distances: npt.NDArray[np.float64],
    gaps: npt.NDArray[np.float64] | None,
) -> Table:
    """Quantiles of a distance, and the largest gap where it was computed to a tolerance."""
    note = (
        "Quantiles, in the units of the features; the true distances are at most the gap smaller."
        if gaps is not None
        else "Quantiles, in the units of the features, in closed form: |margin| / |W_i - W_j|."
    )
    if n_infinite := count(np.isinf(distances)):
        note += f" {n_infinite:,} infinite ones are left out."
    columns = ("predicted class", *QUANTILE_NAMES, *([] if gaps is None else ["largest gap"]))
    table = Table(f"Distance to {what}", columns, note=note)
    for name, rows in groups(study):
        gap = [] if gaps is None else [number(gaps[rows].max(initial=0.0))]
        table.rows.append((name, *quantiles(distances[rows]), *gap))
    return table


def boundary_table(study: Study) -> Table:
    """Quantiles of the distance to the nearest decision boundary, and who is across it."""
    nearest, competitors = study.boundaries.nearest, study.boundaries.competitors
    table = distance_table(study, "the nearest decision boundary", nearest, None)
    rows = []
    for cells, (name, members) in zip(table.rows, groups(study), strict=True):
        across = competitors[members & (competitors >= 0)]
        votes = np.bincount(across, minlength=len(study.split.names))
        most = int(votes.argmax())
        usual = f"{study.split.names[most]} ({votes[most] / max(count(members), 1):.1%})"
        rows.append((*cells, "-" if name == "all" or not len(across) else usual))
    note = table.note + " Competitor: the class most often across that boundary."
    return Table(table.title, (*table.columns, "competitor"), rows, note)


def nearest_table(study: Study) -> Table:
    """Compare the nearest class hull with the network's prediction."""
    table = Table(
        "Nearest class hull against the network's prediction",
        ("test images", "number", "agree", "differ", "undecided"),
        note="Undecided: two class hulls are equally near, within the gaps.",
    )
    nearest, predictions = study.classes.nearest, study.split.test.predictions
    everyone, *classes = groups(study)
    named = [(f"predicted {name}", rows) for name, rows in classes]
    for name, rows in (everyone, *study.outcomes(), *named):
        n = count(rows)
        agree = count((nearest == predictions)[rows])
        undecided = count((nearest == -1)[rows])
        counts = (share(agree, n), share(n - agree - undecided, n), f"{undecided:,}")
        table.rows.append((name, f"{n:,}", *counts))
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
    parts = [distance_fifths(hull) for hull in hulls]
    for i, label in enumerate(fifths):
        cells = [_count_and_share(part == i, study.correct) for part in parts]
        table.rows.append((label, *cells[0], *cells[1]))
    return table


def distance_fifths(hull: HullResult) -> npt.NDArray[np.int64]:
    """Rank the test images by their distance to a hull, in five groups of nearly equal size."""
    order = np.argsort(hull.distances, kind="stable")
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order)) * 5 // max(len(order), 1)
    return ranks


def _percent(values: _Bools) -> str:
    return f"{values.mean():.1%}" if len(values) else "-"


def _count_and_share(rows: _Bools, correct: _Bools) -> tuple[str, str]:
    return f"{count(rows):,}", _percent(correct[rows])
