"""What the linear regions are like, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.studies.finding import Finding, proven, settled
from hullspace.studies.table import number

if TYPE_CHECKING:
    from hullspace.studies.result import Study


def say(study: Study) -> list[Finding]:
    """Say in plain words what the linear regions are like."""
    found = study.linear
    if found is None:
        return []
    sentences = []
    ways, radii = found.ways, found.radii
    for name, rows in (("of one class", ways.same), ("of two classes", ~ways.same)):
        chosen = rows & ways.reached
        if chosen.any():
            sentences.append(
                settled(
                    f"The straight way between two test images {name} crosses "
                    f"{np.median(ways.n_regions[chosen]):,.0f} linear regions in the median "
                    f"of {np.count_nonzero(chosen):,} pairs, and the class changes "
                    f"{np.median(ways.n_changes[chosen]):.3g} times.",
                    bool(ways.checked[chosen].all()),
                )
            )
    if len(radii.images):
        medians = [number(float(value)) for value in np.median(radii.affine, axis=0)]
        classes = [number(float(value)) for value in np.median(radii.class_, axis=0)]
        sentences.append(
            proven(
                f"The network is proven to be affine within {medians[0]} of a test image in the "
                f"median (2-norm; {medians[1]} in the largest norm), and to keep its class within "
                f"{classes[0]} ({classes[1]})."
            )
        )
    return sentences
