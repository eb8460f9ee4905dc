"""How many test images are guaranteed their classes, and how the class hulls lie, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.studies.finding import Finding, settled
from hullspace.studies.table import count, number, share

if TYPE_CHECKING:
    from hullspace.studies.result import Study


def say(study: Study) -> list[Finding]:
    """Say what is certain without looking."""
    return [*_coverage(study), *_classes(study)]


def _coverage(study: Study) -> list[Finding]:
    """Say how many test images are guaranteed their classes."""
    found = study.partition
    if found is None:
        return []
    cover = found.coverage
    inside = share(count(cover.inside), len(cover.inside))
    beyond = cover.quantiles[0.5]
    rest = f"; those outside are {number(beyond)} away in the median" if beyond > 0.0 else ""
    text = f"{inside} of the test images lie in their class's guaranteed region{rest}."
    return [settled(text, bool(found.coverage_checked.all()))]


def _classes(study: Study) -> list[Finding]:
    """Say how the class hulls lie to each other and to the test images."""
    if study.hulls is None:
        return []
    classes, sentences = study.classes, []
    upper = np.triu(np.isfinite(classes.pair_distances), 1)
    if upper.any():
        text = (
            f"{count(classes.disjoint & upper):,} of the {count(upper):,} pairs of class hulls are "
            "separated by a hyperplane."
        )
        sentences.append(settled(text, bool(classes.pair_checked[upper].all())))
    nearest, predictions = classes.nearest, study.split.test.predictions
    agree, n_open = share(count(nearest == predictions), len(nearest)), count(nearest == -1)
    text = (
        f"The nearest class hull is that of the predicted class for {agree} of the test images "
        f"({n_open:,} undecided)."
    )
    return [*sentences, settled(text, bool(classes.checked.all()))]
