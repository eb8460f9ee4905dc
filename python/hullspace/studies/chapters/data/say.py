"""How good the model is, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hullspace.studies.finding import Finding, measured
from hullspace.studies.table import count, share

if TYPE_CHECKING:
    from hullspace.studies.result import Study


def say(study: Study) -> list[Finding]:
    """Say how good the model is."""
    test = study.split.test
    if test.labels is None:
        text = f"The {len(test):,} test images have no labels; nothing is said of errors."
        return [measured(text)]
    right = share(count(study.correct), len(test))
    return [measured(f"The model predicts {right} of the test images right.")]
