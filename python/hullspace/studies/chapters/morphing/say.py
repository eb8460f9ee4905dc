"""What the model makes of the ways between images, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.studies.finding import Finding, heuristic, measured
from hullspace.studies.table import number

if TYPE_CHECKING:
    from hullspace.studies.result import Study


def say(study: Study) -> list[Finding]:
    """Say what the model makes of the ways between images."""
    found = study.morphing
    if found is None or not found.ways:
        return []
    kinds = {
        "pixels": [way.pixels_way for way in found.ways],
        "features": [way.features_way for way in found.ways],
    }
    sentences = []
    for name, ways in kinds.items():
        n_classes = np.mean([len(np.unique(way.classes)) for way in ways])
        text = f"On the way that is straight in {name} the model names {n_classes:.2g} classes"
        farthest = [np.nanmax(way.distances) for way in ways if way.distances is not None]
        if farthest:
            text += f"; it leaves the training hull by {number(float(np.median(farthest)))} at most"
        sentences.append(measured(f"{text}, in the median of {len(ways)} pairs of test images."))
    residuals = [np.median(way.features_way.residuals) for way in found.ways]
    text = (
        "The images found for the way that is straight in features miss it by "
        f"{number(float(np.median(residuals)))} in the median."
    )
    return [*sentences, heuristic(text)]
