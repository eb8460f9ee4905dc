"""Slow, obvious answers to compare with, and the data sets to compare on."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
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
