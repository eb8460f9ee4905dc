"""The table of the data and the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.studies.table import Table, count, percent

if TYPE_CHECKING:
    from hullspace.features import FeatureSet
    from hullspace.studies.result import Study


def tabulate(study: Study) -> dict[str, Table]:
    """Make the table of the data and the model."""
    return {"accuracy": accuracy_table(study)}


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
    return f"{count(rows):,}", percent((part.predictions == part.labels)[rows])
