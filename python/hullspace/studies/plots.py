"""The figures of a study. No pyplot, hence no global state and no display."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.extras import require
from hullspace.studies.pictures import Picture, png
from hullspace.studies.tables import distance_fifths

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
# Beyond this many points a scatter plot shows a random part of them.
_MOST_DOTS = 5000


@contextmanager
def style() -> Iterator[None]:
    """Draw in the report's style; the caller's settings are as before afterwards."""
    with require("matplotlib", "study").rc_context(_STYLE):
        yield


def hull_distances(study: Study) -> Figure:
    """Histogram of the distances to the training hull and to the predicted class's hull."""
    figure, axes = new_figure(6.4, 3.2)
    values = {
        "training hull": (study.training.distances, HULL),
        "hull of the predicted class": (study.classes.own.distances, OWN),
    }
    finite = np.concatenate([d[np.isfinite(d)] for d, _ in values.values()])
    bins = np.linspace(0, finite.max(initial=1e-12), 60).tolist()
    for (name, (distances, color)), result in zip(
        values.items(), (study.training, study.classes.own), strict=True
    ):
        label = f"{name}, {_mean(result.outside):.1%} outside"
        axes.hist(distances[np.isfinite(distances)], bins, alpha=0.65, label=label, color=color)
    axes.set(xlabel="distance to the hull", ylabel="test images")
    axes.legend()
    return figure


def gauge(study: Study) -> Figure:
    """Histogram of the gauge of the training hull, for right and wrong predictions."""
    figure, axes = new_figure(6.4, 3.2)
    values = study.training.gauge
    usable = np.isfinite(values)
    low, high = min(values[usable].min(initial=1.0), 1.0), max(values[usable].max(initial=1.0), 1.0)
    bins = np.linspace(low, max(high, low + 1e-9), 60).tolist()
    for label, rows, color in shown_groups(study):
        axes.hist(values[rows & usable], bins, alpha=0.65, label=label, color=color)
    axes.axvline(1.0, color="black", linewidth=1, label="boundary of the hull")
    axes.set(xlabel="gauge of the training hull", ylabel="test images")
    axes.legend()
    return figure


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


def outside_by_class(study: Study) -> Figure:
    """Bars with the share of test images outside each hull, by predicted class."""
    names = study.split.names
    figure, axes = new_figure(6.4, 0.9 + 0.32 * min(len(names), MOST_NAMES))
    predictions = study.split.test.predictions
    for offset, result, label, color in (
        (-0.2, study.training, "training hull", HULL),
        (0.2, study.classes.own, "hull of the predicted class", OWN),
    ):
        shares = [_mean(result.outside[predictions == c]) for c in range(len(names))]
        axes.barh(np.arange(len(names)) + offset, shares, 0.38, label=label, color=color)
    if len(names) <= MOST_NAMES:
        axes.set_yticks(np.arange(len(names)), names)
    axes.set(xlabel="share of the test images outside", xlim=(0, 1.0))
    axes.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def accuracy_by_distance(study: Study) -> Figure:
    """Accuracy in each fifth of the distance to the hulls."""
    figure, axes = new_figure(6.4, 3.0)
    labels = ("nearest\nfifth", "second", "third", "fourth", "farthest\nfifth")
    for result, label, color in (
        (study.training, "training hull", HULL),
        (study.classes.own, "hull of the predicted class", OWN),
    ):
        part = distance_fifths(result)
        accuracy = [_mean(study.correct[part == i]) for i in range(5)]
        axes.plot(range(5), accuracy, "o-", label=label, color=color)
    axes.set_xticks(range(5), labels)
    axes.set(xlabel="by distance to the hull", ylabel="accuracy")
    axes.legend()
    return figure


def distance_scatter(study: Study) -> Figure:
    """Distance to the training hull against distance to the decision boundary."""
    figure, axes = new_figure(6.4, 3.8)
    shown = np.flatnonzero(np.isfinite(study.boundaries.nearest))
    if len(shown) > _MOST_DOTS:
        shown = np.random.default_rng(0).choice(shown, _MOST_DOTS, replace=False)
    for label, members, color in shown_groups(study):
        rows = shown[members[shown]]
        axes.scatter(
            study.training.distances[rows],
            study.boundaries.nearest[rows],
            s=5,
            alpha=0.5,
            linewidths=0,
            label=label,
            color=color,
            rasterized=True,
        )
    axes.set(xlabel="distance to the training hull", ylabel="distance to the decision boundary")
    axes.legend(markerscale=3)
    return figure


def nearest_class_matrix(study: Study) -> Figure:
    """Heat map of the predicted class against the class of the nearest hull."""
    nearest, predictions = study.classes.nearest, study.split.test.predictions
    return count_matrix(study.split.names, predictions, nearest, "class of the nearest hull")


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


def class_pairs(study: Study) -> Figure:
    """Heat map of the distances between the class hulls."""
    names = study.split.names
    figure, axes = class_square(len(names))
    distances = np.where(np.eye(len(names), dtype=bool), np.nan, study.classes.pair_distances)
    finite = distances[np.isfinite(distances)]
    largest = finite.max(initial=0.0)
    axes.imshow(distances, cmap="Blues_r", vmin=0, vmax=largest or 1.0)
    texts = np.array([[f"{d:.2g}" if np.isfinite(d) else "" for d in row] for row in distances])
    name_cells(axes, names, texts, distances < 0.5 * largest)
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


def _mean(values: npt.NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else float("nan")
