"""What the partition is like, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.studies.finding import Finding, settled
from hullspace.studies.table import count, number, share

if TYPE_CHECKING:
    from hullspace.studies.chapters.partition.find import PartitionResult
    from hullspace.studies.result import Study


def say(study: Study) -> list[Finding]:
    """Say what the partition is like."""
    found = study.partition
    if found is None:
        return []
    sentences = [settled(_regions(found, study.split.head.n_classes), found.regions_proven)]
    flips = found.flips
    if (there := np.isfinite(flips.nearest)).any():
        median = number(float(np.median(flips.nearest[there])))
        sentences.append(
            settled(
                f"Inside the domain the nearest feature where the prediction changes is {median} "
                f"away in the median; for {share(count(flips.farther & there), count(there))} of "
                "the test images it is farther than the nearest hyperplane, as the domain or a "
                "third class is in the way.",
                bool(flips.checked.all()),
            )
        )
    return sentences


def _regions(found: PartitionResult, n_classes: int) -> str:
    solid = found.balls.radii[found.balls.radii > 0.0]
    text = f"{len(solid):,} of the {n_classes:,} classes have a region of some volume in the domain"
    if found.adjacency is not None:
        n_pairs = n_classes * (n_classes - 1) // 2
        text += f", and {len(found.adjacency.pairs):,} of the {n_pairs:,} pairs share a facet"
    if len(solid) and solid.min() >= 0.999 * found.domain_radius:
        text += (
            "; each holds a ball as large as any in the domain, so its narrowest features, not "
            "other classes, limit them"
        )
    return text + "."
