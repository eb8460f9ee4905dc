"""Ways between test images: straight in pixels, and straight in features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace import pixels

if TYPE_CHECKING:
    from hullspace.pixels import Morph
    from hullspace.studies.knowledge import Knowledge

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


def find(known: Knowledge) -> MorphingResult:
    """Morph between a few pairs of test images."""
    subject, images = known.subject, known.pictures.pixels
    assert subject.space is not None  # noqa: S101 - said by `lacks`
    pairs, ways = _choose_pairs(known), []
    step = known.steps.add("morphing: ways between images", len(pairs))
    for rows in known.steps.chunks(step, len(pairs), 1):
        a, b = images[pairs[rows][0]]
        ways.append(pixels.morph(subject.space, a, b, _STEPS, hull=known.features.points.hull))
    return MorphingResult(known.pictures.rows[pairs], tuple(ways))


def _choose_pairs(known: Knowledge) -> _Ints:
    """Choose pairs of images of different classes, predicted right where that is known."""
    test, rows = known.split.test, known.pictures.rows
    places = np.random.default_rng(known.settings.random_state).permutation(len(rows))
    if test.labels is not None:
        correct = (test.predictions == test.labels)[rows[places]]
        places = places[correct] if correct.any() else places
    classes = test.predictions[rows[places]]
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
