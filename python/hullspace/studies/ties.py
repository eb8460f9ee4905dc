"""Images at which several classes tie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace import pixels

if TYPE_CHECKING:
    from hullspace.pixels import AmbiguousImages
    from hullspace.studies.progress import Steps
    from hullspace.studies.result import Study

_Ints = npt.NDArray[np.int64]

# Test images at which the search starts, for each number of classes.
_STARTS = 8


@dataclass(frozen=True)
class TieResult:
    """Images that tie so many classes, found from the test images nearest to such a tie.

    Attributes
    ----------
    rows : (n,) int64
        The test images at which the search started.
    starts : (n, ...) array
        Their pixels.
    found : AmbiguousImages
        What the search reached.
    """

    rows: _Ints
    starts: npt.NDArray[Any]
    found: AmbiguousImages


@dataclass(frozen=True)
class TiesResult:
    """Images at which classes tie.

    Attributes
    ----------
    by_number : dict of int to TieResult
        For ties of 2 and of 3 classes.
    """

    by_number: dict[int, TieResult]


def ties_study(study: Study, steps: Steps) -> TiesResult:
    """Search for images at the ties that are nearest to test images in feature space."""
    subject, partition = study.subject, study.partition
    assert subject.test is not None  # noqa: S101 - the plan sees to it
    assert subject.space is not None  # noqa: S101
    assert partition is not None  # noqa: S101
    results = {}
    places = {int(row): place for place, row in enumerate(subject.test.rows)}
    for k, ambiguity in partition.ambiguity.items():
        order = partition.scope.images[ambiguity.most_ambiguous(len(ambiguity.distances))]
        rows = np.array([row for row in order.tolist() if row in places][:_STARTS], dtype=np.int64)
        if not len(rows):
            continue
        starts = subject.test.pixels[[places[row] for row in rows.tolist()]]
        step = steps.add(f"ambiguity: images that tie {k} classes", len(rows))
        found = pixels.ambiguous_images(
            subject.space, partition.partition, k, starts, random_state=study.settings.seed
        )
        steps.finish(step)
        results[k] = TieResult(rows, starts, found)
    return TiesResult(results)
