"""What the most important figures mean, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.comparison.statistics import formatted
from hullspace.studies.finding import Basis, Finding

if TYPE_CHECKING:
    from hullspace.studies.result import Study

# What the text repeats of the figures, the most important first: names, and spaces where not all.
_SAID: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("outside_training_hull", ("pixels",)),
    ("flip_rank_correlation", ()),
    ("outside_training_hull", ("features",)),
    ("intrinsic_dimension", ("pixels", "features")),
    ("outside_class_hull", ("features",)),
    ("extreme_points", ("pixels", "features")),
    ("boundary_to_neighbour", ("pixels", "features")),
    ("nearest_class_agrees", ()),
    ("pixel_flip_in_features", ()),
    ("feature_flip_reached", ()),
    ("feature_flip_in_pixels", ()),
    ("adversarial_in_guaranteed_region_1", ()),
    ("adversarial_in_guaranteed_region_2", ()),
    ("angle_between_ways", ("pixels", "features")),
    ("class_changes", ("pixels", "features")),
    ("third_class_between", ("pixels", "features")),
    ("same_sequence", ()),
    ("error_auroc_hull_distance", ("pixels", "features")),
    ("error_auroc_boundary_distance", ()),
    ("error_auroc_softmax", ()),
    ("nearest_hull_minus_model", ("features",)),
    ("nearest_hull_minus_nearest_mean", ("features",)),
)


def say(study: Study) -> list[Finding]:
    """Say what the most important figures mean."""
    if study.spaces is None:
        return []
    found = []
    for name, spaces in _SAID:
        for estimate in study.spaces.estimates:
            known = estimate.name == name and (not spaces or estimate.space in spaces)
            if known and np.isfinite(estimate.value):
                text = estimate.sentence
                if np.isfinite(estimate.low):
                    ends = (formatted(end, estimate.unit) for end in (estimate.low, estimate.high))
                    text += f" (95% interval: {' to '.join(ends)})"
                found.append(Finding(text, Basis(estimate.kind)))
    return found
