"""The figures of the chapters about pixel space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.regions.plots import COLORS
from hullspace.status import Status
from hullspace.studies.pictures import as_picture
from hullspace.studies.plots import HULL, OWN, image_grid, new_figure, plain_log_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hullspace.pixels import Morph
    from hullspace.studies.adversarial import AdversarialResult
    from hullspace.studies.morphing import MorphingResult
    from hullspace.studies.result import Study
    from hullspace.studies.ties import TieResult

_Floats = npt.NDArray[np.float64]


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


def morph_images(study: Study, way: Morph) -> Figure:
    """Show the images on both ways."""
    names = study.split.names
    paths = (way.features_way, way.pixels_way)
    rows = [[as_picture(image) for image in np.asarray(path.images)] for path in paths]
    return image_grid(rows, [[names[c] for c in path.classes] for path in paths])


def morph_profiles(found: MorphingResult) -> Figure:
    """Margins and hull distances along the ways."""
    figure, _ = new_figure(7.4, 4.6)
    figure.clear()
    panels = figure.subplots(2, 2, sharex=True, sharey="row")
    for k, way in enumerate(found.ways):
        color = COLORS[k % len(COLORS)]
        for column, (name, path) in enumerate(
            (("features", way.features_way), ("pixels", way.pixels_way))
        ):
            t = np.linspace(0.0, 1.0, len(path.margins))
            panels[0, column].plot(t, path.margins, color=color, label=f"pair {k + 1}")
            panels[0, column].set_title(f"straight in {name}")
            if path.distances is not None:
                panels[1, column].plot(t, path.distances, color=color)
    panels[0, 0].set(ylabel="margin")
    panels[1, 0].set(ylabel="distance to the\ntraining hull")
    for axes in panels[1]:
        axes.set(xlabel="share of the way")
    panels[0, 1].legend(fontsize=8)
    return figure


def tie_images(study: Study, tie: TieResult) -> Figure:
    """Show images, and those found from them at a tie."""
    names, found = study.split.names, tie.found
    above = [as_picture(image) for image in tie.starts]
    below = [as_picture(image) for image in np.asarray(found.images)]
    says = [names[c] for c in study.split.test.predictions[tie.rows]]
    reached = found.status == Status.REACHED
    between = [
        "\n".join(names[c] for c in classes) if there else "not reached"
        for classes, there in zip(found.classes, reached, strict=True)
    ]
    return image_grid([above, below], [says, between])
