"""How well geometry tells the model's errors, and how well nearest hulls classify."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from hullspace.comparison.problem import CHEAP_FEATURES
from hullspace.comparison.statistics import proven_if

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hullspace.comparison.hull_shares import HullShares
    from hullspace.comparison.problem import Problem
    from hullspace.comparison.statistics import Estimate, Kind

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]

# Beyond this many sets of three classes their ties are left out.
_MOST_CLASSES = 30


@dataclass(frozen=True)
class ErrorPrediction:
    """Scores that may tell which test images the model gets wrong: higher for errors, if they do.

    Attributes
    ----------
    errors : (n_test,) bool
        Where the model's class is not the label.
    scores : dict of (str, str) to (n_test,) float64
        By space and name of the score; NaN where it was not computed.
    estimates : tuple of Estimate
        The area under each score's ROC curve.
    """

    errors: _Bools
    scores: dict[tuple[str, str], _Floats]
    estimates: tuple[Estimate, ...]

    def __repr__(self) -> str:
        wrong = int(self.errors.sum())
        return f"ErrorPrediction({wrong} errors of {len(self.errors)}, {len(self.scores)} scores)"


_SCORES = {
    "hull_distance": "distance to the hull of the training set",
    "guaranteed_distance": "distance to the guaranteed region of the model's class",
    "neighbour_distance": "distance to the nearest training point",
    "gauge": "gauge, by how much the training hull must grow to reach the sample",
    "boundary_distance": "nearness to the decision boundary",
    "ambiguity": "nearness to a tie of three classes",
    "softmax": "lack of softmax confidence",
}


def error_prediction(problem: Problem, shares: Mapping[str, HullShares]) -> ErrorPrediction:
    """Measure how well scores tell the model's errors; needs labels of the test images."""
    errors = np.asarray(problem.test.predictions != problem.test.labels)
    found = {
        (space, name): score
        for space, share in shares.items()
        for name, score in _of_hulls(share, len(errors)).items()
    }
    found |= {("features", name): score for name, score in _of_features(problem).items()}
    estimates = tuple(
        problem.bootstrap.area(
            f"error_auroc_{name}",
            space,
            score.values,
            errors,
            f"The {_SCORES[name]} in {{space}} is higher for an error of the model than for a "
            f"correct answer with probability {{value}} ({{n}} test images); 0.5 is chance.",
            score.kind,
        )
        for (space, name), score in found.items()
    )
    return ErrorPrediction(errors, {key: score.values for key, score in found.items()}, estimates)


@dataclass(frozen=True)
class _Score:
    """A number for each test image, NaN where it was not computed, and what it rests on."""

    values: _Floats
    kind: Kind = "measured"


def _of_hulls(share: HullShares, n: int) -> dict[str, _Score]:
    """Scores that every space has."""
    outside, near = np.full((2, n), np.nan)
    outside[share.rows], near[share.rows] = share.distances, share.neighbour_distances
    return {
        "hull_distance": _Score(outside, proven_if(share.checked)),
        "neighbour_distance": _Score(near),
    }


def _of_features(problem: Problem) -> dict[str, _Score]:
    """Scores that only feature space has, for all test images."""
    facts, partition = problem.facts, problem.partition
    guaranteed = facts.predicted.own_distances(problem.test.predictions)
    flips = facts.decisions.nearest()
    scores = {
        "guaranteed_distance": _Score(guaranteed.values, proven_if(guaranteed.checked)),
        "boundary_distance": _Score(-flips.distances, proven_if(flips.checked)),
        "softmax": _Score(_doubt(problem.test.logits.astype(np.float64))),
    }
    if partition.n_features <= CHEAP_FEATURES:
        gauge = facts.points.gauge()
        scores["gauge"] = _Score(gauge.values, proven_if(gauge.checked))
    if 3 <= partition.n_classes <= _MOST_CLASSES:
        ties = facts.decisions.tie_distances(3)
        scores["ambiguity"] = _Score(-ties.values, proven_if(ties.checked))
    return scores


def _doubt(logits: _Floats) -> _Floats:
    """Log odds against the predicted class: ordered like one minus its softmax, never rounded."""
    ordered = np.sort(logits, axis=1)
    doubt: _Floats = special.logsumexp(ordered[:, :-1], axis=1) - ordered[:, -1]
    return doubt


@dataclass(frozen=True)
class Classifiers:
    """Classifiers without training, in one space, beside the model.

    Attributes
    ----------
    space : str
        Where hulls and means are.
    rows : (n,) int64
        Test images.
    nearest_hull, nearest_mean, model : (n,) int64
        The class whose hull is nearest (of several that hold the image, the one with the nearest
        mean), whose mean is nearest, and that the model gives.
    labels : (n,) int64
        The true classes.
    decided : (n,) bool
        Whether it is proven which hulls are nearest.
    estimates : tuple of Estimate
        Accuracies, and differences with the p-value of McNemar's exact test.
    """

    space: str
    rows: _Ints
    nearest_hull: _Ints
    nearest_mean: _Ints
    model: _Ints
    labels: _Ints
    decided: _Bools
    estimates: tuple[Estimate, ...]

    def __repr__(self) -> str:
        return f"Classifiers({self.space!r}, {len(self.rows)} test images)"


def classifiers(problem: Problem, share: HullShares) -> Classifiers:
    """Classify test images by the nearest class hull and mean; needs their labels."""
    labels = problem.test.labels
    assert labels is not None  # noqa: S101 - the caller sees to it
    within = share.class_distances <= problem.facts.asking.tolerance * share.scale
    distances = np.where(within, 0.0, share.class_distances)
    ties = distances == distances.min(axis=1, keepdims=True)
    nearest_hull = share.classes[np.where(ties, share.mean_distances, np.inf).argmin(axis=1)]
    nearest_mean = share.classes[share.mean_distances.argmin(axis=1)]
    contenders = distances - share.class_gaps <= distances.min(axis=1, keepdims=True)
    decided = share.class_checked & (contenders == ties).all(axis=1)
    found = Classifiers(
        share.space, share.rows, nearest_hull, nearest_mean,
        problem.test.predictions[share.rows], labels[share.rows], decided, (),
    )  # fmt: skip
    return replace(found, estimates=tuple(_accuracies(problem, found)))


def _accuracies(problem: Problem, found: Classifiers) -> list[Estimate]:
    make, space = problem.bootstrap, found.space
    names = {
        "nearest_hull": "the class of the nearest class hull in {space}",
        "nearest_mean": "the class of the nearest class mean in {space}",
        "model": "the model's class",
    }
    right = {name: getattr(found, name) == found.labels for name in names}
    estimates = [
        make.share(
            f"{name}_accuracy",
            space,
            right[name],
            f"For {{value}} of {{n}} test images {what} is the label.",
            proven_if(found.decided) if name == "nearest_hull" else "measured",
        )
        for name, what in names.items()
    ]
    for other in ("model", "nearest_mean"):
        p_value = mcnemar(right["nearest_hull"], right[other])
        difference = make.mean(
            f"nearest_hull_minus_{other}",
            space,
            right["nearest_hull"].astype(np.float64) - right[other],
            "points",
            f"The accuracy of {names['nearest_hull']} minus that of {names[other]} is {{value}}, "
            f"on the same {{n}} test images (McNemar's exact test: p = {p_value:.2g}).",
            proven_if(found.decided),
        )
        estimates.append(replace(difference, p_value=p_value))
    return estimates


def mcnemar(first: _Bools, second: _Bools) -> float:
    """P-value of McNemar's exact test that two classifiers are right equally often.

    Only the samples count on which one of them alone is right (McNemar, 1947).
    """
    only = int(np.count_nonzero(first & ~second)), int(np.count_nonzero(second & ~first))
    return float(stats.binomtest(only[0], sum(only)).pvalue) if sum(only) else 1.0
