"""What the partition is like, in words and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.studies import partition_plots, plots
from hullspace.studies.finding import Finding, measured
from hullspace.studies.partition_tables import SHOWN_IMAGES, hull_word
from hullspace.studies.pictures import Picture, svg
from hullspace.studies.table import count, number, share

if TYPE_CHECKING:
    from hullspace.studies.partition import PartitionResult
    from hullspace.studies.result import Study
    from hullspace.studies.slices import Slice


def partition_findings(study: Study) -> list[Finding]:
    """Say what the partition is like."""
    found = study.partition
    if found is None:
        return []
    sentences = [measured(_regions(found, study.split.head.n_classes))]
    flips = found.flips
    if (there := np.isfinite(flips.nearest)).any():
        median = number(float(np.median(flips.nearest[there])))
        sentences.append(
            measured(
                f"Inside the domain the nearest feature where the prediction changes is {median} "
                f"away in the median; for {share(count(flips.farther & there), count(there))} of "
                "the test images it is farther than the nearest hyperplane, as the domain or a "
                "third class is in the way."
            )
        )
    return sentences


def coverage_findings(study: Study) -> list[Finding]:
    """Say how many test images are guaranteed their classes."""
    found = study.partition
    if found is None:
        return []
    cover = found.coverage
    inside = share(count(cover.inside), len(cover.inside))
    beyond = cover.quantiles[0.5]
    rest = f"; those outside are {number(beyond)} away in the median" if beyond > 0.0 else ""
    text = f"{inside} of the test images lie in their class's guaranteed region{rest}."
    return [measured(text)]


def ambiguity_findings(study: Study) -> list[Finding]:
    """Name the image nearest to a tie of the most classes that were looked for."""
    found = study.partition
    if found is None:
        return []
    names = study.split.names
    for k in sorted(found.ambiguity, reverse=True):
        ambiguity = found.ambiguity[k]
        for row in ambiguity.most_ambiguous(1):
            *others, last = (names[c] for c in ambiguity.classes[row])
            distance = number(float(ambiguity.distances[row]))
            return [
                measured(
                    f"Test image {found.scope.images[row]:,} is {distance} from a tie between "
                    f"{', '.join(others)} and {last}, nearer than any other to one of {k} classes."
                )
            ]
    return []


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


def partition_pictures(study: Study) -> dict[str, list[Picture]]:
    """Draw the figures that belong to the tables of the partition, by the tables' names."""
    found = study.partition
    if found is None:
        return {}
    colors = partition_plots.slice_colors(found.slices)
    pictures = {
        "boundary distances": [boundary_picture(study)],
        "flips": [_across_picture(study, found)],
        "slices": [_slice_picture(study, cut, colors) for cut in found.slices],
    }
    if found.adjacency is not None:
        pictures["neighbours"] = [_facet_picture(study, found)]
        pictures["flip pairs"] = [_flip_picture(study, found)]
    return pictures


def coverage_pictures(study: Study) -> dict[str, list[Picture]]:
    """Draw how much of the test images the guaranteed regions cover."""
    found = study.partition
    return {} if found is None else {"guaranteed": [_coverage_picture(study, found)]}


def ambiguity_pictures(study: Study) -> dict[str, list[Picture]]:
    """Show the most ambiguous test images."""
    found = study.partition
    return {} if found is None else {"ambiguous": _strips(study, found)}


def boundary_picture(study: Study) -> Picture:
    """Draw the distances to the nearest boundary."""
    return svg(
        plots.boundary_distances(study),
        "Histogram of the distances of test images to the nearest decision boundary",
        "Distances of the test images to the nearest decision boundary, in closed form.",
    )


def _facet_picture(study: Study, found: PartitionResult) -> Picture:
    return svg(
        partition_plots.facet_radii(study, found),
        "Heat map: radii of the facets between the regions of the classes",
        "Radius of the largest ball of the facet that two regions share; darker is larger, a dash "
        "where they share none.",
    )


def _across_picture(study: Study, found: PartitionResult) -> Picture:
    flips = found.flips
    label = "class across the nearest flip point"
    return svg(
        plots.count_matrix(study.split.names, flips.predictions, flips.targets, label),
        "Heat map: predicted class against the class across the nearest flip point",
        "Number of test images by predicted class and class across the nearest flip point; shade "
        "is the share of the row.",
    )


def _flip_picture(study: Study, found: PartitionResult) -> Picture:
    return svg(
        partition_plots.flip_medians(study, found),
        "Heat map: median distance from the images of a class to the boundary with another one",
        "Median distance that an image of the class at the left has to go to become the class "
        "below; darker is nearer.",
    )


def _coverage_picture(study: Study, found: PartitionResult) -> Picture:
    return svg(
        partition_plots.coverage(study, found),
        "Bars: share of each class's test images in its guaranteed region; distances of the others",
        "Left: share of each class's test images inside its guaranteed region. Right: how far away "
        "from it the others are.",
    )


def _strips(study: Study, found: PartitionResult) -> list[Picture]:
    pictures = []
    for k, ambiguity in found.ambiguity.items():
        rows = found.scope.images[ambiguity.most_ambiguous(SHOWN_IMAGES)]
        pictures += plots.strip(study, rows, f"The test images nearest to a tie of {k} classes.")
    return pictures


def _slice_picture(study: Study, cut: Slice, colors: dict[int, str]) -> Picture:
    names = study.split.names
    through = f"The plane through {', '.join(cut.names[:-1])} and {cut.names[-1]}"
    missed = [names[c] for c in cut.regions if hull_word(cut, c) == "missed"]
    text = f"{through}. Guaranteed balls reach out of the plane too, where boundaries are nearer."
    if missed:
        text += f" The plane misses the class hull of {', '.join(missed)}."
    if not cut.balls:
        text += " It misses the largest balls of these regions."
    return svg(
        partition_plots.slice_figure(study, cut, colors),
        f"Slice of feature space: {through[0].lower()}{through[1:]}, with regions, hulls and balls",
        text,
        partition_plots.slice_hints(study, cut),
    )
