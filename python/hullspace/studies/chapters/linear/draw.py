"""The pictures of the linear regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.extras import require
from hullspace.regions.plots import INK, class_style, halo, mark, plot_polygons
from hullspace.studies.figures import HULL, OWN, new_figure
from hullspace.studies.pictures import Picture, png, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hullspace.studies.chapters.linear.find import LinearResult
    from hullspace.studies.chapters.linear.plane import PlaneResult
    from hullspace.studies.result import Study

# A picture of more polygons is smaller as pixels.
_MOST_POLYGONS = 2_000
# Classes that have less than this share of the window are not named in it; the images' names stand
# for their classes.
_LEAST = 0.01


def draw(study: Study) -> dict[str, list[Picture]]:
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
        plane_figure(plane, names),
        f"Slice of image space through {through}: {what}",
        text,
    )


def _way_picture(study: Study, found: LinearResult) -> Picture:
    assert found.plane is not None  # noqa: S101 - only called with it
    first, second = (study.split.names[c] for c in found.plane.classes[:2])
    walk = found.ways.sides[0]
    return svg(
        way_figure(found, study.split.names),
        f"Line plot: logits on the way from an image of {first} to one of {second}, through "
        f"{walk.n_regions:,} linear regions",
        f"Logits on the straight way from the plane's image of {first} to that of {second}, which "
        f"crosses {walk.n_regions:,} linear regions; shaded by class.",
    )


def _radius_picture(found: LinearResult) -> Picture:
    return svg(
        radius_figure(found),
        "Histogram of the radii within which the network is certainly affine, in two norms",
        f"How far around {len(found.radii.images):,} test images the network is certainly affine.",
    )


def plane_figure(plane: PlaneResult, names: tuple[str, ...]) -> Figure:
    """Draw the regions of the plane; beside them where in the plane they are, if in a part."""
    figure, axes = new_figure(*((6.4, 4.8) if plane.whole else (9.6, 4.4)))
    detail = axes
    if not plane.whole:
        figure.clear()
        overview, detail = figure.subplots(1, 2, width_ratios=(1, 1.1))
        _overview(overview, plane, names)
        detail.set_title("linear regions in the square")
    shown = plane.points if plane.whole else None
    plot_polygons(
        detail, plane.cut.polygons, plane.cut.labels, boundary=plane.cut.boundary.segments,
        points=shown, names=None if shown is None else plane.cut.names, classes=names,
    )  # fmt: skip
    left, right, low, high = plane.part.ravel().tolist()
    detail.set(xlim=(left, right), ylim=(low, high))
    if not plane.complete:
        detail.set_facecolor("#e6e9ee")
    for each in figure.axes:
        each.set(xlabel="distance in the plane")
        each.tick_params(axis="x", rotation=30)
    return figure


def _overview(axes: Axes, plane: PlaneResult, names: tuple[str, ...]) -> None:
    """Draw the classes on the grid, the images, and the part whose regions are drawn."""
    rgb = require("matplotlib.colors", "study").to_rgb
    classes = np.unique(plane.grid)
    tints = {c: 0.45 * np.array(rgb(class_style(c)[0])) + 0.55 for c in classes.tolist()}
    pixels = np.array([[tints[c] for c in row] for row in plane.grid.tolist()])
    (left, right), (low, high) = plane.window.tolist()
    axes.imshow(pixels, extent=(left, right, low, high), origin="lower", interpolation="nearest")
    s, t = (
        low + (np.arange(n) + 0.5) / n * (high - low)
        for (low, high), n in zip(plane.window, plane.grid.shape[::-1], strict=True)
    )
    for c in classes.tolist():
        here = plane.grid == c
        axes.contour(s, t, here.astype(float), levels=[0.5], colors=INK, linewidths=0.8)
        if here.mean() >= _LEAST and c not in plane.classes:
            rows, columns = np.nonzero(here)
            k = np.argmin((rows - np.median(rows)) ** 2 + (columns - np.median(columns)) ** 2)
            axes.text(
                s[columns[k]], t[rows[k]], names[c], ha="center", va="center", color=INK,
                style="italic", path_effects=halo(), parse_math=False,
            )  # fmt: skip
    mark(axes, plane.points, plane.cut.names)
    _mark_part(axes, plane)
    axes.set_title("classes, the three images and the square")


def _mark_part(axes: Axes, plane: PlaneResult) -> None:
    """Frame the part; an arrow finds it where it is small."""
    corner, size = plane.part[:, 0], np.ptp(plane.part, axis=1)
    frame = require("matplotlib.patches", "study").Rectangle
    axes.add_patch(frame(tuple(corner), *size, fill=False, edgecolor=INK, linewidth=1.5))
    axes.annotate(
        "square", corner + 0.5 * size, (26, -34), textcoords="offset points", color=INK,
        arrowprops={"arrowstyle": "->", "color": INK, "linewidth": 1.5}, path_effects=halo(),
    )  # fmt: skip


def way_figure(found: LinearResult, names: tuple[str, ...]) -> Figure:
    """Draw the logits on the way between the first two images of the plane."""
    figure, axes = new_figure(7.4, 3.6)
    found.ways.sides[0].plot(axes, names)
    axes.set(xlabel="share of the way")
    return figure


def radius_figure(found: LinearResult) -> Figure:
    """Histograms of the radii in which the network is affine."""
    figure, axes = new_figure(6.4, 3.0)
    values = [column[np.isfinite(column) & (column > 0.0)] for column in found.radii.affine.T]
    every = np.concatenate([*values, found.radii.affine[:0, 0]])
    low, high = (every.min(), every.max()) if len(every) else (0.1, 1.0)
    bins = np.geomspace(low / 1.001, high * 1.001, 30).tolist()
    looks = (("2-norm", HULL, None), ("largest norm", OWN, "///"))
    for column, (label, color, hatch) in zip(values, looks, strict=True):
        axes.hist(
            column, bins, alpha=0.65, label=label, color=color, hatch=hatch, edgecolor="white"
        )
    axes.set(xscale="log", xlabel="certified radius", ylabel="test images")
    axes.xaxis.set_major_formatter("{x:g}")  # the style parses no powers
    axes.legend()
    return figure
