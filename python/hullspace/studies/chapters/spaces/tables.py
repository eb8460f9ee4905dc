"""The tables of the figures of the comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.studies.knowledge import DOMAIN
from hullspace.studies.table import Table, number

if TYPE_CHECKING:
    from hullspace.comparison import Controls, Estimate, SpaceComparison
    from hullspace.studies.result import Study

# Rows of the tables: names of figures, and what they are called there.
_HULLS = {
    "outside_training_hull": "outside the training hull",
    "outside_class_hull": "outside the hull of the class",
    "extreme_points": "training points that are extreme",
    "intrinsic_dimension": "intrinsic dimension",
    "hull_to_neighbour": "distance to the hull / to the nearest training point",
    "hull_to_spread": "distance to the hull / spread of the training set",
    "class_hull_to_neighbour": "distance to the class hull / to the nearest of the class",
    "class_hull_to_spread": "distance to the class hull / spread of the class",
    "boundary_to_neighbour": "distance to the boundary / to the nearest training point",
    "boundary_to_spread": "distance to the boundary / spread of the class",
    "angle_between_ways": "angle between the ways to other classes",
    "class_changes": "changes of class on a straight line",
    "third_class_between": "straight lines through a third class",
}
_CLASSIFIERS = {
    "nearest_hull_accuracy": "accuracy of the nearest class hull",
    "nearest_mean_accuracy": "accuracy of the nearest class mean",
    "model_accuracy": "accuracy of the model, on the same images",
    "nearest_hull_minus_model": "nearest hull minus model",
    "nearest_hull_minus_nearest_mean": "nearest hull minus nearest mean",
}
ERRORS = {
    "error_auroc_hull_distance": "distance to the training hull",
    "error_auroc_neighbour_distance": "distance to the nearest training point",
    "error_auroc_gauge": "gauge of the training hull",
    "error_auroc_guaranteed_distance": "distance to the guaranteed region",
    "error_auroc_boundary_distance": "nearness to the boundary",
    "error_auroc_ambiguity": "nearness to a tie of three classes",
    "error_auroc_softmax": "lack of softmax confidence",
}


def tabulate(study: Study) -> dict[str, Table]:
    """Make the tables of the figures."""
    found = study.spaces
    if found is None:
        return {}
    note = "In brackets: 95% intervals over resampled images."
    left_out = f" Left out: {'; '.join(found.notes)}." if found.notes else ""
    made = {
        "space hulls": _pivot(
            found,
            "Hulls, boundaries and lines in each space",
            _HULLS,
            f"{note} Distances are medians of the images outside, or of all for boundaries, where "
            "those of pixels come from flips found and are upper bounds, and those of features are "
            f"in the domain, {DOMAIN}.{left_out}",
        ),
        "space controls": control_table(found),
        "space pairs": pair_table(found),
        "space errors": _pivot(
            found,
            "What tells the model's errors",
            ERRORS,
            f"{note} Probability that the score is higher for a wrong than for a right answer "
            "(area under the ROC curve): 50% is chance.",
        ),
        "space classifiers": _pivot(
            found,
            "Classifiers without training",
            _CLASSIFIERS,
            f"{note} McNemar's exact test compares answers to the same images.",
        ),
    }
    return {name: table for name, table in made.items() if table.rows}


def _pivot(found: SpaceComparison, title: str, rows: dict[str, str], note: str) -> Table:
    """Make a table of figures by space."""
    table = Table(title, ("figure", *found.spaces), note=note)
    cells = {(e.name, e.space): _cell(e) for e in found.estimates}
    for name, label in rows.items():
        line = [cells.get((name, space), "-") for space in found.spaces]
        if any(cell != "-" for cell in line):
            table.rows.append((label, *line))
    return table


def _cell(estimate: Estimate) -> str:
    if not np.isfinite(estimate.value):
        return "-"
    value, low, high = (_short(v, estimate) for v in (estimate.value, estimate.low, estimate.high))
    text = value if low == high == "-" else f"{value} ({low} to {high})"
    return text if estimate.p_value is None else f"{text}, p = {estimate.p_value:.2g}"


def _short(value: float, estimate: Estimate) -> str:
    if not np.isfinite(value):
        return "-"
    if estimate.unit in {"share", "area"}:
        return f"{value:.1%}"
    return f"{value:+.1%}" if estimate.unit == "points" else number(value)


def control_table(found: SpaceComparison) -> Table:
    """Shares outside in spaces of equal dimension."""
    first: Controls = next(iter(found.controls.values()))
    table = Table(
        "Outside, at equal dimension",
        ("space", "dimension", "random coordinates", "principal components",
         "class hull, random", "class hull, principal"),
        note="Membership in a hull vanishes with dimension for almost any data (Balestriero, "
        "Pesenti and LeCun, arXiv 2110.09485), so shares outside are compared at equal dimension: "
        "of coordinates drawn at random (the mean of three draws), and of principal components of "
        "the training set.",
    )  # fmt: skip
    for space, control in found.controls.items():
        for k in sorted({8, 16, 32, first.matched} & set(control.dimensions.tolist())):
            place = int(np.searchsorted(control.dimensions, k))
            cells = [f"{control.shares[h, kind, place]:.1%}" for h in (0, 1) for kind in (0, 1)]
            table.rows.append((space, f"{k}", *cells))
    return table


def pair_table(found: SpaceComparison) -> Table:
    """Figures that are of pixels and features together, or of what a search found."""
    table = Table(
        "Flips in pixels and in features",
        ("figure", "value", "images", "basis"),
        note="In brackets: 95% intervals over resampled images.",
    )
    single = (*_HULLS, *_CLASSIFIERS, *ERRORS)
    for estimate in found.estimates:
        of_controls = "_random_" in estimate.name or "_principal_" in estimate.name
        if estimate.name not in single and not of_controls and np.isfinite(estimate.value):
            name = estimate.name.replace("_", " ")
            row = (name, _cell(estimate), f"{estimate.n:,}", estimate.kind)
            table.rows.append(row)
    return table
