"""Drawings of linear regions: along a segment, and in a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.extras import require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from hullspace.regions.segments import SegmentWalk

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# Told apart by colour-blind eyes too (Okabe and Ito 2008, without black); further classes have the
# same colours with other hatches and line styles.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
_HATCHES, _DASHES = ("", "////", "....", "xxxx"), ("-", "--", ":", "-.")
INK, _SHARED = "#1c2430", "#9aa3af"
# Shares of a class's colour in the tints of its regions; the rest is white.
_PALEST, _FULLEST = 0.35, 0.75
# Breakpoints are ticked up to this number, lines of outputs named up to that one.
_MOST_TICKS, _MOST_NAMES = 1000, 21


def class_style(c: int) -> tuple[str, str, str]:
    """Return the colour, hatch and line style of class `c`; -1 stands for several classes."""
    if c < 0:
        return _SHARED, "", "-"
    cycle = c // len(COLORS)
    return (
        COLORS[c % len(COLORS)],
        _HATCHES[cycle % len(_HATCHES)],
        _DASHES[cycle % len(_DASHES)],
    )


def plot_walk(walk: SegmentWalk, ax: Axes | None, classes: Sequence[str] | None) -> Axes:
    """Draw the logits along a walk; see `SegmentWalk.plot`."""
    n_outputs = walk.logits.shape[1]
    names = _names(classes, n_outputs)
    axes: Axes = require("matplotlib.pyplot", "study").subplots()[1] if ax is None else ax
    borders = np.concatenate([[0.0], walk.class_changes, [walk.end]])
    for left, right, c in zip(borders[:-1], borders[1:], walk.classes.tolist(), strict=True):
        color, hatch, _ = class_style(c)
        axes.axvspan(left, right, facecolor=color, alpha=0.15, hatch=hatch, linewidth=0)
    for c in range(n_outputs):
        color, _, dashes = class_style(c)
        label = names[c] if n_outputs <= _MOST_NAMES else None
        axes.plot(walk.knots, walk.logits[:, c], dashes, color=color, linewidth=1.4, label=label)
    if len(walk.breakpoints) <= _MOST_TICKS:
        # Ticks on the lower edge, whatever the range of the logits.
        across = axes.get_xaxis_transform()
        axes.vlines(walk.breakpoints, 0.0, 0.03, colors=INK, linewidth=0.6, transform=across)
    axes.set(xlim=(0.0, walk.end), xlabel="t", ylabel="logit")
    if 1 < n_outputs <= _MOST_NAMES:
        axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return axes


def plot_polygons(
    ax: Axes | None,
    polygons: Sequence[_Floats],
    labels: npt.ArrayLike,
    *,
    boundary: _Floats | None = None,
    points: npt.ArrayLike | None = None,
    names: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
) -> Axes:
    """Draw the regions of a planar slice: tens of thousands of polygons in one go.

    Each region has a tint of its class's colour, so that neighbours differ; the decision boundary
    is a thick line.

    Parameters
    ----------
    ax : matplotlib Axes or None
        Where to draw; None for a new figure.
    polygons : sequence of (k, 2) arrays
        Corners of each region, in order.
    labels : (n_polygons,) int array
        The class of each region, -1 for regions that several classes share.
    boundary : (m, 2, 2) array, optional
        Ends of the segments of the decision boundary.
    points : (n_points, 2) array, optional
        Points to mark.
    names : sequence of str, optional
        Their names.
    classes : sequence of str, optional
        Names of the classes; by default their numbers.

    Returns
    -------
    matplotlib Axes
        Where it is drawn.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If lengths do not agree.

    Examples
    --------
    >>> import numpy as np
    >>> from hullspace.regions.plots import plot_polygons
    >>> lower, upper = [[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]
    >>> axes = plot_polygons(None, [np.array(lower), np.array(upper)], [0, 1])
    >>> axes.get_xlim()
    (np.float64(0.0), np.float64(1.0))
    """
    colored = np.asarray(labels, dtype=np.int64)
    if colored.shape != (len(polygons),):
        raise ValueError(
            f"labels must have one element for each of {len(polygons)} polygons, "
            f"got shape {colored.shape}"
        )
    named = _names(classes, int(colored.max(initial=-1)) + 1)
    marks = np.empty((0, 2)) if points is None else np.asarray(points, float).reshape(-1, 2)
    if names is not None and len(names) != len(marks):
        raise ValueError(f"names must have {len(marks)} elements like points, got {len(names)}")
    axes: Axes = require("matplotlib.pyplot", "study").subplots()[1] if ax is None else ax
    _fill(axes, polygons, colored)
    if boundary is not None and len(boundary):
        lines = require("matplotlib.collections", "study").LineCollection
        axes.add_collection(
            lines(list(boundary), colors=INK, linewidths=1.8, capstyle="round"), autolim=False
        )
    mark(axes, marks, names)
    corners = np.concatenate([*polygons, marks]) if len(polygons) else marks
    if len(corners):
        (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
        axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.set_aspect("equal")
    _legend(axes, np.unique(colored), named)
    return axes


def _names(classes: Sequence[str] | None, n_classes: int) -> list[str]:
    """Return names of the classes: at least as many as there are classes."""
    if classes is None:
        return [str(c) for c in range(n_classes)]
    if len(classes) < n_classes:
        raise ValueError(f"classes must have {n_classes} names, got {len(classes)}")
    return [str(name) for name in classes]


def _fill(axes: Axes, polygons: Sequence[_Floats], labels: _Ints) -> None:
    """Fill polygons, one collection for each hatch."""
    toolbox = require("matplotlib.collections", "study").PolyCollection
    rgb = require("matplotlib.colors", "study").to_rgb
    used, rows = np.unique(labels, return_inverse=True)
    full = np.array([rgb(class_style(c)[0]) for c in used.tolist()]).reshape(-1, 3)[rows]
    # Multiples of the golden ratio spread evenly, and neighbours in the list lie far apart.
    spread = np.arange(len(labels)) * 0.5 * (np.sqrt(5.0) - 1.0) % 1.0
    share = (_PALEST + (_FULLEST - _PALEST) * spread)[:, None]
    tints = share * full + (1.0 - share)
    hatches = np.array([class_style(c)[1] for c in used.tolist()], dtype=object)[rows]
    for hatch in sorted(set(hatches.tolist())):
        chosen = np.flatnonzero(hatches == hatch)
        shapes = toolbox(
            [polygons[i] for i in chosen.tolist()],
            facecolors=tints[chosen],
            edgecolors="white",
            linewidths=0.25,
            hatch=hatch or None,
        )
        axes.add_collection(shapes, autolim=False)


def halo() -> list[Any]:
    """Return path effects that keep letters readable on any ground."""
    effects = require("matplotlib.patheffects", "study")
    return [effects.withStroke(linewidth=3, foreground="white")]


def mark(axes: Axes, points: _Floats, names: Sequence[str] | None = None) -> None:
    """Mark points, with their names beside them."""
    if not len(points):
        return
    axes.plot(*points.T, "o", color=INK, markeredgecolor="white", markersize=7, clip_on=False)
    for xy, name in zip(points, names or [], strict=False):
        axes.annotate(
            name,
            xy,
            (8, 6),
            textcoords="offset points",
            path_effects=halo(),
            fontweight="bold",
            fontsize=10,
            parse_math=False,
        )


def _legend(axes: Axes, used: _Ints, names: list[str]) -> None:
    """Name the classes that are drawn."""
    if not 1 < len(used) <= _MOST_NAMES:
        return
    patch = require("matplotlib.patches", "study").Patch
    entries: list[Any] = []
    for c in used.tolist():
        color, hatch, _ = class_style(c)
        label = names[c] if c >= 0 else "several classes"
        entries.append(
            patch(facecolor=color, alpha=_FULLEST, hatch=hatch, edgecolor="white", label=label)
        )
    axes.legend(
        handles=entries,
        fontsize="small",
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        frameon=False,
    )
