"""The shares outside by dimension, and what tells errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.regions.plots import COLORS, INK
from hullspace.studies.chapters.spaces.tables import ERRORS
from hullspace.studies.figures import new_figure, plain_log_axis
from hullspace.studies.pictures import Picture, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hullspace.comparison import SpaceComparison
    from hullspace.studies.result import Study


def draw(study: Study) -> dict[str, list[Picture]]:
    """Draw the shares outside by dimension, and what tells errors."""
    found = study.spaces
    if found is None:
        return {}
    pictures = {
        "space controls": [
            svg(
                control_curves(found),
                "Line plots: share of test images outside the training hull by dimension",
                "Share of the test images outside the hull of the training set, by the number of "
                "coordinates or components that are looked at; bands are 95% intervals.",
            )
        ]
    }
    if found.prediction is not None and found.prediction.errors.any():
        figure = error_areas(found, ERRORS)
        pictures["space errors"] = [
            svg(
                figure,
                "Dot plot: area under the ROC curve of each score for the model's errors",
                "How well each score tells the model's errors; lines are 95% intervals, the "
                "dashed line is chance.",
            )
        ]
    return pictures


def control_curves(found: SpaceComparison) -> Figure:
    """Share outside the training hull by dimension, for each space and choice of dimensions."""
    figure, _ = new_figure(7.4, 3.6)
    figure.clear()
    kinds = next(iter(found.controls.values())).kinds
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    names = {"random": "random coordinates", "principal": "principal components"}
    for k, (axes, kind) in enumerate(zip(panels, kinds, strict=True)):
        for (space, control), color in zip(found.controls.items(), _colors(), strict=False):
            x, place = control.dimensions, (0, k)
            axes.fill_between(
                x, control.lows[place], control.highs[place], color=color, alpha=0.2, linewidth=0
            )
            axes.plot(x, control.shares[place], "o-", color=color, markersize=3, label=space)
        plain_log_axis(axes, base=2)
        axes.set(xlabel="dimensions", title=names.get(kind, kind), ylim=(-0.02, 1.02))
    panels[0].set(ylabel="share outside the training hull")
    panels[-1].legend(fontsize=9, loc="lower right")
    return figure


def error_areas(found: SpaceComparison, labels: dict[str, str]) -> Figure:
    """Area under the ROC curve of each score in each space."""
    estimates = [e for e in found.estimates if e.name in labels and np.isfinite(e.value)]
    estimates.sort(key=lambda e: e.value)
    spaces = list(found.spaces)
    figure, axes = new_figure(7.4, 0.9 + 0.27 * len(estimates))
    colors = dict(zip(spaces, _colors(), strict=False))
    for place, e in enumerate(estimates):
        axes.plot([e.low, e.high], [place, place], color=colors[e.space], linewidth=2, alpha=0.6)
        axes.plot(e.value, place, "o", color=colors[e.space], markersize=5)
    axes.axvline(0.5, color=INK, linewidth=1, linestyle="--")
    axes.set_yticks(range(len(estimates)), [f"{labels[e.name]}, {e.space}" for e in estimates])
    axes.set(xlabel="area under the ROC curve for the model's errors")
    return figure


def _colors() -> list[str]:
    return list(COLORS) * 3
