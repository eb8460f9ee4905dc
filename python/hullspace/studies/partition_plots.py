"""The figures of the partition chapter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.extras import require
from hullspace.regions.plots import COLORS, INK, halo
from hullspace.studies.plots import HULL, MOST_NAMES, OWN, class_square, name_cells, new_figure
from hullspace.studies.slices import area

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hullspace.studies.partition import PartitionResult
    from hullspace.studies.result import Study
    from hullspace.studies.slices import Slice

_Floats = npt.NDArray[np.float64]

_OUTSIDE = "#e6e9ee"


def facet_radii(study: Study, found: PartitionResult) -> Figure:
    """Heat map of the radii of the facets between regions."""
    assert found.adjacency is not None  # noqa: S101 - only called with it
    names, adjacency = study.split.names, found.adjacency
    figure, axes = class_square(len(names))
    radii = np.where(adjacency.matrix, adjacency.radii, np.nan)
    largest = _largest(radii)
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
    low, high = finite.min(initial=np.inf), _largest(medians)
    low = low if np.isfinite(low) and low < high else 0.0
    # From the nearest to the farthest pair, a little short of white.
    axes.imshow(medians, cmap="Blues_r", vmin=low, vmax=high + 0.15 * (high - low))
    axes.set(xlabel="class to become", ylabel="predicted class")
    name_cells(axes, names, _numbers(medians), medians < low + 0.5 * (high - low))
    return figure


def coverage(study: Study, found: PartitionResult) -> Figure:
    """Share of each class's images in its guaranteed region, and how far away the others are."""
    names, cover = study.split.names, found.coverage
    figure = require("matplotlib.figure", "study").Figure(
        figsize=(7.6, 1.3 + 0.3 * min(len(names), MOST_NAMES)), layout="constrained"
    )
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2, 3))
    places = np.arange(len(names))
    values = np.array([share.values[0] for share in cover.per_class])
    ends = np.array([share.intervals[0] for share in cover.per_class])
    seen = np.isfinite(values)
    whiskers = np.abs(ends[seen] - values[seen, None]).T
    left.barh(places[seen], values[seen], 0.6, color=OWN, label="share inside")
    left.errorbar(
        values[seen], places[seen], xerr=whiskers, fmt="o", markersize=4, color=INK, linewidth=1,
        capsize=2, label="95% interval",
    )  # fmt: skip
    left.set(xlabel="share of the test images inside", xlim=(0, min(1.0, 1.1 * _largest(ends))))
    left.xaxis.set_major_formatter(require("matplotlib.ticker", "study").PercentFormatter(1.0))
    _distances_outside(right, found)
    if len(names) <= MOST_NAMES:
        left.set_yticks(places, names)
    left.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=4)
    result: Figure = figure
    return result


def _distances_outside(axes: Axes, found: PartitionResult) -> None:
    """Middle half and median of the distances of each class's images outside its region."""
    cover = found.coverage
    outside = ~cover.inside & np.isfinite(cover.distances)
    label = {"half": "middle half", "median": "median outside"}
    for c in np.unique(cover.classes[outside]).tolist():
        low, middle, high = np.quantile(
            cover.distances[outside & (cover.classes == c)], (0.25, 0.5, 0.75)
        )
        line: dict[str, Any] = {"linewidth": 5, "alpha": 0.45, "solid_capstyle": "butt"}
        axes.plot([low, high], [c, c], color=HULL, label=label.pop("half", None), **line)
        axes.plot(middle, c, "o", color=HULL, label=label.pop("median", None))
    axes.set(xlabel="distance to the guaranteed region, outside")
    axes.set_xlim(left=0.0)


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


def _largest(values: _Floats) -> float:
    """Largest finite value, or 1 if none is above zero."""
    return float(values[np.isfinite(values)].max(initial=0.0)) or 1.0


def _numbers(values: _Floats) -> npt.NDArray[np.str_]:
    """Write numbers into cells, two digits each."""
    texts = [[f"{v:.2g}" if np.isfinite(v) else "" for v in row] for row in values]
    return np.array(texts, dtype="U12").reshape(values.shape)
