"""Some of the test images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.studies import figures

if TYPE_CHECKING:
    from hullspace.studies.pictures import Picture
    from hullspace.studies.result import Study


def draw(study: Study) -> dict[str, list[Picture]]:
    """Show some test images, those spread over the set."""
    test = study.subject.test
    if test is None:
        return {}
    some = np.linspace(0, len(test) - 1, min(len(test), figures.MOST_IN_A_STRIP)).astype(int)
    return {"accuracy": figures.strip(study, test.rows[some], "Some of the test images.")}
