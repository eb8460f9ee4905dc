"""Checks of answers about decision boundaries: flip points, distances, classes along segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.certificates.decisions import Decisions
from hullspace.certificates.distances import dual_of, lengths_of
from hullspace.certificates.fields import array_of, floats_of, statuses_of
from hullspace.certificates.nearness import Bounds, Nearest
from hullspace.certificates.rounding import Bools, Floats, Ints, gamma, norms

if TYPE_CHECKING:
    from hullspace.certificates.constraints import System
    from hullspace.certificates.rounding import Rows

# Flip points


def check_boundary_points(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `BoundaryPoints`; see `hullspace.certificates.check`."""
    decisions = Decisions.of(subject)
    return _Flips(decisions, decisions.features(queries), result).check(tolerance)


class _Flips:
    """Flip points of samples, one or one for each class."""

    def __init__(self, decisions: Decisions, samples: Floats, result: Any) -> None:
        self.decisions, self.samples, self.result = decisions, samples, result
        n, k = len(samples), decisions.n_classes
        if len(result) != n:
            raise ValueError(f"result must have answers for {n} samples, got {len(result)}")
        self.to, self.norm = result.to, float(result.norm)
        one = isinstance(self.to, int | np.integer) and 0 <= self.to < k
        if not one and self.to not in ("nearest", "all"):
            raise ValueError(f"result must have a target, got {self.to!r}")
        if self.norm not in (1.0, 2.0, np.inf):
            raise ValueError(f"result must have the norm 1, 2 or infinity, got {self.norm}")
        shape = (n, k) if self.to == "all" else (n,)
        self.shape = shape
        self.status = statuses_of(result, shape)
        self.targets = array_of(result, "targets", shape, "iu")
        self.predictions = array_of(result, "predictions", (n,), "iu")
        self.points = floats_of(result, "points", (*shape, decisions.n_features))
        self.distances, self.gaps, self.lower = (
            floats_of(result, name, shape) for name in ("distances", "gaps", "lower_bounds")
        )

    def check(self, tolerance: float) -> Bools:
        """Check every flip point."""
        known = self.decisions.are_top(self.predictions, self.samples)
        bounds, doubts = boundary_bounds(self.decisions, self.samples, self.predictions, self.norm)
        lower = self._lower_bounds_hold(bounds, doubts)
        bounds = np.maximum(bounds - doubts, 0.0)
        if self.to not in ("nearest", "all"):
            bounds[:, np.arange(bounds.shape[1]) != self.to] = np.inf
        owners = np.repeat(np.arange(len(known)), bounds.shape[1] if self.to == "all" else 1)
        points = self.points.reshape(len(owners), -1)
        claimed = Nearest(
            self.decisions,
            self.samples[owners],
            points,
            self.distances.ravel(),
            self.gaps.ravel(),
            self.status.ravel(),
            self.norm,
        )
        needed = claimed.needed().reshape(len(known), -1)
        tried = Bounds(self.samples, self.result.multipliers, self._tie_set, self.norm)
        tried.improve(bounds, np.broadcast_to(needed, bounds.shape), self._keys)
        bounded = bounds >= needed
        proven = self._are_right(claimed, owners, tolerance).reshape(self.shape) & lower
        if self.to == "all":
            return proven & bounded & known[:, None]
        return proven & bounded.all(axis=1) & known

    def _are_right(self, claimed: Nearest, owners: Rows, tolerance: float) -> Bools:
        """Whether flip points are where classes tie at the top, or said to be nowhere."""
        predictions, targets = self.predictions[owners], self.targets.ravel()
        there = (
            claimed.are_there(tolerance)
            & self.decisions.are_top(predictions, claimed.points)
            & self.decisions.tie(predictions, targets, claimed.points)
            & (targets != predictions)
        )
        if self.to == "all":
            there &= targets == np.tile(np.arange(self.decisions.n_classes), len(self.samples))
        elif self.to != "nearest":
            there &= targets == self.to
        right: Bools = there | (claimed.are_nowhere() & (targets == -1))
        return right

    def _lower_bounds_hold(self, bounds: Floats, doubts: Floats) -> Bools:
        """Whether lower bounds are the distances to hyperplanes that they claim to be."""
        if self.to == "nearest":
            nearest = bounds.argmin(axis=1)[:, None]
            bounds = np.take_along_axis(bounds, nearest, axis=1)[:, 0]
            doubts = np.take_along_axis(doubts, nearest, axis=1)[:, 0]
        elif self.to != "all":
            bounds, doubts = bounds[:, self.to], doubts[:, self.to]
        close = np.abs(self.lower - bounds) <= doubts
        return np.where(np.isinf(bounds), self.lower == bounds, close)

    def _keys(self, pairs: Rows) -> Ints:
        """Numbers of the pairs of a predicted class and another."""
        tried = self.result.multipliers
        first = self.predictions[np.asarray(tried.samples)[pairs]]
        second = np.asarray(tried.sets)[pairs]
        low, high = np.minimum(first, second), np.maximum(first, second)
        numbers: Ints = low * self.decisions.n_classes + high
        return numbers

    def _tie_set(self, key: int) -> System:
        return self.decisions.top_set(divmod(key, self.decisions.n_classes))


def boundary_bounds(
    decisions: Decisions, samples: Floats, predictions: Ints, norm: float
) -> tuple[Floats, Floats]:
    """Distances of samples to where classes tie with the predicted ones, and their rounding.

    Infinite for the class itself and those that tie nowhere.
    """
    bounds = np.full((len(samples), decisions.n_classes), np.inf)
    doubts = np.zeros_like(bounds)
    for c, rows in decisions.by_class(predictions):
        margins = decisions.margins(c, samples[rows])
        normals, offsets = decisions.differences(c)
        lengths = lengths_of(normals, dual_of(norm))
        parallel = lengths == 0.0
        safe = np.where(parallel, 1.0, lengths)
        found = np.maximum(margins.values, 0.0) / safe
        rounding = 4.0 * gamma(decisions.n_features + 4)
        # In the norm 1 lengths are those of the largest element alone.
        doubt = rounding * (margins.sizes / safe + found)
        found[:, parallel] = np.where(offsets[parallel] == 0.0, 0.0, np.inf)
        doubt[:, parallel] = 0.0
        found[:, c] = np.inf
        bounds[rows], doubts[rows] = found, doubt
    return bounds, doubts


def check_boundary_distances(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `BoundaryDistances`; see `hullspace.certificates.check`."""
    del tolerance  # closed forms, right but for rounding
    decisions = Decisions.of(subject)
    samples = decisions.features(queries)
    n, k = len(samples), decisions.n_classes
    distances = floats_of(result, "distances", (n, k))
    nearest = floats_of(result, "nearest", (n,))
    competitors = array_of(result, "competitors", (n,), "iu")
    predictions = array_of(result, "predictions", (n,), "iu")
    bounds, doubts = boundary_bounds(decisions, samples, predictions, 2.0)
    # Differences of logits, instead of those of weights, lose more to rounding.
    known = np.where((predictions >= 0) & (predictions < k), predictions, 0)
    sizes = np.multiply.outer(norms(samples), norms(decisions.weight)) + np.abs(decisions.bias)
    both = sizes + np.take_along_axis(sizes, known[:, None], axis=1)
    lengths = norms(decisions.weight[known][:, None] - decisions.weight)
    more = 4.0 * gamma(decisions.n_features + 4) * both / np.where(lengths > 0.0, lengths, 1.0)
    close = np.abs(distances - bounds) <= doubts + more
    right = np.where(np.isinf(bounds), distances == bounds, close).all(axis=1)
    nowhere = np.isposinf(nearest)
    places = np.where((competitors >= 0) & (competitors < k), competitors, 0)
    reached = np.take_along_axis(distances, places[:, None], axis=1)[:, 0] == nearest
    named = np.where(nowhere, competitors == -1, reached & (competitors == places))
    proven: Bools = right & (nearest == distances.min(axis=1)) & named
    return proven & decisions.are_top(predictions, samples)


# Segments


def check_segments(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `Segments`; see `hullspace.certificates.check`."""
    del tolerance  # breakpoints are right but for rounding
    decisions = Decisions.of(subject)
    if not isinstance(queries, tuple | list) or len(queries) != 2:
        raise TypeError("queries must be the pair (z0, z1) for Segments")
    ends = decisions.features(queries[1], "z1")
    starts = np.broadcast_to(decisions.features(queries[0], "z0"), ends.shape)
    n, m = len(ends), len(np.asarray(result.classes))
    offsets = array_of(result, "offsets", (n + 1,), "iu")
    at, classes = floats_of(result, "starts", (m,)), array_of(result, "classes", (m,), "iu")
    if offsets[0] != 0 or offsets[-1] != m or (np.diff(offsets) < 1).any():
        raise ValueError("result must have offsets of at least one piece for each segment")
    owners = np.repeat(np.arange(n), np.diff(offsets))
    until = np.append(at[1:], 1.0)
    until[offsets[1:] - 1] = 1.0
    first = np.zeros(m, dtype=bool)
    first[offsets[:-1]] = True
    changed = np.append(True, classes[1:] != classes[:-1]) | first
    sound = changed & np.where(first, at == 0.0, at > 0.0) & (at < until)
    for t in (at, until):
        # Logits are affine along a piece: on top at both ends is on top between them.
        points = starts[owners] + t[:, None] * (ends[owners] - starts[owners])
        sound &= decisions.are_top(classes, points)
    proven: Bools = np.bincount(owners[~sound], minlength=n) == 0
    return proven
