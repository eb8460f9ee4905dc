"""The table of the ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.studies.table import Table, number

if TYPE_CHECKING:
    from hullspace.studies.result import Study


def tabulate(study: Study) -> dict[str, Table]:
    """Make the table of the ways."""
    found = study.morphing
    if found is None:
        return {}
    table = Table(
        "Ways between test images",
        ("from", "to", "straight in", "classes on the way", "smallest margin",
         "farthest outside the training hull", "misses the way by, at most"),
        note="Classes in the order in which the model names them. Margin: difference of the two "
        "largest logits. Misses: distance in features between the images found and the way.",
    )  # fmt: skip
    for (a, b), way in zip(found.pairs.tolist(), found.ways, strict=True):
        for name, path in (("pixels", way.pixels_way), ("features", way.features_way)):
            away = "-" if path.distances is None else number(float(np.nanmax(path.distances)))
            misses = "-" if name == "pixels" else number(float(path.residuals.max()))
            sequence = " → ".join(study.split.names[c] for c in _sequence(path.classes))
            margin = number(float(path.margins.min()))
            table.rows.append((f"{a:,}", f"{b:,}", name, sequence, margin, away, misses))
            table.images.append(a)
    return {"ways": table}


def _sequence(classes: npt.NDArray[np.int64]) -> list[int]:
    """Return the classes without repetitions next to each other."""
    return [int(c) for i, c in enumerate(classes) if i == 0 or c != classes[i - 1]]
