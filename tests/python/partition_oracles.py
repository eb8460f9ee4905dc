"""Slow, obvious answers about decision partitions, and heads to compare on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from hullspace import DecisionPartition

TIGHT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


def inequalities(partition, c, others):
    """Rows and limits of: none of the others is above c."""
    weight, bias = partition.head.weight, partition.head.bias
    return weight[others] - weight[c], bias[c] - bias[others]


def tie_set(partition, classes):
    """A, b, E, d of the set where the classes tie at the top, from the definition alone."""
    first, rest = classes[0], list(classes[1:])
    others = [j for j in range(partition.n_classes) if j not in classes]
    A, b = inequalities(partition, first, others)
    E, d = inequalities(partition, first, rest)
    domain = partition.domain.polyhedron
    return (
        np.vstack([A, domain.A]),
        np.append(b, domain.b),
        np.vstack([E, domain.E]),
        np.append(d, domain.d),
    )


def highs_ball(A, b, E, d):
    """Radius of the largest ball within the affine set E x = d; None if empty, inf if unbounded.

    In a set that is a point it is 0.
    """
    n = A.shape[1]
    along = A - A @ np.linalg.pinv(E) @ E if len(E) else A
    lengths = np.linalg.norm(along, axis=1)
    lengths[lengths < 1e-12] = 0.0
    rows = np.vstack([np.column_stack([A, lengths]), np.append(np.zeros(n), -1.0)])
    result = linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=rows,
        b_ub=np.append(b, 0.0),
        A_eq=np.column_stack([E, np.zeros(len(E))]),
        b_eq=d,
        bounds=(None, None),
        method="highs",
        options=TIGHT,
    )
    if result.status == 0:
        return result.x[-1]
    feasible = linprog(
        np.zeros(n), A_ub=A, b_ub=b, A_eq=E, b_eq=d, bounds=(None, None), method="highs"
    )
    if feasible.status != 0:
        return None
    return np.inf if np.linalg.matrix_rank(E) < n else 0.0


def highs_distance(point, A, b, E, d, norm):
    """Distance in the norm 1 or infinity by a lifted linear program; infinity if empty."""
    n = len(point)
    share, n_bounds = (np.ones((n, 1)), 1) if norm == np.inf else (np.eye(n), n)
    rows = np.block([[A, np.zeros((len(A), n_bounds))], [np.eye(n), -share], [-np.eye(n), -share]])
    result = linprog(
        np.append(np.zeros(n), np.ones(n_bounds)),
        A_ub=rows,
        b_ub=np.concatenate([b, point, -point]),
        A_eq=np.column_stack([E, np.zeros((len(E), n_bounds))]),
        b_eq=d,
        bounds=(None, None),
        method="highs",
        options=TIGHT,
    )
    return result.fun if result.status == 0 else np.inf


def clarabel_distance_to(point, A, b, E, d):
    """Euclidean distance by an interior-point method; infinity if the set is empty."""
    clarabel = pytest.importorskip("clarabel")
    n = len(point)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    for tolerance in (1e-10, 1e-8):  # the tighter one is at times out of its reach
        settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
        solution = clarabel.DefaultSolver(
            sparse.csc_matrix(sparse.eye_array(n)),
            np.zeros(n),
            sparse.csc_matrix(np.vstack([E, A])),
            np.concatenate([d - E @ point, b - A @ point]),
            [clarabel.ZeroConeT(len(E)), clarabel.NonnegativeConeT(len(A))],
            settings,
        ).solve()
        status = str(solution.status)
        if status == "Solved":
            return np.linalg.norm(np.array(solution.x))
        if "Infeasible" in status:
            return np.inf
    raise AssertionError(f"Clarabel is in doubt: {status}")


def _random_head(n_classes, n_features, seed, **options):
    generator = np.random.default_rng(seed)
    weight = generator.normal(size=(n_classes, n_features))
    return DecisionPartition(weight, 0.3 * generator.normal(size=n_classes), **options)


def _fan():
    """Four classes in the plane around the origin, in a box."""
    weight = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]
    return DecisionPartition(weight, domain=(-1.0, 1.0))


def _never_wins():
    """The last class is the mean of two others, less something: it wins nowhere."""
    generator = np.random.default_rng(4)
    weight = generator.normal(size=(4, 3))
    bias = np.zeros(5)
    bias[4] = -0.1
    return DecisionPartition(np.vstack([weight, weight[:2].mean(axis=0)]), bias, domain=(-2.0, 2.0))


def _collinear():
    """The middle class ties with the two others on their boundary and wins nowhere alone."""
    weight = [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    return DecisionPartition(weight, [0.0, 0.0, 0.0, -0.5], domain=(-1.0, 1.0))


def _polyhedron():
    """A simplex as the domain."""
    from hullspace import polyhedron

    simplex = polyhedron.Polyhedron(np.vstack([-np.eye(3), np.ones(3)]), [0.0, 0.0, 0.0, 1.0])
    generator = np.random.default_rng(6)
    return DecisionPartition(generator.normal(size=(5, 3)), domain=simplex)


def _flat_box():
    """A feature that never changes."""
    generator = np.random.default_rng(7)
    weight = generator.normal(size=(4, 4))
    lower, upper = np.array([-1.0, 0.5, -1.0, 0.0]), np.array([1.0, 0.5, 2.0, 3.0])
    return DecisionPartition(weight, 0.1 * generator.normal(size=4), domain=(lower, upper))


PARTITIONS = {
    "box": lambda: _random_head(5, 3, 0, domain=(-1.0, 1.5)),
    "orthant": lambda: _random_head(6, 8, 1, domain="orthant"),
    "everywhere": lambda: _random_head(5, 4, 2, domain=None),
    "two classes": lambda: _random_head(2, 3, 3, domain="orthant"),
    "fan": _fan,
    "never wins": _never_wins,
    "collinear": _collinear,
    "polyhedron": _polyhedron,
    "flat box": _flat_box,
    "one feature": lambda: DecisionPartition([[-1.0], [0.0], [1.0]], [-1.0, 0.0, -1.0]),
}


def samples_of(partition, n, seed=0):
    """Samples in the domain, a few of them on its boundary, and a few outside of it."""
    generator = np.random.default_rng(seed)
    z = 1.5 * generator.normal(size=(n, partition.n_features))
    domain = partition.domain
    if domain.lower is None:
        weights = generator.dirichlet(np.ones(partition.n_features + 1), size=n)
        return weights[:, 1:]
    inside = np.clip(z, domain.lower, domain.upper)
    inside[: n // 10] = z[: n // 10]
    return inside
