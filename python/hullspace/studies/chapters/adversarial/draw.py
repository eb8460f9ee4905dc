"""Distances at which the answer changes, and images with their flips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.studies.chapters.adversarial.tables import SHOWN, easiest
from hullspace.studies.figures import HULL, OWN, image_grid, new_figure, plain_log_axis
from hullspace.studies.pictures import Picture, as_picture, png, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hullspace.studies.chapters.adversarial.find import AdversarialResult
    from hullspace.studies.result import Study


def draw(study: Study) -> dict[str, list[Picture]]:
    """Draw distances, and show images with their flips."""
    found = study.adversarial
    if found is None:
        return {}
    pictures = [
        svg(
            brackets(found),
            "Range plot: for each image the proven radius and the distance of the flip found",
            "Each line is a test image: no change of pixels shorter than its lower end alters the "
            "answer, and one as long as its upper end does. Dots alone: no radius was looked for.",
        ),
        svg(
            pixels_against_features(found),
            "Scatter plot of flip distances in pixels against boundary distances in features",
            "Each dot is a test image: how far it has to go in feature space and in pixels before "
            "the answer changes.",
        ),
    ]
    shown = easiest(found)[:SHOWN]
    if len(shown) and found.images.ndim == 4 and found.images.shape[1] in (1, 3):
        figure = flipped_images(study, found, shown)
        caption = (
            "Above: test images. Middle: the nearest images found where the answer changes "
            "(2-norm). Below: their differences, magnified until they fill the range; grey is none."
        )
        pictures.append(png(figure, "Test images, their flips and the differences", caption))
    return {"flip distances": pictures[:2], "flip targets": pictures[2:]}


def brackets(found: AdversarialResult) -> Figure:
    """Lines from the proven radius to the flip's distance, one for each image."""
    figure, _ = new_figure(7.4, 3.4)
    figure.clear()
    panels = figure.subplots(1, len(found.flips), sharey=True)
    radii = found.guaranteed
    for axes, (name, flips) in zip(panels, found.flips.items(), strict=True):
        there = np.flatnonzero(np.isfinite(flips.distances))
        order = there[np.argsort(flips.distances[there], kind="stable")]
        places = np.arange(len(order))
        axes.plot(flips.distances[order], places, ".", color=OWN, markersize=4, label="flip found")
        if name in radii:
            lower = radii[name][order]
            known = lower > 0.0
            axes.hlines(
                places[known], lower[known], flips.distances[order][known], color=HULL, alpha=0.35,
                linewidth=1,
            )  # fmt: skip
            axes.plot(
                lower[known], places[known], ".", color=HULL, markersize=4,
                label="no change possible",
            )  # fmt: skip
            plain_log_axis(axes)
        axes.set(xlabel=f"distance in pixels, {name}")
    panels[0].set(ylabel="test images, in order")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def pixels_against_features(found: AdversarialResult) -> Figure:
    """Scatter of the flip's distance in pixels against the boundary's in features."""
    figure, axes = new_figure(6.4, 3.6)
    distances = found.flips["2-norm"].distances
    there = np.isfinite(distances) & np.isfinite(found.in_features)
    axes.plot(found.in_features[there], distances[there], ".", color=HULL, alpha=0.7)
    axes.set(xlabel="distance to the nearest boundary in features")
    axes.set(ylabel="flip found in pixels (2-norm)", xlim=(0, None), ylim=(0, None))
    return figure


def flipped_images(study: Study, found: AdversarialResult, shown: npt.NDArray[np.int64]) -> Figure:
    """Images, their flips in the 2-norm, and the differences."""
    flips, names = found.flips["2-norm"], study.split.names
    before = [found.images[k] for k in shown]
    after = [np.asarray(flips.images[k], float) for k in shown]
    changes = [b - a for a, b in zip(before, after, strict=True)]
    scaled = [0.5 + 0.5 * c / max(float(np.abs(c).max()), 1e-30) for c in changes]
    captions = (
        [names[c] for c in flips.sources[shown]],
        [names[c] for c in flips.targets[shown]],
        [f"{distance:.2g}" for distance in flips.distances[shown]],
    )
    rows = [[as_picture(image) for image in line] for line in (before, after, scaled)]
    return image_grid(rows, captions)
