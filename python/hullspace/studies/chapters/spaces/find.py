"""Feature space compared with pixel space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hullspace.comparison import compare_known

if TYPE_CHECKING:
    from hullspace.comparison import SpaceComparison
    from hullspace.studies.knowledge import Knowledge


def find(known: Knowledge) -> SpaceComparison:
    """Compare the spaces on the images that are there."""
    subject, settings = known.subject, known.settings
    assert subject.space is not None  # noqa: S101 - said by `lacks`
    assert subject.train is not None  # noqa: S101
    found = compare_known(
        subject.space,
        subject.train.pixels,
        known.pictures.pixels,
        known.images,
        known.flips("2-norm"),  # in the units that are compared here
        layers=settings.layers,
        sample=known.places,
        random_state=settings.random_state,
        progress=known.steps.follow("spaces"),
    )
    known.steps.end()
    return found
