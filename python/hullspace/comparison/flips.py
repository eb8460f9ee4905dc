"""Flips in pixels beside flips in features: how far they are, and to which class.

A flip of an image is the nearest image found whose class is another one: an upper bound of the
distance to the decision boundary in pixels and, through a layer, in that layer's space. In
features the nearest flip point is known (`DecisionPartition.boundary_points`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from hullspace.comparison.problem import lengths, quotient
from hullspace.comparison.statistics import proven_if
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hullspace.comparison.hull_shares import HullShares
    from hullspace.comparison.problem import Problem
    from hullspace.comparison.searches import Inverted
    from hullspace.comparison.statistics import Bootstrap, Estimate, Kind

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]

_BOTH = "pixels and features"


class FlipLike(Protocol):
    """What is needed of `hullspace.pixels.Flip`: one row for each image of the sample."""

    @property
    def images(self) -> Any:
        """Flip images, (n, ...)."""

    @property
    def distances(self) -> Any:
        """Distances in pixels, (n,)."""

    @property
    def sources(self) -> Any:
        """Classes before, (n,)."""

    @property
    def targets(self) -> Any:
        """Classes after, (n,)."""

    @property
    def status(self) -> Any:
        """REACHED or NOT_REACHED, (n,)."""


@dataclass(frozen=True)
class FlipComparison:
    """Flips in pixels and in features of the same test images.

    Attributes
    ----------
    rows : (n,) int64
        The test images.
    images : (n, ...) array
        The flips in pixels: images where the class changes.
    features : (n, n_features) array
        Their features; NaN where no such image was found.
    reached : (n,) bool
        Where such an image was found. Distances below are NaN where it was not.
    sources : (n,) int64
        The model's class.
    pixel_targets, feature_targets : (n,) int64
        The class on the other side; -1 where there is none.
    pixel_distances, feature_distances : (n,) float64
        Distance of the flip in pixels, an upper bound, and in features.
    feature_checked : (n,) bool
        Whether the latter passed the independent check.
    travels : dict of str to (n,) float64
        How far the flip in pixels is from the image in each space.
    inverted : (n_inverted,) int64
        Where in `rows` the images are for which an image was looked for whose features are the
        nearest flip point in features.
    inverted_distances : (n_inverted,) float64
        Distance of that image in pixels; NaN where none was found.
    estimates : tuple of Estimate
        Correlation, agreement, travels, and distances relative to the scales of each space.
    """

    rows: _Ints
    images: npt.NDArray[Any]
    features: npt.NDArray[Any]
    reached: _Bools
    sources: _Ints
    pixel_targets: _Ints
    feature_targets: _Ints
    pixel_distances: _Floats
    feature_distances: _Floats
    feature_checked: _Bools
    travels: dict[str, _Floats]
    inverted: _Ints
    inverted_distances: _Floats
    estimates: tuple[Estimate, ...]

    def __repr__(self) -> str:
        return f"FlipComparison({len(self.rows)} images, {int(self.reached.sum())} flipped)"


def require_flips(flips: Any, problem: Problem) -> None:
    """Raise unless there is one flip for each image of the sample."""
    for name in ("images", "distances", "sources", "targets", "status"):
        if not hasattr(flips, name):
            raise TypeError(f"flips must be like pixels.Flip, which has {name}; got {flips!r}")
        if len(getattr(flips, name)) != len(problem.rows):
            raise ValueError(
                f"flips must be of the {len(problem.rows)} images of the sample, "
                f"got {len(getattr(flips, name))} {name}"
            )
    if np.shape(flips.images)[1:] != problem.images.shape[1:]:
        raise ValueError(
            f"flips must have images of shape {problem.images.shape[1:]}, "
            f"got {np.shape(flips.images)[1:]}"
        )
    if (np.asarray(flips.sources) != problem.test.predictions[problem.rows]).any():
        raise ValueError("flips must be of the images of the sample: its classes are others")


def compare_flips(
    problem: Problem,
    shares: Mapping[str, HullShares],
    flips: FlipLike,
    inverted: Inverted,
) -> FlipComparison:
    """Put flips in pixels beside flip points in features and the images that have these."""
    reached = np.asarray(flips.status) == Status.REACHED
    points = problem.facts.decisions.nearest(problem.rows)
    starts = problem.images[problem.rows[inverted.places]]
    moved = lengths(rows_of(inverted.images) - rows_of(starts))
    features, travels = _travels(problem, flips, reached)
    found = FlipComparison(
        rows=problem.rows,
        images=np.asarray(flips.images),
        features=features,
        reached=reached,
        sources=problem.test.predictions[problem.rows],
        pixel_targets=np.where(reached, flips.targets, -1).astype(np.int64),
        feature_targets=points.targets,
        pixel_distances=np.where(reached, flips.distances, np.nan).astype(np.float64),
        feature_distances=np.where(np.isfinite(points.distances), points.distances, np.nan),
        feature_checked=points.checked,
        travels=travels,
        inverted=inverted.places,
        inverted_distances=np.where(inverted.status == Status.REACHED, moved, np.nan),
        estimates=(),
    )
    make = problem.bootstrap
    parts = (_agreement(make, found), _detours(make, found), _scales(make, shares, found))
    return replace(found, estimates=tuple(estimate for part in parts for estimate in part))


def rows_of(images: Any) -> _Floats:
    """Return images as rows in double precision."""
    array = np.asarray(images, dtype=np.float64)
    return array.reshape(len(array), math.prod(array.shape[1:]))


def features_of(flips: FlipLike, rows: _Bools) -> npt.NDArray[Any] | None:
    """Return the features of some of the flips' images; None where they are not known."""
    known = getattr(flips, "features", None)
    return None if known is None else np.asarray(known)[rows]


def _travels(
    problem: Problem, flips: FlipLike, reached: _Bools
) -> tuple[npt.NDArray[Any], dict[str, _Floats]]:
    """Return the features of the flips, and how far they are from the images in each space."""
    travels = {name: np.full(len(reached), np.nan) for name in problem.representations}
    before = problem.test.features
    features = np.full((len(reached), before.shape[1]), np.nan, before.dtype)
    if reached.any():
        after = problem.encode(np.asarray(flips.images)[reached], features_of(flips, reached))
        features[reached] = after["features"]
        for name, where in problem.representations.items():
            before = where.test[problem.rows[reached]].astype(np.float64)
            travels[name][reached] = lengths(after[name] - before)
    return features, travels


def _agreement(make: Bootstrap, found: FlipComparison) -> list[Estimate]:
    both = found.reached & (found.feature_targets >= 0)
    return [
        make.share(
            "flips_found",
            "pixels",
            found.reached,
            "For {value} of {n} test images an image of another class was found.",
            "heuristic",
        ),
        make.correlation(
            "flip_rank_correlation",
            _BOTH,
            found.pixel_distances,
            found.feature_distances,
            "The rank correlation of the flip distances of {n} images in pixels and in features is "
            "{value}: 1 would mean that both order the images by vulnerability alike, 0 that "
            "neither tells of the other.",
            "heuristic",
        ),
        make.share(
            "nearest_class_agrees",
            _BOTH,
            found.pixel_targets[both] == found.feature_targets[both],
            "For {value} of {n} images the nearest other class is the same in pixels and in "
            "features.",
            "heuristic",
        ),
    ]


def _detours(make: Bootstrap, found: FlipComparison) -> list[Estimate]:
    estimates = [
        make.share(
            "feature_flip_reached",
            _BOTH,
            np.isfinite(found.inverted_distances),
            "For {value} of {n} images an image was found whose features are the nearest flip "
            "point in features; not finding one does not prove that there is none.",
            "heuristic",
        ),
        make.median(
            "feature_flip_in_pixels",
            _BOTH,
            quotient(found.inverted_distances, found.pixel_distances[found.inverted]),
            "ratio",
            "An image whose features are the nearest flip point in features is {value} times as "
            "far in pixels as the flip in pixels, in the median of {n} images.",
            "heuristic",
        ),
    ]
    if "features" in found.travels:
        travel = make.median(
            "pixel_flip_in_features",
            _BOTH,
            quotient(found.travels["features"], found.feature_distances),
            "ratio",
            "The flip in pixels moves the features {value} times as far as the nearest flip point "
            "in features, in the median of {n} images.",
            "heuristic",
        )
        estimates.insert(0, travel)
    return estimates


def _scales(
    make: Bootstrap, shares: Mapping[str, HullShares], found: FlipComparison
) -> list[Estimate]:
    """Distance to the nearest boundary in each space, relative to its scales."""
    estimates = []
    for name, share in shares.items():
        exact = name == "features"
        distances = found.feature_distances if exact else found.travels[name]
        kind: Kind = proven_if(found.feature_checked) if exact else "heuristic"
        start = "the nearest decision boundary" if exact else "the flip found in pixels"
        end = "" if exact else "; the nearest boundary is no farther"
        place = share.at(found.rows)
        for scale, unit, what in (
            ("neighbour", share.neighbour_distances, "as the nearest training point"),
            ("spread", share.own_spreads, "as points of its class are from their mean"),
        ):
            estimates.append(
                make.median(
                    f"boundary_to_{scale}",
                    name,
                    quotient(distances, unit[place]),
                    "ratio",
                    f"In {{space}} {start} is {{value}} times as far from a test sample {what}, in "
                    f"the median of {{n}}{end}.",
                    kind,
                )
            )
    return estimates
