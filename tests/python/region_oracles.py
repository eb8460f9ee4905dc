"""Linear regions found slowly and obviously, with a linear program for each pattern or branch."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
from scipy import sparse
from scipy.optimize import linprog, minimize

from hullspace import Polyhedron
from hullspace.certificates.regions import RegionProof
from hullspace.networks import pack

# A cell whose largest ball is smaller counts as one without interior points.
SMALLEST = 1e-9
_SHARP = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
# Programs that are solved as one.
_STACK = 200


def as_set(patterns):
    """A set of packed patterns; it must not lose any."""
    found = {bytes(row) for row in patterns}
    assert len(found) == len(patterns), "a pattern comes twice"
    return found


def packed_set(bits):
    """The same of bits."""
    return as_set(pack(np.atleast_2d(bits)))


# Constraints


def rows_of(domain, n):
    """Rows and bounds of a domain: None, (lower, upper) or a polyhedron."""
    if domain is None:
        return np.zeros((0, n)), np.zeros(0)
    if isinstance(domain, Polyhedron):
        return domain.A, domain.b
    lower, upper = (np.broadcast_to(end, n) for end in domain)
    return np.vstack([np.eye(n), -np.eye(n)]), np.concatenate([upper, -lower])


def composed(network, bits):
    """Rows and offsets of all hidden units' inputs, and those of the outputs, under a pattern."""
    n, first = network.n_inputs, 0
    held, rows, offsets = [np.eye(n, n + 1)], [], []  # offsets are the last column
    for stage in network.stages:
        both = np.column_stack([np.zeros((stage.n_units, n)), stage.bias])
        for term in stage.terms:
            both += term.operator.apply(held[term.source].T).T
        hidden = stage.hidden
        rows.append(both[hidden, :-1])
        offsets.append(both[hidden, -1])
        factors = np.ones(stage.n_units)
        on = bits[first : first + len(hidden)]
        factors[hidden] = np.where(on, 1.0, stage.slopes[hidden])
        first += len(hidden)
        held.append(factors[:, None] * both)
    rows = np.concatenate(rows)
    # What cancels up to rounding is meant to cancel: else there are cells 10^16 away.
    rows[np.abs(rows) < 2.0**-48 * np.abs(rows).max(initial=0.0)] = 0.0
    return rows, np.concatenate(offsets), held[-1][:, :-1], held[-1][:, -1]


def cell_rows(network, bits, domain=None, units=None):
    """Rows ``R @ x <= s`` of a cell: those of its units, by default all, and the domain's."""
    units = np.arange(network.n_hidden) if units is None else units
    rows, offsets, _, _ = composed(network, bits)
    A, b = rows_of(domain, network.n_inputs)
    signs = np.where(bits, -1.0, 1.0)
    R, s = signs[:, None] * rows, -signs * offsets
    return np.vstack([R[units], A]), np.append(s[units], b)


def forbidding(R, s, on):
    """Zero rows that no point fulfils; the first are those of units, which are on or off."""
    strict = np.append(on, np.zeros(len(s) - len(on), dtype=bool))
    return np.flatnonzero(~R.any(axis=1) & ((s < 0.0) | ((s == 0.0) & strict)))


def largest_balls(systems):
    """Centre, radius and multipliers of the largest ball in each ``R @ x <= s``.

    The radius is at most 1, and not positive if there is no ball. Zero rows do not count. Up to
    `_STACK` systems make one program, which always has a solution.
    """
    found = []
    for first in range(0, len(systems), _STACK):
        found += _stacked(systems[first : first + _STACK])
    return found


def _stacked(systems):
    blocks, bounds, costs, nonzero = [], [], [], []
    for R, s in systems:
        lengths = np.linalg.norm(R, axis=1)
        kept = lengths > 0.0
        R, s, lengths = R[kept], s[kept], lengths[kept]  # noqa: PLW2901
        blocks.append(np.column_stack([R / lengths[:, None], np.ones(len(R))]))
        bounds.append(s / lengths)
        costs.append(np.append(np.zeros(R.shape[1]), -1.0))
        nonzero.append((kept, lengths))
    limits = [pair for cost in costs for pair in [(None, None)] * (len(cost) - 1) + [(None, 1.0)]]
    result = linprog(
        np.concatenate(costs),
        A_ub=sparse.block_diag(blocks, format="csr"),
        b_ub=np.concatenate(bounds),
        bounds=limits,
        method="highs-ds",
        options=_SHARP,
    )
    assert result.status == 0, result.message
    duals = np.maximum(-result.ineqlin.marginals, 0.0)
    columns = np.split(result.x, np.cumsum([len(cost) for cost in costs])[:-1])
    parts = np.split(duals, np.cumsum([len(bound) for bound in bounds])[:-1])
    found = []
    for x, part, (kept, lengths) in zip(columns, parts, nonzero, strict=True):
        multipliers = np.zeros(len(kept))
        multipliers[kept] = part / lengths
        found.append((x[:-1], x[-1], multipliers))
    return found


# All regions


def brute_force(network, domain=None):
    """Patterns, as bits, of all full-dimensional cells, found by trying all of them."""
    bits = np.array(list(product([False, True], repeat=network.n_hidden)), dtype=bool)
    systems = [cell_rows(network, row, domain) for row in bits]
    possible = [not len(forbidding(*each, row)) for row, each in zip(bits, systems, strict=True)]
    balls = largest_balls([each for each, can in zip(systems, possible, strict=True) if can])
    return bits[possible][[radius > SMALLEST for _, radius, _ in balls]]


class _Stream:
    def __init__(self):
        self.tokens, self.children, self.leaves, self.certificates = [], [], [], []


class ReferenceSearch:
    """Branches on the units in order; subtrees at some depths get streams of their own.

    Attributes `bits` or `patterns`, `points` and `proof` hold what was found.
    """

    def __init__(self, network, domain=None, *, order=None, depths=()):
        self.network, self.domain, self.depths = network, domain, set(depths)
        self.order = np.arange(network.n_hidden) if order is None else np.asarray(order)
        self.streams, self._found = [_Stream()], []
        ((point, certificate),) = self._interiors([()])
        if certificate is None:
            self._branch(self.streams[0], (), point)
        else:
            self._prune(self.streams[0], certificate)
        n = len(self._found)
        bits, points = zip(*self._found, strict=True) if n else ((), ())
        self.bits = np.array(bits, dtype=bool).reshape(n, network.n_hidden)
        self.patterns = pack(self.bits)
        self.points = np.array(points).reshape(n, network.n_inputs)
        self.proof = proof_of(self.streams)

    def _interiors(self, cells):
        """For each cell a point and None, or None and a certificate that it has no interior."""
        systems, answers, places = [], [None] * len(cells), []
        for k, sides in enumerate(cells):
            units, on = self.order[: len(sides)], np.array(sides, dtype=bool)
            bits = np.zeros(self.network.n_hidden, dtype=bool)
            bits[units] = on
            R, s = cell_rows(self.network, bits, self.domain, units)
            numbers = np.append(units, self.network.n_hidden + np.arange(len(s) - len(units)))
            wrong = forbidding(R, s, on)
            if len(wrong):
                answers[k] = None, (numbers[wrong[:1]], np.ones(1))
            else:
                systems.append((R, s))
                places.append((k, numbers))
        balls = largest_balls(systems)
        for (k, numbers), (R, _), ball in zip(places, systems, balls, strict=True):
            answers[k] = self._answer(numbers, R, *ball)
        return answers

    @staticmethod
    def _answer(numbers, R, center, radius, multipliers):
        if radius > SMALLEST:
            return center, None
        shares = multipliers * np.linalg.norm(R, axis=1)
        used = shares > 1e-12 * shares.max()
        return None, (numbers[used], multipliers[used])

    def _prune(self, stream, certificate):
        stream.tokens.append(-2)
        stream.certificates.append(certificate)

    def _branch(self, stream, sides, point):
        if len(sides) in self.depths:
            stream.tokens.append(-3)
            stream.children.append(len(self.streams))
            stream = _Stream()
            self.streams.append(stream)
        if len(sides) == self.network.n_hidden:
            bits = np.zeros(len(sides), dtype=bool)
            bits[self.order] = sides
            stream.tokens.append(-1)
            stream.leaves.append(len(self._found))
            self._found.append((bits, point))
            return
        stream.tokens.append(int(self.order[len(sides)]))
        cells = [(*sides, side) for side in (True, False)]
        for cell, (inside, certificate) in zip(cells, self._interiors(cells), strict=True):
            if certificate is None:
                self._branch(stream, cell, inside)
            else:
                self._prune(stream, certificate)


def proof_of(streams):
    """The streams' lists as arrays."""

    def joined(i, kind):
        parts = [np.asarray(x[i], dtype=kind) for x in stream.certificates]
        return np.concatenate([np.zeros(0, kind), *parts])

    fields = [[] for _ in range(6)]
    for stream in streams:
        counts = [len(rows) for rows, _ in stream.certificates]
        arrays = (
            np.array(stream.tokens, dtype=np.int32),
            np.array(stream.children, dtype=np.int64),
            np.array(stream.leaves, dtype=np.int64),
            np.cumsum([0, *counts]),
            joined(0, np.int64),
            joined(1, np.float64),
        )
        for field, array in zip(fields, arrays, strict=True):
            field.append(array)
    return RegionProof(*map(tuple, fields))


# Questions about regions


def distance_to(R, s, x, norm):
    """Distance from x to where ``R @ y <= s``; infinite where empty."""
    zero, n = ~R.any(axis=1), len(x)
    if (s[zero] < 0.0).any():
        return np.inf
    if norm == np.inf:
        A, ones = np.vstack([R, np.eye(n), -np.eye(n)]), np.ones(2 * n)
        found = linprog(
            np.append(np.zeros(n), 1.0),
            np.column_stack([A, np.append(np.zeros(len(R)), -ones)]),
            np.concatenate([s, x, -x]),
            bounds=[(None, None)] * n + [(0, None)],
        )
        return found.fun if found.status == 0 else np.inf
    ((center, radius, _),) = largest_balls([(R, s)])
    if radius < -1e-10:
        return np.inf
    found = minimize(
        lambda y: (y - x) @ (y - x),
        center,
        jac=lambda y: 2.0 * (y - x),
        constraints={"type": "ineq", "fun": lambda y: s - R @ y, "jac": lambda _: -R},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    return np.linalg.norm(found.x - x)


def nearest_change(network, x, domain, norm, targets=None):
    """Distance from x to the nearest point of a domain where another class reaches x's."""
    label = int(network(x[None])[0].argmax())
    best = np.inf
    for bits in brute_force(network, domain):
        R, s = cell_rows(network, bits, domain)
        W, b = composed(network, bits)[2:]
        for k in range(network.n_outputs) if targets is None else targets:
            if k != label:
                more, ends = np.vstack([R, W[label] - W[k]]), np.append(s, b[k] - b[label])
                best = min(best, distance_to(more, ends, x, norm))
    return best


def adjacent(network, bits, domain=None):
    """Matrix of bool: whether two regions, given by their patterns, share a facet.

    One linear program for each pair and each hyperplane that bounds both from opposite sides: is
    there a ball of that hyperplane in both?
    """
    systems, facets = [], []
    for row in bits:
        system = np.column_stack(cell_rows(network, row, domain))
        lengths = np.linalg.norm(system[:, :-1], axis=1)
        system = system[lengths > 0.0] / lengths[lengths > 0.0, None]
        systems.append(system)
        facets.append(system[_have_balls([(row, system) for row in system])])
    pairs, questions = [], []
    for i, j in combinations(range(len(bits)), 2):
        opposite = np.abs(facets[i][:, None] + facets[j][None]).max(axis=2) < 1e-9
        for row in facets[i][opposite.any(axis=1)]:
            pairs.append((i, j))
            questions.append((row, np.vstack([systems[i], systems[j]])))
    found = np.zeros((len(bits), len(bits)), bool)
    for (i, j), meet in zip(pairs, _have_balls(questions), strict=True):
        found[i, j] |= meet
        found[j, i] |= meet
    return found


def _have_balls(questions):
    """Tell for each (row, system) whether the row's hyperplane has a ball within the system."""
    answers, systems, places = np.ones(len(questions), bool), [], []
    for k, (row, system) in enumerate(questions):
        same = [np.abs(system - sign * row).max(axis=1) < 1e-9 for sign in (1.0, -1.0)]
        rows = system[~(same[0] | same[1])]
        basis = np.linalg.svd(row[None, :-1])[2][1:].T
        A, b = rows[:, :-1] @ basis, rows[:, -1] - row[-1] * rows[:, :-1] @ row[:-1]
        parallel = np.linalg.norm(A, axis=1) < 1e-9
        if (b[parallel] < 0.0).any():
            answers[k] = False
        elif not parallel.all():
            systems.append((A[~parallel], b[~parallel]))
            places.append(k)
    answers[places] = [radius > SMALLEST for _, radius, _ in largest_balls(systems)]
    return answers
