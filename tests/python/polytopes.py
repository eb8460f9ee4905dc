"""Polyhedra to ask about, and slow, obvious answers: HiGHS, exact simplex, NNLS, Clarabel."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import null_space
from scipy.optimize import linprog, nnls

from hullspace import Status

_SHARP = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
_STATUS = {0: Status.OPTIMAL, 2: Status.EMPTY, 3: Status.UNBOUNDED}


def highs_support(c, A, b, E=None, d=None):
    """Largest ``c @ x``, and what HiGHS says of the problem; rows should be of about unit size."""
    result = linprog(
        -np.asarray(c),
        A_ub=A if len(A) else None,
        b_ub=b if len(A) else None,
        A_eq=E,
        b_eq=d,
        bounds=(None, None),
        method="highs",
        options=_SHARP,
    )
    if result.status in {2, 4}:  # HiGHS takes some unbounded problems for infeasible ones
        feasible = linprog(0.0 * np.asarray(c), A_ub=A, b_ub=b, A_eq=E, b_eq=d, bounds=(None, None))
        return (Status.EMPTY, -np.inf) if feasible.status == 2 else (Status.UNBOUNDED, np.inf)
    status = _STATUS[result.status]
    value = {Status.EMPTY: -np.inf, Status.UNBOUNDED: np.inf}.get(status)
    return status, -result.fun if value is None else value


def highs_radius(A, b, E=None, d=None):
    """Radius of the largest ball, and what HiGHS says of the problem."""
    A, b = np.asarray(A, float), np.asarray(b, float)
    basis = np.eye(A.shape[1]) if E is None else null_space(np.asarray(E))
    lengths = np.linalg.norm(A @ basis, axis=1)
    lengths[lengths <= 1e-12 * np.linalg.norm(A, axis=1)] = 0.0
    last = np.append(np.zeros(A.shape[1]), 1.0)
    rows = np.vstack([np.column_stack([A, lengths]), -last])
    if E is not None:
        E = np.column_stack([E, np.zeros(len(E))])
    return highs_support(last, rows, np.append(b, 0.0), E, d)


def assert_close(found, expected, size=1.0):
    """Objectives agree to 1e-8, relative to themselves or to the size of the problem."""
    infinite = ~np.isfinite(expected)
    assert np.array_equal(np.asarray(found)[infinite], np.asarray(expected)[infinite])
    found, expected = np.asarray(found)[~infinite], np.asarray(expected)[~infinite]
    assert (np.abs(found - expected) <= 1e-8 * np.maximum(np.abs(expected), size)).all()


def exact_support(c, A, b):
    """Largest ``c @ x`` over ``A x <= b`` in rational arithmetic; None if empty, inf if unbounded.

    The simplex method on dictionaries, with Bland's rule, on differences of nonnegative unknowns:
    Chvatal, "Linear programming", chapters 2 to 4.
    """
    rows = [[Fraction(float(x)) for x in row] for row in A]
    n, m = len(c), len(rows)
    # Columns: x, minus the sum of all x (one more nonnegative unknown frees their signs), x0.
    names = list(range(n + 2))
    table = [[Fraction(float(b[i]))] + [-v for v in rows[i]] + [sum(rows[i]), Fraction(1)]
             for i in range(m)]  # fmt: skip
    basis = [n + 2 + i for i in range(m)]
    cost = [Fraction(float(v)) for v in c]
    goal = [Fraction(0), *cost, -sum(cost), Fraction(0)]
    first = [Fraction(0)] * (n + 2) + [Fraction(-1)]
    dictionary = _Dictionary(names, basis, table, [first, goal])
    if m and min(row[0] for row in table) < 0:
        lowest = min(range(m), key=lambda i: table[i][0])
        dictionary.pivot(lowest, names.index(n + 1))
        dictionary.maximize(0)
        if dictionary.goals[0][0] < 0:
            return None
        if n + 1 in dictionary.basis:
            row = dictionary.basis.index(n + 1)
            column = next(j for j, v in enumerate(dictionary.table[row][1:]) if v)
            dictionary.pivot(row, column)
    dictionary.forget(n + 1)
    return dictionary.goals[1][0] if dictionary.maximize(1) else float("inf")


class _Dictionary:
    """Basic unknowns as affine functions of the others: ``table[i] = [constant, *slopes]``."""

    def __init__(self, names, basis, table, goals):
        self.names, self.basis, self.table, self.goals = names, basis, table, goals
        self.forbidden = set()

    def forget(self, name):
        self.forbidden.add(name)

    def pivot(self, row, column):
        """Exchange the unknown of a row with that of a column."""
        pivot = self.table[row]
        slope = pivot[column + 1]
        solved = [-v / slope for v in pivot]
        solved[column + 1] = 1 / slope
        for other in [*self.table, *self.goals]:
            if other is not pivot and other[column + 1]:
                factor = other[column + 1]
                other[column + 1] = Fraction(0)
                other[:] = [v + factor * s for v, s in zip(other, solved, strict=True)]
        pivot[:] = solved
        self.basis[row], self.names[column] = self.names[column], self.basis[row]

    def maximize(self, goal):
        """Bland's rule; False if there is no largest value."""
        while True:
            rising = [
                (name, j)
                for j, name in enumerate(self.names)
                if self.goals[goal][j + 1] > 0 and name not in self.forbidden
            ]
            if not rising:
                return True
            column = min(rising)[1]
            steps = [
                (row[0] / -row[column + 1], self.basis[i], i)
                for i, row in enumerate(self.table)
                if row[column + 1] < 0
            ]
            if not steps:
                return False
            self.pivot(min(steps)[2], column)


def nnls_distance(A, b, query, E=None, d=None):
    """Distance to a polyhedron by least-distance programming; infinite if it is empty.

    Lawson and Hanson, "Solving least squares problems", section 23.4.
    """
    if E is not None:
        A, b = np.vstack([A, E, -np.asarray(E)]), np.concatenate([b, d, -np.asarray(d)])
    needed = A @ query - b
    size = max(np.abs(needed).max(), 1e-300)
    matrix = np.vstack([A.T, needed / size])
    target = np.append(np.zeros(A.shape[1]), 1.0)
    weights, _ = nnls(matrix, target, maxiter=100 * len(A) + 1000)
    residual = matrix @ weights - target
    if np.linalg.norm(residual) <= 1e-9:
        return np.inf
    return size * np.linalg.norm(residual[:-1]) / abs(residual[-1])


def clarabel_distance(A, b, query, E=None, d=None):
    """Distance to a polyhedron by an interior-point method."""
    clarabel = pytest.importorskip("clarabel")
    n = len(query)
    E, d = (np.zeros((0, n)), np.zeros(0)) if E is None else (np.asarray(E), np.asarray(d))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    solution = clarabel.DefaultSolver(
        sparse.csc_matrix(np.eye(n)),
        -np.asarray(query, float),
        sparse.csc_matrix(np.vstack([E, A])),
        np.concatenate([d, b]),
        [clarabel.ZeroConeT(len(E)), clarabel.NonnegativeConeT(len(A))],
        settings,
    ).solve()
    assert "Solved" in str(solution.status), solution.status
    return np.linalg.norm(np.array(solution.x) - query)


def box(lower, upper):
    """Rows and bounds of a box."""
    n = len(lower)
    return np.vstack([np.eye(n), -np.eye(n)]), np.concatenate([upper, -np.asarray(lower)])


def cross_polytope(n):
    """All ``2**n`` rows of the unit ball of the 1-norm."""
    signs = np.array(np.meshgrid(*[[1.0, -1.0]] * n)).reshape(n, -1).T
    return signs, np.ones(len(signs))


def simplex(n):
    """Nonnegative coordinates whose sum is at most one."""
    return np.vstack([-np.eye(n), np.ones(n)]), np.append(np.zeros(n), 1.0)


def unit_rows(generator, n_rows, n_features):
    """Random directions."""
    rows = generator.normal(size=(n_rows, n_features))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def bounded(generator, n_features, n_rows):
    """A box about a random point, cut by random rows: the interior contains that point."""
    center = generator.normal(size=n_features)
    A, b = box(center - 1.0, center + 1.0)
    cuts = unit_rows(generator, n_rows, n_features)
    offsets = cuts @ center + generator.uniform(0.3, 1.0, size=n_rows)
    return np.vstack([A, cuts]), np.append(b, offsets)


def spans(generator, n_features, n_rows):
    """Random rows alone, at random distances: seldom bounded when they are few."""
    return unit_rows(generator, n_rows, n_features), generator.uniform(0.3, 1.0, size=n_rows)


def tight(generator, n_features, n_rows):
    """Random rows on either side of zero: often empty."""
    return unit_rows(generator, n_rows, n_features), generator.uniform(-0.3, 1.0, size=n_rows)


def integers(generator, n_features, n_rows):
    """Small integers: many ties, equal, parallel and zero rows."""
    A = generator.integers(-2, 3, size=(n_rows, n_features)).astype(float)
    return A, generator.integers(-1, 5, size=n_rows).astype(float)


def moved(generator, n_features, n_rows):
    """A bounded polyhedron far from the origin."""
    A, b = bounded(generator, n_features, n_rows)
    return A, b + A @ (100.0 * generator.normal(size=n_features))


FAMILIES = {
    "bounded": bounded,
    "spans": spans,
    "tight": tight,
    "integers": integers,
    "moved": moved,
}
