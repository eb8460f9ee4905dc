"""The test image nearest to a tie, and images found at ties, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hullspace.status import Status
from hullspace.studies.finding import Finding, heuristic, settled
from hullspace.studies.table import count, number, share

if TYPE_CHECKING:
    from hullspace.studies.result import Study


def say(study: Study) -> list[Finding]:
    """Name the most ambiguous image, and say what the search for images reached."""
    return [*_nearest(study), *_ties(study)]


def _nearest(study: Study) -> list[Finding]:
    """Name the image nearest to a tie of the most classes that were looked for."""
    found = study.partition
    if found is None:
        return []
    names = study.split.names
    for k in sorted(found.ambiguity, reverse=True):
        ambiguity = found.ambiguity[k]
        for row in ambiguity.most_ambiguous(1):
            *others, last = (names[c] for c in ambiguity.classes[row])
            distance = number(float(ambiguity.distances[row]))
            return [
                settled(
                    f"Test image {found.scope.images[row]:,} is {distance} from a tie between "
                    f"{', '.join(others)} and {last}, nearer than any other to one of {k} classes.",
                    bool(found.ambiguity_checked[k].all()),
                )
            ]
    return []


def _ties(study: Study) -> list[Finding]:
    """Say for how many images the search reached a tie."""
    if study.ties is None:
        return []
    sentences = []
    for k, tie in study.ties.by_number.items():
        reached = tie.found.status == Status.REACHED
        text = (
            f"From {share(count(reached), len(reached))} of the {len(reached)} most ambiguous test "
            f"images, images were found at which {k} classes tie."
        )
        sentences.append(heuristic(text))
    return sentences
