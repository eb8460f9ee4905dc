"""Figures that several chapters draw alike. No pyplot, hence no global state and no display."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.extras import require
from hullspace.studies.pictures import Picture, png

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hullspace.studies.result import Study

RIGHT, WRONG, HULL, OWN = "#3b7dd8", "#d1495b", "#4c6a92", "#e09f3e"
_STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "hullspace",
    "text.parse_math": False,  # names of classes may hold dollar signs
}
# Beyond this many classes there is no room for their names and for numbers in the cells.
MOST_NAMES = 40
# Images side by side.
MOST_IN_A_STRIP = 10


@contextmanager
def style() -> Iterator[None]:
    """Draw in the report's style; the caller's settings are as before afterwards."""
    with require("matplotlib", "study").rc_context(_STYLE):
        yield


def count_matrix(
    names: tuple[str, ...],
    predictions: npt.NDArray[np.int64],
    others: npt.NDArray[np.int64],
    label: str,
) -> Figure:
    """Heat map of how many images of each predicted class go with which other class.

    Images with a negative other class count nowhere; the shade is the share of the row.
    """
    n_classes = len(names)
    figure, axes = class_square(n_classes)
    counts = np.zeros((n_classes, n_classes))
    decided = others >= 0
    np.add.at(counts, (predictions[decided], others[decided]), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel=label, ylabel="predicted class")
    texts = np.where(counts > 0, counts.astype(int).astype(str), "")
    name_cells(axes, names, texts, shares > 0.5)
    return figure


def class_square(n_classes: int) -> tuple[Figure, Axes]:
    """Return a square figure for a heat map of pairs of classes."""
    side = 2.2 + 0.38 * min(n_classes, 16)
    return new_figure(side, side)


def name_cells(
    axes: Axes, names: tuple[str, ...], texts: npt.NDArray[np.str_], dark: npt.NDArray[np.bool_]
) -> None:
    """Write texts into the cells of a heat map of classes, and names at its sides."""
    n_classes = len(names)
    if n_classes > MOST_NAMES:
        return
    size = min(7.0, 110 / n_classes)
    for i, j in np.argwhere(texts != ""):
        color = "white" if dark[i, j] else "black"
        axes.text(j, i, texts[i, j], ha="center", va="center", color=color, fontsize=size)
    axes.set_xticks(range(n_classes), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(n_classes), names)
    axes.tick_params(labelsize=min(10.0, 160 / n_classes))


def shown_groups(study: Study) -> list[tuple[str, npt.NDArray[np.bool_], str]]:
    """Return (label, rows, colour) of right and wrong predictions; of all, without labels."""
    outcomes = study.outcomes()
    if not outcomes:
        return [("test images", np.ones(len(study.split.test), bool), HULL)]
    return [
        (name, rows, color) for (name, rows), color in zip(outcomes, (RIGHT, WRONG), strict=True)
    ]


def verdict(study: Study, row: int) -> str:
    """Return a caption for a test image: what it is and what the model says."""
    names, test = study.split.names, study.split.test
    says = f"says {names[test.predictions[row]]}"
    return says if test.labels is None else f"is {names[test.labels[row]]}\n{says}"


def strip(study: Study, order: npt.NDArray[np.integer], caption: str) -> list[Picture]:
    """Show those of the test images whose pixels are there, side by side; nothing without any."""
    test = study.subject.test
    if test is None:
        return []
    shown = [
        (image, verdict(study, row))
        for row in order.tolist()
        if (image := test.of(row)) is not None
    ][:MOST_IN_A_STRIP]
    if not shown:
        return []
    what = "" if study.split.test.labels is None else "what it is, "
    figure = image_grid([[image for image, _ in shown]], [[text for _, text in shown]])
    return [png(figure, caption, f"{caption} Above each: {what}what the model says.")]


def image_grid(
    rows: Sequence[Sequence[npt.NDArray[np.float64] | None]], captions: Sequence[Sequence[str]]
) -> Figure:
    """Show rows of images, (height, width[, 3]) with pixels between 0 and 1, with captions."""
    widest = max(len(row) for row in rows)
    lines = sum(max((c.count("\n") + 1 for c in row if c), default=0) for row in captions)
    size = (1.0 * widest, 1.06 * len(rows) + 0.14 * lines)
    figure = require("matplotlib.figure", "study").Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(rows), widest, squeeze=False)
    for axes in panels.ravel():
        axes.axis("off")
    for line, images, texts in zip(panels, rows, captions, strict=True):
        for axes, image, text in zip(line, images, texts, strict=False):
            axes.set_title(text, fontsize=8)
            if image is not None:
                axes.imshow(image, cmap="gray", vmin=0, vmax=1)
    result: Figure = figure
    return result


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Return an empty figure, in inches, and its axes."""
    figure: Any = require("matplotlib.figure", "study").Figure(
        figsize=(width, height), layout="constrained"
    )
    return figure, figure.subplots()


def plain_log_axis(axes: Axes, base: int = 10) -> None:
    """Make the horizontal axis logarithmic, with plain numbers at a few ticks."""
    ticker = require("matplotlib.ticker", "study")
    axes.set_xscale("log", base=base)
    subs = (1.0, 2.0, 5.0) if base == 10 else (1.0,)
    axes.xaxis.set_major_locator(ticker.LogLocator(base=base, subs=subs, numticks=8))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())


def largest_finite(values: npt.NDArray[np.float64]) -> float:
    """Return the largest finite value, or 1 if none is above zero."""
    return float(values[np.isfinite(values)].max(initial=0.0)) or 1.0
