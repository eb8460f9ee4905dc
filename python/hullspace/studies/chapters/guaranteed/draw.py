"""The pictures of the guaranteed regions and of the class hulls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.extras import require
from hullspace.regions.plots import INK
from hullspace.studies.figures import (
    HULL,
    MOST_NAMES,
    OWN,
    class_square,
    count_matrix,
    largest_finite,
    name_cells,
)
from hullspace.studies.pictures import Picture, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hullspace.studies.chapters.partition.find import PartitionResult
    from hullspace.studies.result import Study


def draw(study: Study) -> dict[str, list[Picture]]:
    """Draw what there is, by the names of the tables that the figures belong to."""
    pictures: dict[str, list[Picture]] = {}
    if study.partition is not None:
        pictures["guaranteed"] = [_coverage_picture(study, study.partition)]
    if study.hulls is not None:
        pictures |= {"pairs": [_pair_picture(study)], "nearest": [_nearest_picture(study)]}
    return pictures


def _coverage_picture(study: Study, found: PartitionResult) -> Picture:
    return svg(
        coverage(study, found),
        "Bars: share of each class's test images in its guaranteed region; distances of the others",
        "Left: share of each class's test images inside its guaranteed region. Right: how far away "
        "from it the others are.",
    )


def _pair_picture(study: Study) -> Picture:
    return svg(
        class_pairs(study),
        "Heat map: distances between the class hulls",
        "Distances between the hulls of the classes; darker is nearer.",
    )


def _nearest_picture(study: Study) -> Picture:
    return svg(
        nearest_class_matrix(study),
        "Heat map: predicted class against the class of the nearest hull",
        "Number of test images by predicted class and class of the nearest hull; shade is the "
        "share of the row.",
    )


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
    left.set(
        xlabel="share of the test images inside", xlim=(0, min(1.0, 1.1 * largest_finite(ends)))
    )
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


def nearest_class_matrix(study: Study) -> Figure:
    """Heat map of the predicted class against the class of the nearest hull."""
    nearest, predictions = study.classes.nearest, study.split.test.predictions
    return count_matrix(study.split.names, predictions, nearest, "class of the nearest hull")


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
