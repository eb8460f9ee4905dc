"""The pictures of the partition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.extras import require
from hullspace.regions.plots import COLORS, INK, halo
from hullspace.studies.chapters.partition.slices import area, hull_word
from hullspace.studies.figures import (
    class_square,
    count_matrix,
    largest_finite,
    name_cells,
    new_figure,
    shown_groups,
)
from hullspace.studies.pictures import Picture, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hullspace.studies.chapters.partition.find import PartitionResult
    from hullspace.studies.chapters.partition.slices import Slice
    from hullspace.studies.result import Study

_Floats = npt.NDArray[np.float64]

_OUTSIDE = "#e6e9ee"


def draw(study: Study) -> dict[str, list[Picture]]:
    """Draw the figures that belong to the tables of the partition, by the tables' names."""
    found = study.partition
    if found is None:
        return {}
    colors = slice_colors(found.slices)
    pictures = {
        "boundary distances": [_boundary_picture(study)],
        "flips": [_across_picture(study, found)],
        "slices": [_slice_picture(study, cut, colors) for cut in found.slices],
    }
    if found.adjacency is not None:
        pictures["neighbours"] = [_facet_picture(study, found)]
        pictures["flip pairs"] = [_flip_picture(study, found)]
    return pictures


def _boundary_picture(study: Study) -> Picture:
    """Draw the distances to the nearest boundary."""
    return svg(
        boundary_distances(study),
        "Histogram of the distances of test images to the nearest decision boundary",
        "Distances of the test images to the nearest decision boundary, in closed form.",
    )


def _facet_picture(study: Study, found: PartitionResult) -> Picture:
    return svg(
        facet_radii(study, found),
        "Heat map: radii of the facets between the regions of the classes",
        "Radius of the largest ball of the facet that two regions share; darker is larger, a dash "
        "where they share none.",
    )


def _across_picture(study: Study, found: PartitionResult) -> Picture:
    flips = found.flips
    label = "class across the nearest flip point"
    return svg(
        count_matrix(study.split.names, flips.predictions, flips.targets, label),
        "Heat map: predicted class against the class across the nearest flip point",
        "Number of test images by predicted class and class across the nearest flip point; shade "
        "is the share of the row.",
    )


def _flip_picture(study: Study, found: PartitionResult) -> Picture:
    return svg(
        flip_medians(study, found),
        "Heat map: median distance from the images of a class to the boundary with another one",
        "Median distance that an image of the class at the left has to go to become the class "
        "below; darker is nearer.",
    )


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
        slice_figure(study, cut, colors),
        f"Slice of feature space: {through[0].lower()}{through[1:]}, with regions, hulls and balls",
        text,
        slice_hints(study, cut),
    )


def boundary_distances(study: Study) -> Figure:
    """Histogram of the distances to the decision boundary, for right and wrong predictions."""
    figure, axes = new_figure(6.4, 3.2)
    nearest = study.boundaries.nearest
    usable = np.isfinite(nearest)
    bins = np.linspace(0, nearest[usable].max(initial=1e-12), 60).tolist()
    for label, rows, color in shown_groups(study):
        axes.hist(nearest[rows & usable], bins, alpha=0.65, label=label, color=color)
    axes.set(xlabel="distance to the nearest decision boundary", ylabel="test images")
    axes.legend()
    return figure


def facet_radii(study: Study, found: PartitionResult) -> Figure:
    """Heat map of the radii of the facets between regions."""
    assert found.adjacency is not None  # noqa: S101 - only called with it
    names, adjacency = study.split.names, found.adjacency
    figure, axes = class_square(len(names))
    radii = np.where(adjacency.matrix, adjacency.radii, np.nan)
    largest = largest_finite(radii)
    axes.imshow(radii, cmap="Blues", vmin=0, vmax=1.25 * largest)
    none = "\N{EN DASH}"
    texts = np.where(adjacency.matrix, _numbers(radii), none)
    np.fill_diagonal(texts, "")
    axes.set(xlabel="class", ylabel="class")
    name_cells(axes, names, texts, radii > 0.6 * largest)
    return figure


def flip_medians(study: Study, found: PartitionResult) -> Figure:
    """Heat map of the median distance from images of a class to flip points of another one."""
    names = study.split.names
    figure, axes = class_square(len(names))
    medians = found.flips.pair_medians(len(names))
    finite = medians[np.isfinite(medians)]
    low, high = finite.min(initial=np.inf), largest_finite(medians)
    low = low if np.isfinite(low) and low < high else 0.0
    # From the nearest to the farthest pair, a little short of white.
    axes.imshow(medians, cmap="Blues_r", vmin=low, vmax=high + 0.15 * (high - low))
    axes.set(xlabel="class to become", ylabel="predicted class")
    name_cells(axes, names, _numbers(medians), medians < low + 0.5 * (high - low))
    return figure


def slice_figure(study: Study, cut: Slice, colors: dict[int, str]) -> Figure:
    """Draw what a plane through three points cuts: regions, domain, hulls and balls."""
    names = study.split.names
    figure, axes = new_figure(*_size(cut))
    figure.get_layout_engine().set(w_pad=0.12)  # type: ignore[union-attr, call-arg]
    lower, upper = cut.window.min(axis=0), cut.window.max(axis=0)
    axes.set(xlim=(lower[0], upper[0]), ylim=(lower[1], upper[1]), aspect="equal")
    axes.fill(*cut.window.T, facecolor=_OUTSIDE, edgecolor="white", hatch="///", linewidth=0)
    for c, region in cut.regions.items():
        axes.fill(*region.T, facecolor="white", linewidth=0)
        style: dict[str, Any] = {"edgecolor": "white", "linewidth": 1.6, "gid": f"region-{c}"}
        axes.fill(*region.T, facecolor=colors[c], alpha=0.28, **style)
    for c, hull in cut.hulls.items():
        if area(hull) > 0.0:
            axes.fill(*hull.T, facecolor=colors[c], alpha=0.75, linewidth=0, gid=f"hull-{c}")
    if len(cut.domain):
        axes.fill(*cut.domain.T, fill=False, edgecolor=INK, linewidth=1)
        _balls(axes, cut, colors)
    _points(axes, cut, names)
    axes.set(xlabel="distance in the plane")
    axes.spines[["left", "bottom"]].set_visible(False)
    figure.legend(handles=_legend(cut, names, colors), loc="outside right upper", fontsize=9)
    return figure


def slice_hints(study: Study, cut: Slice) -> dict[str, str]:
    """Say what the shapes of `slice_figure` are, by their names in it."""
    names, whole = study.split.names, area(cut.domain)
    hints = {}
    for c, region in cut.regions.items():
        hints[f"region-{c}"] = (
            f"region of {names[c]}, {area(region) / whole:.1%} of the domain here"
        )
    for c, hull in cut.hulls.items():
        if area(hull) > 0.0:
            hints[f"hull-{c}"] = f"hull of {names[c]}: certain to be {names[c]}"
    return hints


def slice_colors(slices: tuple[Slice, ...]) -> dict[int, str]:
    """Give the classes that slices show colors, the same in all of them."""
    shown = dict.fromkeys(c for cut in slices for c in (*cut.classes.tolist(), *cut.regions))
    return {c: COLORS[i % len(COLORS)] for i, c in enumerate(shown)}


def _size(cut: Slice) -> tuple[float, float]:
    """Inches that fit the window, with room for the legend at its right."""
    width, height = np.ptp(cut.window, axis=0)
    share = float(np.clip(height / width, 0.4, 1.1))
    return 7.4, 0.8 + 4.6 * share


def _balls(axes: Axes, cut: Slice, colors: dict[int, str]) -> None:
    """Draw the balls, as far as the domain goes."""
    patches = require("matplotlib.patches", "study")
    inside = patches.Polygon(cut.domain, transform=axes.transData)
    circles = [
        patches.Circle((x, y), radius, color=colors[c], alpha=0.4, linewidth=0)
        for c, (x, y, radius) in cut.balls.items()
    ]
    circles += [
        patches.Circle(xy, radius, fill=False, edgecolor=INK, linewidth=1.3)
        for xy, radius in zip(cut.points, cut.radii, strict=True)
        if np.isfinite(radius)
    ]
    for circle in circles:
        axes.add_patch(circle)
        circle.set_clip_path(inside)


def _points(axes: Axes, cut: Slice, names: tuple[str, ...]) -> None:
    """Mark the three points with their classes, on the side where there is more room."""
    middle = cut.window.mean(axis=0)
    for (x, y), c in zip(cut.points, cut.classes.tolist(), strict=True):
        axes.plot(x, y, "o", color=INK, markeredgecolor="white", markersize=7)
        left = x > middle[0]
        axes.annotate(
            names[c], (x, y), (-8 if left else 8, 6), textcoords="offset points",
            ha="right" if left else "left", path_effects=halo(), fontweight="bold", fontsize=10,
        )  # fmt: skip


def _legend(cut: Slice, names: tuple[str, ...], colors: dict[int, str]) -> list[Any]:
    """Make an entry for each kind of thing that is drawn."""
    patch = require("matplotlib.patches", "study").Patch
    line = require("matplotlib.lines", "study").Line2D
    shades = (
        ("region", 0.28, cut.regions),
        ("largest ball", 0.55, cut.balls),
        ("hull", 0.85, [c for c, hull in cut.hulls.items() if area(hull) > 0.0]),
    )
    entries = [
        patch(facecolor=colors[c], alpha=alpha, label=f"{what} of {names[c]}")
        for what, alpha, classes in shades
        for c in classes
    ]
    point = {"marker": "o", "color": "none", "markerfacecolor": INK, "markeredgecolor": "white"}
    beyond = {"facecolor": _OUTSIDE, "hatch": "///", "edgecolor": "white"}
    return [
        *entries,
        line([], [], label=cut.kind, markersize=8, **point),
        line([], [], color=INK, label="guaranteed ball"),
        patch(label="outside the domain", **beyond),
    ]


def _numbers(values: _Floats) -> npt.NDArray[np.str_]:
    """Write numbers into cells, two digits each."""
    texts = [[f"{v:.2g}" if np.isfinite(v) else "" for v in row] for row in values]
    return np.array(texts, dtype="U12").reshape(values.shape)
