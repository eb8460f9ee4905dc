"""The tables of the flips and radii."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.studies.table import QUANTILE_NAMES, Table, count, number, quantiles

if TYPE_CHECKING:
    from hullspace.studies.chapters.adversarial.find import AdversarialResult
    from hullspace.studies.result import Study

_Ints = npt.NDArray[np.int64]

# Images that are shown with their flips.
SHOWN = 8


def tabulate(study: Study) -> dict[str, Table]:
    """Make the tables of the flips and radii."""
    found = study.adversarial
    if found is None:
        return {}
    return {"flip distances": flip_table(found), "flip targets": target_table(study, found)}


def flip_table(found: AdversarialResult) -> Table:
    """Quantiles of the distances at which the answer changes, and of radii in which it cannot."""
    table = Table(
        "How little changes the answer",
        ("distance", "images", *QUANTILE_NAMES),
        note="Flip: the nearest image found where the model's answer changes; an upper bound of "
        "the true distance. Guaranteed: a radius in which no change of pixels can alter the "
        "answer; a lower bound, proven, and larger on a faster machine where the time limit ends "
        "the search. In features: how far the features of the flip in the "
        "2-norm are from the image's, and how far the nearest decision boundary is.",
    )
    radii = found.guaranteed
    for name, flips in found.flips.items():
        rows = [(f"flip, {name}", flips.distances)]
        if name in radii:
            rows.insert(0, (f"guaranteed, {name}", radii[name]))
        for label, values in rows:
            table.rows.append((label, f"{count(np.isfinite(values)):,}", *quantiles(values)))
    for label, values in (
        ("flip, in features", found.travels),
        ("nearest boundary, in features", found.in_features),
    ):
        table.rows.append((label, f"{count(np.isfinite(values)):,}", *quantiles(values)))
    return table


def target_table(study: Study, found: AdversarialResult) -> Table:
    """Say which classes the flips lead to, image by image."""
    table = Table(
        "Flips, image by image",
        ("test image", "model says", "flips to", "2-norm", "largest norm", "flip in features"),
        note="The images whose answer changes with the least change of pixels.",
    )
    names, test = study.split.names, study.split.test
    euclidean, largest = found.flips.values()
    for k in easiest(found)[:SHOWN].tolist():
        row = int(found.rows[k])
        table.rows.append(
            (
                f"{row:,}",
                names[test.predictions[row]],
                names[euclidean.targets[k]],
                number(float(euclidean.distances[k])),
                number(float(largest.distances[k])),
                number(float(found.travels[k])),
            )
        )
        table.images.append(row)
    return table


def easiest(found: AdversarialResult) -> _Ints:
    """Return the images with flips, those first whose flip is near."""
    distances = found.flips["2-norm"].distances
    order = np.argsort(distances, kind="stable")
    return np.asarray(order[np.isfinite(distances[order])], dtype=np.int64)
