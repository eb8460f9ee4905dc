"""Feature space compared with pixel space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hullspace.comparison import compare_spaces

if TYPE_CHECKING:
    from hullspace.comparison import SpaceComparison
    from hullspace.studies.progress import Steps
    from hullspace.studies.result import Study


def spaces_study(study: Study, steps: Steps) -> SpaceComparison:
    """Compare the spaces on the images that are there."""
    subject, settings = study.subject, study.settings
    assert subject.train is not None  # noqa: S101 - the plan sees to it
    assert subject.test is not None  # noqa: S101
    train, test = study.split.train, study.split.test
    step = steps.add("spaces: pixels, wavelets, features", 1)
    found = compare_spaces(
        subject.space,
        subject.train.pixels,
        subject.test.pixels,
        None if train.labels is None else train.labels[subject.train.rows],
        None if test.labels is None else test.labels[subject.test.rows],
        layers=settings.layers,
        sample=settings.sample,
        random_state=settings.seed,
        n_threads=settings.n_threads,
    )
    steps.finish(step)
    return found
