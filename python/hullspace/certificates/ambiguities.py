"""Checks of answers about ties: whether classes tie anywhere, and how near that is."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.certificates.balls import are_in_the_middle, balls_hold
from hullspace.certificates.claims import Claims
from hullspace.certificates.constraints import System
from hullspace.certificates.decisions import Decisions
from hullspace.certificates.distances import affine_multipliers, lower_bounds
from hullspace.certificates.fields import (
    array_of,
    float_of,
    floats_of,
    require_no_queries,
    statuses_of,
)
from hullspace.certificates.nearness import Bounds, Nearest
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.certificates.rounding import Bools, Floats, Ints

    Subset = tuple[int, ...]

# Samples that are handled at a time.
_BLOCK = 1024


def check_table(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check an `AmbiguityTable`; see `hullspace.certificates.check`."""
    require_no_queries(queries, result)
    decisions = Decisions.of(subject)
    sets = _subsets(decisions, result)
    n = len(sets)
    points = floats_of(result, "points", (n, decisions.n_features))
    radii, status = floats_of(result, "radii", (n,)), statuses_of(result, (n,))
    exists = array_of(result, "exists", (n,), "b")
    proven = balls_hold(decisions, sets, radii, status, result.certificate, tolerance)
    proven &= are_in_the_middle(decisions, sets, points, status, result.certificate)
    result_holds: Bools = proven & (exists == _exist(status))
    return result_holds


def _subsets(decisions: Decisions, table: Any) -> list[Subset]:
    subsets = np.asarray(table.subsets)
    if subsets.ndim == 2 and subsets.dtype.kind in "iu":
        sets: list[Subset] = list(combinations(range(decisions.n_classes), subsets.shape[1]))
        if np.array_equal(subsets, np.array(sets)):
            return sets
    raise ValueError("result must have all subsets of so many classes, in order")


def _exist(status: Any) -> Bools:
    exists: Bools = (status == Status.OPTIMAL) | (status == Status.UNBOUNDED)
    return exists


def check_ambiguous_points(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `AmbiguousPoints`; see `hullspace.certificates.check`."""
    decisions = Decisions.of(subject)
    classes = tuple(int(c) for c in result.classes)
    known = [c for c in classes if 0 <= c < decisions.n_classes]
    if len(classes) < 2 or sorted({*known}) != list(classes):
        raise ValueError(f"result must have two or more classes in order, got {classes}")
    status, radius = np.array([result.status]), np.array([float_of(result, "radius")])
    system = decisions.top_set(classes)
    right = (
        balls_hold(decisions, [classes], radius, status, result.certificate, tolerance)
        & (bool(result.exists) == _exist(status))
        & _is_same(system, result.polyhedron)
    )
    none = np.zeros((0, decisions.n_features))
    samples = decisions.features(none if queries is None else queries)
    n = len(samples)
    points = floats_of(result, "points", (1 if queries is None else n, decisions.n_features))
    distances, gaps = floats_of(result, "distances", (n,)), floats_of(result, "gaps", (n,))
    tried = Bounds(samples, result.multipliers, lambda _: system, 2.0)
    if queries is None:
        right &= not len(tried.rows)
        middle = are_in_the_middle(decisions, [classes], points, status, result.certificate)
        return right & middle
    each = np.full(n, Status.OPTIMAL if _exist(status)[0] else status[0])
    claimed = Nearest(decisions, samples, points, distances, gaps, each)
    bounds, needed = np.zeros((n, 1)), claimed.needed()[:, None]
    tried.improve(bounds, needed, tried.sets.__getitem__)
    if status[0] == Status.EMPTY:  # the certificate says so
        bounds[:] = np.inf
    there = claimed.are_there(tolerance) & _tie(decisions, np.tile(classes, (n, 1)), points)
    bounded = (bounds >= needed).all(axis=1)
    return right & bounded & (there | claimed.are_nowhere())


def _is_same(system: System, polyhedron: Any) -> bool:
    """Whether a polyhedron has the same constraints, in the same order."""
    other = System.of(polyhedron.A, polyhedron.b, (polyhedron.E, polyhedron.d))
    offsets, others = (np.ldexp(each.offsets, -each.scales) for each in (system, other))
    return (
        system.n_inequalities == other.n_inequalities
        and np.array_equal(system.rows, other.rows)
        and np.array_equal(offsets, others)
    )


def _tie(decisions: Decisions, classes: Ints, points: Floats) -> Bools:
    """Whether given classes, (n, k), tie at the top, up to a backward error."""
    ties = decisions.are_top(classes[:, 0], points)
    for column in classes.T[1:]:
        ties &= decisions.tie(classes[:, 0], column, points)
    return ties


def check_ambiguity(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check an `Ambiguity`; see `hullspace.certificates.check`."""
    decisions = Decisions.of(subject)
    samples = decisions.features(queries)
    n = len(samples)
    sets = _subsets(decisions, result.table)
    shape = (n, len(sets[0]))
    classes = array_of(result, "classes", shape, "iu")
    points = floats_of(result, "points", samples.shape)
    distances, gaps = floats_of(result, "distances", (n,)), floats_of(result, "gaps", (n,))
    status = statuses_of(result, (n,))
    empty = check_table(subject, None, result.table, tolerance)
    empty &= np.asarray(result.table.status) == Status.EMPTY
    claimed = Nearest(decisions, samples, points, distances, gaps, status)
    needed = claimed.needed()[:, None]
    bounds = np.where(empty, np.inf, np.zeros((n, len(sets))))
    tried = Bounds(samples, result.multipliers, lambda s: decisions.top_set(sets[s]), 2.0)
    tried.improve(bounds, np.broadcast_to(needed, bounds.shape), tried.sets.__getitem__)
    for s in range(len(sets)):
        _rule_out(decisions.top_set(sets[s]), samples, bounds[:, s], needed[:, 0])
    ascending = (np.diff(classes, axis=1) > 0).all(axis=1)
    there = claimed.are_there(tolerance) & ascending & _tie(decisions, classes, points)
    nowhere = claimed.are_nowhere() & (classes == -1).all(axis=1)
    proven: Bools = (bounds >= needed).all(axis=1) & (there | nowhere)
    return proven


def _rule_out(system: System, samples: Floats, bounds: Floats, needed: Floats) -> None:
    """Raise bounds that fall short by what the equations and one constraint prove."""
    short = np.flatnonzero(bounds < needed)
    for first in range(0, len(short), _BLOCK):
        rows = short[first : first + _BLOCK]
        multipliers = affine_multipliers(system, samples[rows])
        claims = Claims.of(system, multipliers, {"queries": samples[rows]}, 0.0)
        bounds[rows] = np.maximum(bounds[rows], lower_bounds(claims, 2.0))
