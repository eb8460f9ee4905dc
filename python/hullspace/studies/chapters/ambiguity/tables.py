"""The tables of ties in features, and of images at ties."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hullspace.status import Status
from hullspace.studies.scope import LEFT_OUT
from hullspace.studies.table import QUANTILE_NAMES, Table, number, quantiles

if TYPE_CHECKING:
    from hullspace.studies.chapters.ambiguity.find import TiesResult
    from hullspace.studies.chapters.partition.find import PartitionResult
    from hullspace.studies.result import Study

# Images that are listed and drawn for each kind of tie.
SHOWN_IMAGES = 10


def tabulate(study: Study) -> dict[str, Table]:
    """Make the tables of the ties in feature space, and of images at ties."""
    found = study.partition
    if found is None:
        return {}
    return {
        "ambiguity": ambiguity_table(study, found),
        "ambiguous": ambiguous_table(study, found),
        **({} if study.ties is None else {"tie images": tie_table(study, study.ties)}),
    }


def ambiguity_table(study: Study, found: PartitionResult) -> Table:
    """Quantiles of the distances to ties of two and of three classes."""
    table = Table(
        "Ambiguity",
        ("test images", *QUANTILE_NAMES),
        note="Quantiles of the distance to the nearest feature in the domain where so many classes "
        "tie for the largest logit. Small is ambiguous.",
    )
    everyone = np.ones(len(study.split.test), dtype=bool)
    outcomes = [
        (name, rows[found.scope.images]) for name, rows in (("all", everyone), *study.outcomes())
    ]
    for k, ambiguity in found.ambiguity.items():
        for name, rows in outcomes:
            label = f"{name}, {k} classes"
            table.rows.append((label, *quantiles(ambiguity.distances[rows])))
    return table if table.rows else replace(table, note=table.note + LEFT_OUT)


def ambiguous_table(study: Study, found: PartitionResult) -> Table:
    """List the most ambiguous test images."""
    table = Table(
        "Ambiguous images",
        ("tie of", "test image", "is", "network says", "tie between", "distance"),
        note="The test images nearest to a tie of two and of three classes, which need not be the "
        "predicted one and others.",
    )
    names, test = study.split.names, study.split.test
    for k, ambiguity in found.ambiguity.items():
        for row in ambiguity.most_ambiguous(SHOWN_IMAGES):
            i = found.scope.images[row]
            between = ", ".join(names[c] for c in ambiguity.classes[row])
            truth = "-" if test.labels is None else names[test.labels[i]]
            says = (truth, names[test.predictions[i]])
            distance = number(float(ambiguity.distances[row]))
            table.rows.append((f"{k} classes", f"{i:,}", *says, between, distance))
            table.images.append(int(i))
    return table if table.rows else replace(table, note=table.note + LEFT_OUT)


def tie_table(study: Study, found: TiesResult) -> Table:
    """List the images at ties."""
    table = Table(
        "Images at ties",
        ("test image", "tie between", "logits differ by", "reached", "change, 2-norm"),
        note="Images found from test images, at which the logits of the classes are equal and no "
        "other is larger.",
    )
    names = study.split.names
    for tie in found.by_number.values():
        changes = (np.asarray(tie.found.images, float) - tie.starts).reshape(len(tie.rows), -1)
        for k, row in enumerate(tie.rows.tolist()):
            between = ", ".join(names[c] for c in tie.found.classes[k])
            reached = "yes" if tie.found.status[k] == Status.REACHED else "no"
            change = number(float(np.linalg.norm(changes[k])))
            spread = f"{tie.found.spreads[k]:.2g}"
            table.rows.append((f"{row:,}", between, spread, reached, change))
            table.images.append(row)
    return table
