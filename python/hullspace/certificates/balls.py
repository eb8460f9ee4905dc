"""Checks of largest balls: in decision regions, in facets between them, in sets of ties."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.certificates.claims import Claims
from hullspace.certificates.decisions import Decisions
from hullspace.certificates.fields import array_of, floats_of, require_no_queries, statuses_of
from hullspace.certificates.polyhedra import prove_centers, reach_of
from hullspace.certificates.rounding import Bools, Floats, Ints, every
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hullspace.certificates.constraints import System

    Subset = tuple[int, ...]

# A ball of radius one may be this much smaller.
_ONE = 1.0 - 1e-9


def balls_hold(
    decisions: Decisions,
    sets: Sequence[Subset],
    radii: Floats,
    status: Ints,
    certificate: Any,
    tolerance: float,
) -> Bools:
    """Whether a certificate proves the largest balls of sets of ties, one problem each."""

    def systems() -> Iterator[tuple[slice, System]]:
        for i, classes in enumerate(sets):
            yield slice(i, i + 1), decisions.top_set(classes)

    n = len(sets)
    proven = prove_centers(systems(), n, decisions.n_features, certificate, tolerance)
    same = _are_same(radii[:, None], floats_of(certificate, "radii", (n,))[:, None])
    result: Bools = proven & same & (status == statuses_of(certificate, (n,)))
    return result


def _are_same(first: Floats, second: Floats) -> Bools:
    return every((first == second) | (np.isnan(first) & np.isnan(second)))


def are_in_the_middle(
    decisions: Decisions, sets: Sequence[Subset], points: Floats, status: Ints, certificate: Any
) -> Bools:
    """Whether points are the centers of a certificate or, where balls grow, of one of radius 1."""
    middle = _are_same(points, floats_of(certificate, "centers", points.shape))
    for i in np.flatnonzero(status == Status.UNBOUNDED).tolist():
        system = decisions.top_set(sets[i])
        claims = Claims.of(system, np.zeros((1, len(system.rows))), {}, 0.0)
        middle[i] = claims.are_feasible(points[i][None], reach_of(system), np.full(1, _ONE))[0]
    return middle


def check_balls(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `ChebyshevBalls`; see `hullspace.certificates.check`."""
    require_no_queries(queries, result)
    decisions = Decisions.of(subject)
    n = decisions.n_classes
    centers = floats_of(result, "centers", (n, decisions.n_features))
    radii, status = floats_of(result, "radii", (n,)), statuses_of(result, (n,))
    sets = [(c,) for c in range(n)]
    proven = balls_hold(decisions, sets, radii, status, result.certificate, tolerance)
    return proven & are_in_the_middle(decisions, sets, centers, status, result.certificate)


def check_adjacency(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check an `Adjacency`; see `hullspace.certificates.check`."""
    require_no_queries(queries, result)
    decisions = Decisions.of(subject)
    n, d = decisions.n_classes, decisions.n_features
    matrix, radii = array_of(result, "matrix", (n, n), "b"), floats_of(result, "radii", (n, n))
    witnesses = floats_of(result, "witnesses", (n, n, d))
    regions = check_balls(subject, None, result.regions, tolerance)
    proven = regions[:, None] & regions
    solid = result.regions.radii > 0.0
    empty = result.regions.status == Status.EMPTY
    pairs = [
        (c, j)
        for c, j in combinations(range(n), 2)
        if (decisions.weight[c] != decisions.weight[j]).any() and not (empty[c] or empty[j])
    ]
    wanted = np.full((n, n), np.nan)
    places = np.full((n, n, d), np.nan)
    shared = np.zeros((n, n), dtype=bool)
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    certificate = result.certificate
    found, status = floats_of(certificate, "radii", (len(pairs),)), np.asarray(certificate.status)
    held = balls_hold(decisions, pairs, found, status, certificate, tolerance)
    # Where the domain is a line, facets are points.
    on_a_line = np.linalg.matrix_rank(decisions.E) == d - 1
    large = (found >= 0.0 if on_a_line else found > 0.0) & solid[rows] & solid[columns]
    points = witnesses[rows, columns]
    held &= ~large | are_in_the_middle(decisions, pairs, points, status, certificate)
    for first, second in ((rows, columns), (columns, rows)):
        proven[first, second] &= held
        wanted[first, second], shared[first, second] = found, large
        places[first[large], second[large]] = points[large]
    proven &= (radii == wanted) | (np.isnan(radii) & np.isnan(wanted))
    same = (witnesses == places) | (np.isnan(witnesses) & np.isnan(places))
    twins = [list(group) for group in result.equal_classes] == _equal_classes(decisions)
    result_holds: Bools = proven & (matrix == shared) & same.all(axis=2) & twins
    return result_holds


def _equal_classes(decisions: Decisions) -> list[list[int]]:
    """Return the groups of classes that tie everywhere, in order of their first ones."""
    rows = np.column_stack([decisions.weight, decisions.bias]) + 0.0  # -0.0 becomes 0.0
    numbers = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    groups = {int(k): np.flatnonzero(numbers == k).tolist() for k in numbers}
    return [group for group in groups.values() if len(group) > 1]
