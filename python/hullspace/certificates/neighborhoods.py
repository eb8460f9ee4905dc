"""Checks of what is said of the neighbourhoods of samples: distances to regions, balls, boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.certificates.boundaries import check_boundary_points
from hullspace.certificates.decisions import Decisions
from hullspace.certificates.fields import array_of, floats_of, statuses_of
from hullspace.certificates.nearness import Bounds, Nearest
from hullspace.certificates.rounding import Bools, Floats, are_nan, every
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.certificates.constraints import System


def check_region_distances(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `RegionDistances`; see `hullspace.certificates.check`."""
    decisions = Decisions.of(subject)
    samples = decisions.features(queries)
    shape = (len(samples), decisions.n_classes)
    n = int(np.prod(shape))
    points = floats_of(result, "points", (*shape, decisions.n_features)).reshape(
        n, decisions.n_features
    )
    distances, gaps = (floats_of(result, name, shape).ravel() for name in ("distances", "gaps"))
    status = statuses_of(result, shape).ravel()
    classes = np.tile(np.arange(decisions.n_classes), len(samples))
    owners = np.repeat(np.arange(len(samples)), decisions.n_classes)
    claimed = Nearest(decisions, samples[owners], points, distances, gaps, status)
    bounds, needed = np.zeros(shape), claimed.needed().reshape(shape)
    tried = Bounds(samples, result.multipliers, lambda c: decisions.top_set((c,)), 2.0)
    tried.improve(bounds, needed, tried.sets.__getitem__)
    there = claimed.are_there(tolerance) & decisions.are_top(classes, points)
    proven: Bools = (there | claimed.are_nowhere()).reshape(shape) & (bounds >= needed)
    return proven


def check_guaranteed_balls(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `GuaranteedBalls`; see `hullspace.certificates.check`."""
    decisions = Decisions.of(subject)
    samples = decisions.features(queries)
    n = len(samples)
    centers = floats_of(result, "centers", samples.shape)
    radii, classes = floats_of(result, "radii", (n,)), array_of(result, "classes", (n,), "iu")
    outside = array_of(result, "outside", (len(result.outside),), "iu")
    flips, regions = result.flips, result.regions
    if (np.diff(outside) <= 0).any() or not ((outside >= 0) & (outside < n)).all():
        raise ValueError("result must have outside samples in ascending order")
    if flips.to != "nearest" or flips.norm != 2.0:
        raise ValueError("result must have the nearest flip points in the norm 2")
    proven = check_boundary_points(subject, samples, flips, tolerance)
    wanted = np.maximum(flips.distances - flips.gaps, 0.0)
    inside = np.ones(n, dtype=bool)
    inside[outside] = False
    proven &= decisions.are_in_domain(samples) | ~inside
    # From outside of the domain one need not cross a boundary to come to another class.
    there = check_region_distances(subject, samples[outside], regions, tolerance)
    least = np.maximum(regions.distances - regions.gaps, 0.0)
    own = np.arange(len(outside))
    known = decisions.are_top(classes, samples)
    places = np.where(known, classes, 0)[outside]
    least[own, places], there[own, places] = np.inf, True
    wanted[outside] = least.min(axis=1)
    proven[outside] &= there.all(axis=1)
    right: Bools = (
        known
        & (classes == flips.predictions)
        & every(centers == samples)
        & (radii == wanted)
        & (statuses_of(result, (n,)) == flips.status)
    )
    return proven & right


def check_boxes(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `Boxes`; see `hullspace.certificates.check`."""
    del tolerance  # boxes are in their regions, but for rounding
    decisions = Decisions.of(subject)
    samples = decisions.features(queries)
    n = len(samples)
    lower, upper = (floats_of(result, name, samples.shape) for name in ("lower", "upper"))
    half_widths = floats_of(result, "half_widths", (n,))
    classes, status = array_of(result, "classes", (n,), "iu"), statuses_of(result, (n,))
    proven = decisions.are_top(classes, samples)
    for c, rows in decisions.by_class(np.where(proven, classes, -1)):
        region, some = decisions.top_set((c,)), samples[rows]
        boxed = _are_boxes(decisions, region, some, lower[rows], upper[rows])
        none = are_nan(lower[rows]) & are_nan(upper[rows])
        is_empty = none & ~decisions.are_in_domain(some)
        right = np.where(status[rows] == Status.OPTIMAL, boxed, is_empty)
        right &= (status[rows] == Status.OPTIMAL) | (status[rows] == Status.EMPTY)
        proven[rows] = right & _are_half_widths(decisions, c, some, half_widths[rows])
    return proven


def _are_boxes(
    decisions: Decisions, region: System, samples: Floats, lower: Floats, upper: Floats
) -> Bools:
    """Whether boxes contain the samples and keep to all constraints, up to a backward error."""
    rows, n = region.rows, region.n_inequalities
    # An infinite side is allowed where a constraint does not ask for it.
    up, down = upper - samples, samples - lower
    grown = _products(up, np.maximum(rows, 0.0)) + _products(down, np.maximum(-rows, 0.0))
    offsets = np.ldexp(region.offsets, -region.scales)
    beyond = samples @ rows.T + grown - offsets
    sizes = np.abs(samples) @ np.abs(rows).T + np.where(np.isfinite(grown), grown, 0.0)
    allowed = decisions.error * (sizes + np.abs(offsets))
    fixed = _products(up + down, np.abs(rows[n:])) == 0.0
    equal = np.abs((samples @ rows.T - offsets)[:, n:]) <= allowed[:, n:]
    within = every(beyond[:, :n] <= allowed[:, :n]) & every(fixed & equal)
    ordered = every((lower <= samples) & (samples <= upper))
    result: Bools = within & ordered
    return result


def _products(moves: Floats, rows: Floats) -> Floats:
    """Products of moves, which may be infinite, with rows, where nothing times that is nothing."""
    finite = np.where(np.isfinite(moves), moves, 0.0)
    unlimited = np.isinf(moves).astype(np.float64) @ (rows > 0.0).astype(np.float64).T
    return np.where(unlimited > 0.0, np.inf, finite @ rows.T)


def _are_half_widths(decisions: Decisions, c: int, samples: Floats, claimed: Floats) -> Bools:
    """Whether they are the distances to the nearest boundary in the largest coordinate."""
    margins = decisions.margins(c, samples)
    normals, offsets = decisions.differences(c)
    lengths = np.abs(normals).sum(axis=1)
    parallel = lengths == 0.0
    safe = np.where(parallel, 1.0, lengths)
    widths = np.maximum(margins.values, 0.0) / safe
    doubts = decisions.error * margins.sizes / safe
    widths[:, parallel] = np.where(offsets[parallel] > 0.0, np.inf, 0.0)
    widths[:, c], doubts[:, parallel] = np.inf, 0.0
    nearest = widths.argmin(axis=1)[:, None]
    width = np.take_along_axis(widths, nearest, axis=1)[:, 0]
    doubt = np.take_along_axis(doubts, nearest, axis=1)[:, 0]
    result: Bools = np.where(np.isinf(width), claimed == width, np.abs(claimed - width) <= doubt)
    return result
