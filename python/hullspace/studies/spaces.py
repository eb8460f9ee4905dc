"""Feature space compared with pixel space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hullspace.comparison import compare_spaces
from hullspace.studies.adversarial import sample_of

if TYPE_CHECKING:
    from hullspace.comparison import FlipLike, SpaceComparison
    from hullspace.studies.progress import Steps
    from hullspace.studies.result import Study


def spaces_study(study: Study, steps: Steps) -> SpaceComparison:
    """Compare the spaces on the images that are there."""
    subject, settings = study.subject, study.settings
    assert subject.space is not None  # noqa: S101 - the plan sees to it
    assert subject.train is not None  # noqa: S101
    assert subject.test is not None  # noqa: S101
    train, test = study.split.train, study.split.test
    # The flips of the chapter before, in the units that are compared here.
    flips: FlipLike | Literal[False] | None = None
    if study.adversarial is not None:
        flips = study.adversarial.flips["2-norm"]
    found = compare_spaces(
        subject.space,
        subject.train.pixels,
        subject.test.pixels,
        None if train.labels is None else train.labels[subject.train.rows],
        None if test.labels is None else test.labels[subject.test.rows],
        layers=settings.layers,
        flips=flips,
        sample=sample_of(study, settings.sample),
        random_state=settings.seed,
        n_threads=settings.n_threads,
        progress=steps.follow("spaces"),
    )
    steps.end()
    return found
