"""Ways between test images: straight in pixels, and straight in features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace import pixels
from hullspace.hull import Hull

if TYPE_CHECKING:
    from hullspace.pixels import Morph
    from hullspace.studies.progress import Steps
    from hullspace.studies.result import Study

_Ints = npt.NDArray[np.int64]

# Pairs of images, and images on the way between those of a pair, both ends included.
_PAIRS, _STEPS = 4, 13


@dataclass(frozen=True)
class MorphingResult:
    """Ways between pairs of test images that the model puts in different classes.

    Attributes
    ----------
    pairs : (n, 2) int64
        The test images at the ends.
    ways : tuple of Morph
        What lies between them.
    """

    pairs: _Ints
    ways: tuple[Morph, ...]


def morphing_study(study: Study, steps: Steps) -> MorphingResult:
    """Morph between a few pairs of test images."""
    subject, settings = study.subject, study.settings
    assert subject.test is not None  # noqa: S101 - the plan sees to it
    assert subject.space is not None  # noqa: S101
    pairs = _choose_pairs(study)
    hull = Hull(study.split.train.features, n_threads=settings.n_threads)
    step = steps.add("morphing: ways between images", len(pairs))
    ways = []
    for rows in steps.chunks(step, len(pairs), 1):
        (first, second), images = pairs[rows][0], subject.test.pixels
        a, b = images[first], images[second]
        ways.append(pixels.morph(subject.space, a, b, _STEPS, hull=hull))
    return MorphingResult(subject.test.rows[pairs], tuple(ways))


def _choose_pairs(study: Study) -> _Ints:
    """Choose pairs of images of different classes, predicted right where that is known."""
    test = study.subject.test
    assert test is not None  # noqa: S101 - the plan sees to it
    places = np.random.default_rng(study.settings.seed).permutation(len(test))
    if study.outcomes() and study.correct[test.rows[places]].any():
        places = places[study.correct[test.rows[places]]]
    classes = study.split.test.predictions[test.rows[places]]
    pairs: list[tuple[int, int]] = []
    left = list(range(len(places)))
    while len(pairs) < _PAIRS and len(left) > 1:
        first = left.pop(0)
        other = next((k for k in left if classes[k] != classes[first]), None)
        if other is None:
            break
        left.remove(other)
        pairs.append((int(places[first]), int(places[other])))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
