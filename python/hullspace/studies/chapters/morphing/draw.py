"""Margins and distances along the ways, and images on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.regions.plots import COLORS
from hullspace.studies.figures import image_grid, new_figure
from hullspace.studies.pictures import Picture, as_picture, png, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hullspace.pixels import Morph
    from hullspace.studies.chapters.morphing.find import MorphingResult
    from hullspace.studies.result import Study


def draw(study: Study) -> dict[str, list[Picture]]:
    """Draw margins and distances along the ways, and show images on them."""
    found = study.morphing
    if found is None or not found.ways:
        return {}
    pictures = []
    for (a, b), way in zip(found.pairs.tolist(), found.ways, strict=True):
        ends = f"test image {a} and test image {b}"
        if _shows_images(way):
            caption = (
                f"Between {ends}: above straight in features, below straight in pixels. Above "
                "each: what the model says."
            )
            figure = morph_images(study, way)
            pictures.append(png(figure, f"Images on two ways between {ends}", caption))
    pictures.append(
        svg(
            morph_profiles(found),
            "Line plots of margin and hull distance along the ways",
            "Margin of the model's answer, and distance to the training hull, along the ways "
            "between each pair; a number for each pair.",
        )
    )
    return {"ways": pictures}


def _shows_images(way: Morph) -> bool:
    shape = np.shape(way.pixels_way.images)
    return len(shape) == 4 and shape[1] in (1, 3)


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
