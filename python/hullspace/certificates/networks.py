"""Checks of the nearest points where a network's class changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.certificates.evaluations import Evaluation
from hullspace.certificates.fields import float_of, floats_of, vector_of
from hullspace.certificates.rounding import gamma, norms
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.certificates.rounding import Bools, Floats

# Bounds of the nearest boundary meet when they differ by no more than this, relative.
_LARGEST_GAP = 1e-6
_ABOUT = 1.0 + 2.0**-20


def check_nearest_boundary(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check a `NearestBoundary`; see `hullspace.certificates.check`."""
    evaluation = Evaluation(subject)
    start = evaluation.point_of(queries)
    point = floats_of(result, "point", start.shape)
    upper, lower = float_of(result, "upper"), float_of(result, "lower")
    # That a class never changes takes a search to prove; so does the lower bound.
    claims = result.status == Status.OPTIMAL and bool(np.isfinite(point).all())
    consistent = 0.0 <= lower <= upper < np.inf and upper - lower <= _LARGEST_GAP * upper * _ABOUT
    return np.array(
        [
            evaluation.is_reliable
            and claims
            and consistent
            and _is_at_distance(result, start, point, upper)
            and _is_tie(evaluation, result, start, point, tolerance)
        ]
    )


def _is_at_distance(result: Any, start: Floats, point: Floats, distance: float) -> bool:
    """Whether a point is in the domain, and as far from the start as it is said to be."""
    if result.norm not in {2.0, np.inf}:
        raise ValueError(f"result must have the norm 2 or infinity, got {result.norm!r}")
    move = point - start
    length = float(norms(move) if result.norm == 2.0 else np.abs(move).max())
    rounding = gamma(len(point) + 8) * (distance + float(norms(point)) + float(norms(start)))
    inside = True
    if result.domain is not None:
        low, high = (vector_of(end, "ends of the domain", start.shape) for end in result.domain)
        spare = gamma(4) * (np.abs(start) + np.abs(point))
        inside = bool(((point >= low - spare) & (point <= high + spare)).all())
    return inside and abs(length - distance) <= rounding


def _is_tie(
    evaluation: Evaluation, result: Any, start: Floats, point: Floats, tolerance: float
) -> bool:
    """Whether the class of the start is at the top there, and another one reaches it."""
    label, reached = (int(c) for c in result.classes)
    _, (outputs, doubts) = evaluation.at(np.vstack([start, point]))
    n = outputs.shape[1]
    if not (0 <= label < n and 0 <= reached < n and label != reached):
        return False
    if result.target is not None and reached != result.target:
        return False
    top = outputs[0, label] + doubts[0, label] >= (outputs[0] - doubts[0]).max()
    behind = outputs[1, label] - outputs[1, reached]
    size = float(np.abs(outputs).max())
    allowed = tolerance * size + doubts[1, label] + doubts[1, reached]
    return bool(top and behind <= allowed)
