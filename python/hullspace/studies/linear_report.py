"""The chapter about linear regions: what it found in words, and its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.studies import linear_plots
from hullspace.studies.finding import Finding, measured, proven
from hullspace.studies.pictures import Picture, png, svg
from hullspace.studies.table import number

if TYPE_CHECKING:
    from hullspace.studies.linear import LinearResult
    from hullspace.studies.linear_plane import PlaneResult
    from hullspace.studies.result import Study

# A picture of more polygons is smaller as pixels.
_MOST_POLYGONS = 2_000


def linear_findings(study: Study) -> list[Finding]:
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
                measured(
                    f"The straight way between two test images {name} crosses "
                    f"{np.median(ways.n_regions[chosen]):,.0f} linear regions in the median "
                    f"of {np.count_nonzero(chosen):,} pairs, and the class changes "
                    f"{np.median(ways.n_changes[chosen]):.3g} times."
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


def linear_pictures(study: Study) -> dict[str, list[Picture]]:
    """Draw the figures that belong to the tables of the linear regions, by the tables' names."""
    found = study.linear
    if found is None:
        return {}
    pictures: dict[str, list[Picture]] = {}
    if len(found.radii.images):
        pictures["linear radii"] = [_radius_picture(found)]
    if found.plane is not None:
        pictures["linear slice"] = [_plane_picture(study, found.plane)]
        pictures["linear ways"] = [_way_picture(study, found)]
    return pictures


def _plane_picture(study: Study, plane: PlaneResult) -> Picture:
    names = study.split.names
    places = [
        f"test image {i} ({names[c]})"
        for i, c in zip(plane.images.tolist(), plane.classes.tolist(), strict=True)
    ]
    through = f"{places[0]}, {places[1]} and {places[2]}"
    what = f"{len(plane.cut):,} linear regions, tinted by class, and the decision boundary as lines"
    text = (
        f"The plane through {through}. {what[0].upper()}{what[1:]}; regions that several classes "
    )
    text += "share are grey."
    if not plane.whole:
        text += " Left: the class at points of a grid. Right: the exact regions in the square."
    if not plane.complete:
        text += " Incomplete: where nothing is drawn, no regions were found before a limit."
    embed = svg if len(plane.cut) <= _MOST_POLYGONS else png
    return embed(
        linear_plots.plane_figure(plane, names),
        f"Slice of image space through {through}: {what}",
        text,
    )


def _way_picture(study: Study, found: LinearResult) -> Picture:
    assert found.plane is not None  # noqa: S101 - only called with it
    first, second = (study.split.names[c] for c in found.plane.classes[:2])
    walk = found.ways.sides[0]
    return svg(
        linear_plots.way_figure(found, study.split.names),
        f"Line plot: logits on the way from an image of {first} to one of {second}, through "
        f"{walk.n_regions:,} linear regions",
        f"Logits on the straight way from the plane's image of {first} to that of {second}, which "
        f"crosses {walk.n_regions:,} linear regions; shaded by class.",
    )


def _radius_picture(found: LinearResult) -> Picture:
    return svg(
        linear_plots.radius_figure(found),
        "Histogram of the radii within which the network is certainly affine, in two norms",
        f"How far around {len(found.radii.images):,} test images the network is certainly affine.",
    )
