"""Checks of answers about one hull: convex weights, hyperplanes, and how both fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.arguments import as_matrix
from hullspace.certificates.fields import (
    Weights,
    array_of,
    blocks_of,
    float_of,
    floats_of,
    statuses_of,
)
from hullspace.certificates.points import QUERY_BLOCK, PointSet
from hullspace.certificates.rounding import are_unit, are_zero
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.certificates.frames import Normals, Placed
    from hullspace.certificates.rounding import Bools, Floats


def _queries_of(points: PointSet, queries: Any, name: str = "queries") -> Placed:
    rows = as_matrix(queries, name, columns=points.n_features, allow_empty=True)
    return points.frame.place(rows)


def _require_answers(result: Any, n: int) -> None:
    if len(result) != n:
        raise ValueError(
            f"result must have one answer for each of the {n} queries, got {len(result)}"
        )


# Membership


def check_membership(points: PointSet, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check a `Membership`; see `hullspace.certificates.check`."""
    places = _queries_of(points, queries)
    n = len(places)
    _require_answers(result, n)
    proof = result.certificate
    status, inside = statuses_of(result, (n,)), array_of(result, "inside", (n,), "b")
    normals = floats_of(proof, "normals", (n, points.n_features))
    margins, residuals = floats_of(proof, "margins", (n,)), floats_of(proof, "residuals", (n,))
    weights = Weights.of(proof, "weights", n, len(points))
    largest = float_of(proof, "tolerance")
    # What does not apply to an answer must say so.
    is_inside, is_outside = status == Status.INSIDE, status == Status.OUTSIDE
    is_inside &= inside & are_zero(normals) & (margins == 0.0) & (0.0 <= largest < np.inf)
    is_outside &= ~inside & weights.are_empty() & np.isnan(residuals)
    proven = np.zeros(n, dtype=bool)
    for rows in blocks_of(is_inside, QUERY_BLOCK):
        some, there = weights.select(rows), places.select(rows)
        combined = points.combinations(some)
        close = points.are_near(combined, there, some, tolerance)
        honest = _are_residuals(points, combined, there, some, residuals[rows], largest)
        proven[rows] = some.are_convex() & close & honest
    for rows in blocks_of(is_outside, QUERY_BLOCK):
        directions = points.frame.normals(normals[rows])
        separated = _are_margins(points, places.select(rows), directions, margins[rows])
        proven[rows] = are_unit(normals[rows]) & separated
    return proven


def _are_residuals(
    points: PointSet,
    combined: Floats,
    places: Placed,
    weights: Weights,
    residuals: Floats,
    largest: float,
) -> Bools:
    """Whether residuals are no smaller than they are, and not above the largest."""
    found = points.distances(combined, places)
    rounding = points.frame.length_rounding(places.away, weights.counts)
    result: Bools = (found <= residuals + rounding) & (residuals <= largest + rounding)
    return result & (residuals >= 0.0)


def _are_margins(points: PointSet, places: Placed, normals: Normals, margins: Floats) -> Bools:
    """Whether hyperplanes separate by the margins, beyond all rounding."""
    separations, rounding = points.separations(normals, places)
    claimed = np.ldexp(margins, -(normals.units + places.units))
    result: Bools = (separations > rounding) & (margins > 0.0) & (claimed <= separations + rounding)
    return result


# Projection


def check_projection(points: PointSet, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check a `Projection`; see `hullspace.certificates.check`."""
    places = _queries_of(points, queries)
    n, shape = len(places), (len(places), points.n_features)
    _require_answers(result, n)
    status = statuses_of(result, (n,))
    normals, nearest = floats_of(result, "normals", shape), floats_of(result, "points", shape)
    distances, gaps = floats_of(result, "distances", (n,)), floats_of(result, "gaps", (n,))
    weights = Weights.of(result, "weights", n, len(points))
    proven = np.zeros(n, dtype=bool)
    for rows in blocks_of(status == Status.OPTIMAL, QUERY_BLOCK):
        some = places.select(rows)
        proven[rows] = _are_nearest(
            points, some, weights.select(rows), nearest[rows], distances[rows]
        ) & _are_gaps(points, some, normals[rows], distances[rows], gaps[rows], tolerance)
    return proven


def _are_nearest(
    points: PointSet, places: Placed, weights: Weights, nearest: Floats, distances: Floats
) -> Bools:
    """Whether convex weights give the nearest points, at the distances."""
    combined = points.combinations(weights)
    found = points.distances(combined, places)
    rounding = points.frame.length_rounding(places.away, weights.counts)
    there = points.frame.place(nearest)
    result: Bools = (
        weights.are_convex()
        & points.are_equal(combined, there, weights)
        & points.are_near(combined, there, weights, 0.0, rounded=True)
        & (np.abs(found - distances) <= rounding)
    )
    return result


def _are_gaps(
    points: PointSet,
    places: Placed,
    normals: Floats,
    distances: Floats,
    gaps: Floats,
    tolerance: float,
) -> Bools:
    """Whether hyperplanes bound what distances are too large by, and that is little."""
    rounding = points.frame.length_rounding(places.away)
    directions = points.frame.normals(normals)
    separations, doubt = points.separations(directions, places)
    needed = distances - gaps
    scaled = np.ldexp(needed, -(directions.units + places.units))
    separated = are_unit(normals) & (scaled <= separations + doubt)
    # A distance of at least zero needs no hyperplane.
    trivial = are_zero(normals) & (needed <= rounding)
    small = (gaps >= 0.0) & (gaps <= tolerance * points.width + rounding)
    proven: Bools = small & (separated | trivial)
    return proven
