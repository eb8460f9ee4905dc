"""Slow, obvious answers to compare with, and the data sets to compare on."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, combinations_with_replacement

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog, nnls

from data import real_features


def nnls_distance(points, query):
    """Distance to the hull by non-negative least squares with a penalty row, and its gap.

    The row asks for weights that sum to one. Whatever they sum to, their direction is the
    projection's, so that normalizing them leaves no bias: the penalty is chosen for its
    conditioning alone. The gap is the oracle's own proof of its accuracy.
    """
    points = np.asarray(points, np.float64)
    query = np.asarray(query, np.float64)
    scale = max(np.abs(points - query).max(), 1e-300)
    shifted = (points - query).T / scale
    matrix = np.vstack([shifted, np.ones(len(points))])
    target = np.append(np.zeros(len(query)), 1.0)
    weights, _ = nnls(matrix, target, maxiter=100 * len(points) + 1000)
    nearest = shifted @ (weights / weights.sum())
    distance = np.linalg.norm(nearest)
    gap = distance - max(0.0, (shifted.T @ nearest).min() / max(distance, 1e-300))
    return distance * scale, gap * scale


def highs_contains(points, query):
    """Membership as a feasibility linear program; None where HiGHS itself is in doubt."""
    matrix = np.vstack([np.asarray(points, np.float64).T, np.ones(len(points))])
    options = {"primal_feasibility_tolerance": 1e-10}
    result = linprog(
        np.zeros(len(points)),
        A_eq=matrix,
        b_eq=np.append(query, 1.0),
        method="highs",
        options=options,
    )
    return {0: True, 2: False}.get(result.status)


def as_integers(array):
    """Exact integers in units of 2**-1074, of which every finite double is a multiple."""
    exact = [int(Fraction(float(x)) * 2**1074) for x in np.ravel(array)]
    return np.array(exact, dtype=object).reshape(np.shape(array))


def exact_separation(points, query, normal):
    """Smallest ``normal @ (query - point)`` over all points, in rational arithmetic."""
    scores = (as_integers(query) - as_integers(points)) @ as_integers(normal)
    return Fraction(int(scores.min()), 2**2148)


def exact_residual(points, query, weights):
    """Length of ``weights @ points - query``, rounded once from its exact square."""
    columns = as_integers(weights.data) @ as_integers(points[weights.indices])
    miss = columns - as_integers(query) * 2**1074
    return float(Fraction(int((miss**2).sum()), 2**4296)) ** 0.5


def exact_contains(points, query):
    """Membership in rational arithmetic, as a linear program with Bland's least-index rule (1977).

    The program asks for the smallest sum of unit columns that a nonnegative combination of the
    columns ``(p, 1)`` needs to give ``(q, 1)``. Where it is zero the weights are convex; else the
    prices of the rows are a hyperplane that separates. Either proof is checked before it counts.
    """
    columns = [[*(Fraction(float(x)) for x in point), Fraction(1)] for point in points]
    target = [*(Fraction(float(x)) for x in query), Fraction(1)]
    n, m = len(columns), len(target)
    signs = [1 if t >= 0 else -1 for t in target]
    rows = [
        [sign * column[i] for column in columns]
        + [Fraction(i == k) for k in range(m)]
        + [sign * target[i]]
        for i, sign in enumerate(signs)
    ]
    costs = [-sum(entries) for entries in zip(*rows, strict=True)]
    costs[n : n + m] = [Fraction(0)] * m
    basis = list(range(n, n + m))
    while any(cost < 0 for cost in costs[:n]):
        entering = next(j for j in range(n) if costs[j] < 0)
        candidates = [i for i in range(m) if rows[i][entering] > 0]
        leaving = min(candidates, key=lambda i: (rows[i][-1] / rows[i][entering], basis[i]))
        pivot = [x / rows[leaving][entering] for x in rows[leaving]]
        rows = [_without(row, entering, pivot) for row in rows]
        rows[leaving], basis[leaving] = pivot, entering
        costs = _without(costs, entering, pivot)
    if costs[-1] == 0:
        weights = {j: row[-1] for j, row in zip(basis, rows, strict=True) if row[-1]}
        assert all(0 <= j < n and weight > 0 for j, weight in weights.items())
        combined = [sum(w * columns[j][i] for j, w in weights.items()) for i in range(m)]
        assert combined == target
        return True
    prices = [sign * (1 - cost) for sign, cost in zip(signs, costs[n : n + m], strict=True)]
    assert _dot(prices, target) > 0 >= max(_dot(prices, column) for column in columns)
    return False


def _without(row, place, pivot):
    """Row less the multiple of the pivot's row that has the same entry in a place."""
    factor = row[place]
    return [x - factor * y for x, y in zip(row, pivot, strict=True)] if factor else row


def _dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def exact_inverse(matrix):
    """Inverse of whole numbers as integers over one positive denominator (Bareiss 1968)."""
    n = len(matrix)
    given, unit = (np.asarray(a).astype(int).astype(object) for a in (matrix, np.eye(n)))
    table, denominator = np.hstack([given, unit]), 1
    for k in range(n):
        chosen = next(i for i in range(k, n) if table[i, k])
        table[[k, chosen]] = table[[chosen, k]]
        row, column = table[k].copy(), table[:, k].copy()
        table = (table * row[k] - np.outer(column, row)) // denominator
        table[k], denominator = row, row[k]
    inverse = table[:, n:] * (1 if denominator > 0 else -1)
    denominator = abs(denominator)
    assert np.array_equal(given @ inverse, denominator * unit)
    return inverse, denominator


def simplex_projection(query):
    """Nearest point of the probability simplex, by sorting (Held, Wolfe and Crowder 1974)."""
    ordered = np.sort(query)[::-1]
    shifts = (np.cumsum(ordered) - 1.0) / np.arange(1, len(query) + 1)
    return np.maximum(query - shifts[np.flatnonzero(ordered > shifts)[-1]], 0.0)


def exact_plane_distance(points, query):
    """Squared distance in the plane in rational arithmetic, over all triangles and segments."""
    exact = [(Fraction(float(x)), Fraction(float(y))) for x, y in points]
    q = tuple(Fraction(float(x)) for x in query)

    def cross(o, a, b):
        return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])

    def to_segment(a, b):
        direction = (b[0] - a[0], b[1] - a[1])
        square = direction[0] ** 2 + direction[1] ** 2
        offset = (q[0] - a[0], q[1] - a[1])
        along = direction[0] * offset[0] + direction[1] * offset[1]
        t = min(max(along / square, Fraction(0)), Fraction(1)) if square else Fraction(0)
        return (offset[0] - t * direction[0]) ** 2 + (offset[1] - t * direction[1]) ** 2

    for a, b, c in combinations(exact, 3):
        turns = (cross(a, b, q), cross(b, c, q), cross(c, a, q))
        flat = cross(a, b, c) == 0
        if not flat and (all(t >= 0 for t in turns) or all(t <= 0 for t in turns)):
            return Fraction(0)
    return min(to_segment(a, b) for a in exact for b in exact)


def exact_plane_step(points, origin, direction):
    """Last step of a ray in the plane within the hull, as a fraction; None where it misses.

    The hull's boundary consists of segments between points, and a ray that meets the hull leaves
    it through the boundary. So the last crossing of all segments is the answer.
    """
    exact = [(Fraction(float(x)), Fraction(float(y))) for x, y in points]
    o, d = (tuple(Fraction(float(x)) for x in row) for row in (origin, direction))
    square = d[0] ** 2 + d[1] ** 2
    steps = []
    for (ax, ay), (bx, by) in combinations_with_replacement(exact, 2):
        # Sides of the two ends, which decide on a crossing, and their places along the ray.
        side_a = d[0] * (ay - o[1]) - d[1] * (ax - o[0])
        side_b = d[0] * (by - o[1]) - d[1] * (bx - o[0])
        along_a = (d[0] * (ax - o[0]) + d[1] * (ay - o[1])) / square
        along_b = (d[0] * (bx - o[0]) + d[1] * (by - o[1])) / square
        if side_a == side_b == 0:
            steps.append(max(along_a, along_b))
        elif side_a * side_b <= 0:
            steps.append(along_a + (along_b - along_a) * side_a / (side_a - side_b))
    return max((step for step in steps if step >= 0), default=None)


def highs_step(points, origin, direction):
    """Last step of a ray within the hull as a linear program; None where it misses the hull."""
    points = np.asarray(points, np.float64)
    size = np.abs(points - points.mean(axis=0)).max() or 1.0
    length = np.linalg.norm(direction)
    shifted = (points - origin).T / size
    matrix = np.vstack([shifted, np.ones(len(points))])
    matrix = np.hstack([matrix, np.append(-direction / length, 0.0)[:, None]])
    cost = np.append(np.zeros(len(points)), -1.0)
    target = np.append(np.zeros(len(origin)), 1.0)
    options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    result = linprog(cost, A_eq=matrix, b_eq=target, method="highs", options=options)
    assert result.status in {0, 2}, result.message  # else HiGHS itself is in doubt
    return result.x[-1] * size / length if result.status == 0 else None


def clarabel_distance(a, b):
    """Distance of two hulls by an interior-point method: a proven lower bound, an upper bound."""
    clarabel = pytest.importorskip("clarabel")
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    middle = a.mean(axis=0)
    size = max(np.abs(a - middle).max(), np.abs(b - middle).max()) or 1.0
    a, b = (a - middle) / size, (b - middle) / size
    n_features, n_weights = a.shape[1], len(a) + len(b)
    # Variables: the difference of the two points, then the weights of either.
    quadratic = sparse.diags_array(np.append(np.ones(n_features), np.zeros(n_weights)))
    difference = np.hstack([-np.eye(n_features), a.T, -b.T])
    sums = np.zeros((2, n_features + n_weights))
    sums[0, n_features : n_features + len(a)] = 1.0
    sums[1, n_features + len(a) :] = 1.0
    signs = np.hstack([np.zeros((n_weights, n_features)), -np.eye(n_weights)])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-13
    solution = clarabel.DefaultSolver(
        sparse.csc_matrix(quadratic),
        np.zeros(n_features + n_weights),
        sparse.csc_matrix(np.vstack([difference, sums, signs])),
        np.concatenate([np.zeros(n_features), np.ones(2), np.zeros(n_weights)]),
        [clarabel.ZeroConeT(n_features + 2), clarabel.NonnegativeConeT(n_weights)],
        settings,
    ).solve()
    weights = np.maximum(np.array(solution.x)[n_features:], 0.0)
    u, v = weights[: len(a)], weights[len(a) :]
    between = u @ a / u.sum() - v @ b / v.sum()
    upper = np.linalg.norm(between)
    lower = ((a @ between).min() - (b @ between).max()) / max(upper, 1e-300)
    return max(lower, 0.0) * size, upper * size


def highs_vertices(points):
    """Indices of the extreme points, the first of each duplicate, by leaving one out."""
    distinct, first = np.unique(points, axis=0, return_index=True)
    rows = np.arange(len(distinct))
    inside = [len(rows) > 1 and highs_contains(distinct[rows != k], distinct[k]) for k in rows]
    assert None not in inside
    return np.sort(first[~np.array(inside, bool)])


def one_ulp(rows, generator, coordinates):
    """Rows with one, all or the nonzero coordinates moved to a neighbouring double."""
    towards = generator.choice([-np.inf, np.inf], size=rows.shape)
    if coordinates == "one":
        others = generator.integers(rows.shape[1], size=(len(rows), 1)) != np.arange(rows.shape[1])
        towards = np.where(others, rows, towards)
    elif coordinates == "nonzero":
        towards = np.where(rows == 0.0, rows, towards)
    return np.nextafter(rows, towards)


def cube(n_features):
    """Corners of the unit cube."""
    return np.array(np.meshgrid(*[[0.0, 1.0]] * n_features)).reshape(n_features, -1).T


def relu_features(n, n_features, seed):
    """Correlated, nonnegative, partly sparse: like learned features."""
    generator = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(n_features, n_features))
    return np.maximum(generator.normal(size=(n, n_features)) @ mixing, 0.0)


def _gaussian():
    generator = np.random.default_rng(1)
    return generator.normal(size=(300, 8)), 1.5 * generator.normal(size=(50, 8))


def _relu():
    return relu_features(800, 20, 2), relu_features(50, 20, 3)


def _flat():
    generator = np.random.default_rng(4)
    basis = generator.normal(size=(4, 12))
    points = generator.normal(size=(200, 4)) @ basis + 5.0
    inside = generator.normal(size=(25, 4)) @ basis + 5.0
    return points, np.vstack([inside, generator.normal(size=(25, 12)) + 5.0])


def _duplicated():
    generator = np.random.default_rng(5)
    points = np.repeat(generator.normal(size=(15, 5)), 20, axis=0)
    return points, generator.normal(size=(50, 5))


def _few_points():
    generator = np.random.default_rng(6)
    return generator.normal(size=(7, 40)), generator.normal(size=(50, 40))


def _real():
    train, test = real_features()
    return train, test[::200]


DATA_SETS = {
    "gaussian": _gaussian,
    "relu": _relu,
    "flat": _flat,
    "duplicated": _duplicated,
    "fewer points than features": _few_points,
    "real features": _real,
}
