"""Images at which several classes tie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace import pixels
from hullspace.studies.chapters.chapter import needs_pixels
from hullspace.studies.scope import TOO_MANY

if TYPE_CHECKING:
    from hullspace.pixels import AmbiguousImages
    from hullspace.studies.knowledge import Knowledge

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


def lacks(known: Knowledge) -> str | None:
    """Say what the search lacks."""
    return TOO_MANY if known.scope is None else needs_pixels(known)


def find(known: Knowledge) -> TiesResult:
    """Search for images at the ties that are nearest to test images in feature space."""
    subject, scope = known.subject, known.scope
    assert subject.space is not None  # noqa: S101 - said by `lacks`
    assert scope is not None  # noqa: S101
    results = {}
    places = {int(row): place for place, row in enumerate(known.pictures.rows)}
    for k in scope.ties:
        ambiguity, _ = known.ambiguity(k)
        nearest = ambiguity.most_ambiguous(len(ambiguity.distances))
        nearest = nearest[np.isin(scope.images[nearest], known.pictures.rows)][:_STARTS]
        if not len(nearest):
            continue
        rows = scope.images[nearest]
        starts = known.pictures.pixels[[places[row] for row in rows.tolist()]]
        step = known.steps.add(f"ambiguity: images that tie {k} classes", len(rows))
        found = pixels.ambiguous_images(
            subject.space,
            known.partition,
            k,
            starts,
            random_state=known.settings.random_state,
            ties=(ambiguity.points[nearest], ambiguity.classes[nearest]),
        )
        known.steps.finish(step)
        results[k] = TieResult(rows, starts, found)
    return TiesResult(results)
