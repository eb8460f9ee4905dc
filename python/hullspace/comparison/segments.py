"""The classes along straight lines between images, in pixels and in features."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from hullspace.comparison.problem import Problem
    from hullspace.comparison.statistics import Estimate

_Ints = npt.NDArray[np.int64]

Sequence = tuple[int, ...]

# Segments, and images on each in pixels.
_SEGMENTS = 100
_STEPS = 33
# Images in memory at a time.
_IMAGES = 4096


@dataclass(frozen=True)
class SegmentComparison:
    """Classes along segments between test images that the model puts in different classes.

    Attributes
    ----------
    pairs : (n, 2) int64
        Test images at the ends.
    steps : int
        Images on each segment in pixels, the ends included. Classes between them go unseen.
    in_pixels, in_features : tuple of tuple of int
        The sequence of classes of each segment: in pixels at the steps, in features all.
    estimates : tuple of Estimate
        Changes of class, third classes and agreement.
    """

    pairs: _Ints
    steps: int
    in_pixels: tuple[Sequence, ...]
    in_features: tuple[Sequence, ...]
    estimates: tuple[Estimate, ...]

    def __repr__(self) -> str:
        return f"SegmentComparison({len(self.pairs)} segments)"


def compare_segments(problem: Problem) -> SegmentComparison:
    """Follow segments between test images in pixels and in features."""
    pairs = _pairs(problem)
    features = problem.test.features
    in_pixels: tuple[Sequence, ...] = ()
    in_features: tuple[Sequence, ...] = ()
    if len(pairs):
        segments = problem.partition.segment(features[pairs[:, 0]], features[pairs[:, 1]])
        in_features = tuple(_runs(segments[i][1]) for i in range(len(segments)))
        in_pixels = tuple(_runs(classes) for classes in _classes_in_pixels(problem, pairs))
    estimates = (
        *_estimates(problem, "pixels", in_pixels),
        *_estimates(problem, "features", in_features),
        problem.bootstrap.share(
            "same_sequence",
            "pixels and features",
            [a == b for a, b in zip(in_pixels, in_features, strict=True)],
            "On {value} of {n} segments between images the classes come in the same sequence in "
            "pixels and in features.",
            "measured",
        ),
    )
    return SegmentComparison(pairs, _STEPS, in_pixels, in_features, estimates)


def _pairs(problem: Problem) -> _Ints:
    """Draw partners of another class for images of the sample."""
    rng, classes = problem.rng(4), problem.test.predictions[problem.rows]
    pairs = []
    for first in rng.permutation(len(problem.rows))[:_SEGMENTS]:
        others = np.flatnonzero(classes != classes[first])
        if len(others):
            pairs.append(problem.rows[[first, rng.choice(others)]])
    return np.array(pairs, np.int64).reshape(-1, 2)


def _classes_in_pixels(problem: Problem, pairs: _Ints) -> _Ints:
    """Class of the model at every step of every segment, (n, _STEPS)."""
    ndim = problem.images.ndim
    # What the model says at the ends is known.
    inner = np.linspace(0.0, 1.0, _STEPS)[1:-1].reshape(1, -1, *[1] * (ndim - 1))
    inner = inner.astype(problem.images.dtype)
    found = np.empty((len(pairs), _STEPS), np.int64)
    found[:, 0], found[:, -1] = problem.test.predictions[pairs].T
    at_a_time = max(1, _IMAGES // _STEPS)
    for i in range(0, len(pairs), at_a_time):
        part = slice(i, i + at_a_time)
        start, end = (problem.images[pairs[part, side]][:, None] for side in (0, 1))
        images = ((1 - inner) * start + inner * end).reshape(-1, *problem.images.shape[1:])
        seen = problem.space.extract(images, progress=False).predictions
        found[part, 1:-1] = seen.reshape(-1, _STEPS - 2)
    return found


def _runs(classes: npt.NDArray[Any]) -> Sequence:
    return tuple(int(c) for c, _ in groupby(classes.tolist()))


def _estimates(problem: Problem, space: str, found: tuple[Sequence, ...]) -> list[Estimate]:
    make, exact = problem.bootstrap, space == "features"
    seen = "" if exact else f", seen at {_STEPS} images each"
    return [
        make.mean(
            "class_changes",
            space,
            [len(classes) - 1 for classes in found],
            "changes",
            f"On a straight line in {{space}} between two images of different classes the class "
            f"changes {{value}} times in the mean of {{n}}{seen}; once would be the least.",
            "measured",
        ),
        make.share(
            "third_class_between",
            space,
            [len(set(classes)) > 2 for classes in found],
            f"{{value}} of {{n}} straight lines in {{space}} between images of two classes pass "
            f"through a third one{seen}.",
            "measured",
        ),
    ]
