"""How little changes the answer, and how far nothing can, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.status import Status
from hullspace.studies.finding import Finding, heuristic, measured, proven
from hullspace.studies.table import count, number, share

if TYPE_CHECKING:
    from hullspace.studies.chapters.adversarial.find import AdversarialResult
    from hullspace.studies.result import Study


def say(study: Study) -> list[Finding]:
    """Say how little changes the answer, and how far nothing can."""
    found = study.adversarial
    if found is None:
        return []
    sentences = []
    for name, flips in found.flips.items():
        reached = flips.status == Status.REACHED
        if reached.any():
            median = number(float(np.median(flips.distances[reached])))
            text = (
                f"For {share(count(reached), len(reached))} of {len(reached):,} test images an "
                f"image was found where the model's answer changes, {median} away in the median "
                f"({name} in pixels)."
            )
            sentences.append(heuristic(text))
    sentences += _radii(found)
    both = np.isfinite(found.travels) & np.isfinite(found.in_features)
    both &= found.in_features > 0
    if both.any():
        ratio = number(float(np.median(found.travels[both] / found.in_features[both])))
        text = (
            f"Such a change moves the features {ratio} times as far, in the median, as the nearest "
            "decision boundary in feature space is."
        )
        sentences.append(measured(text))
    return sentences


def _radii(found: AdversarialResult) -> list[Finding]:
    sentences: list[Finding] = []
    for name, lower in found.guaranteed.items():
        known = np.isfinite(lower)
        if known.any():
            # A radius that rounding leaves at zero says nothing, and counts as such.
            text = (
                f"Within {number(float(np.median(lower[known])))} of an image no change of pixels "
                f"can alter the answer, in the median of {count(known):,} images ({name})."
            )
            sentences.append(proven(text))
    return sentences
