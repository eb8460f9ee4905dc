"""Linear regions found slowly and obviously, by three ways that share nothing with the search.

All patterns with a linear program each; layer by layer with a linear program for each test; and
layer by layer on vertices in integer arithmetic, which no degenerate arrangement fools.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product
from math import gcd, lcm

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from hullspace.networks import pack
from region_cases import layers_of

_SHARP = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
# A ball of this radius, in units of the domain, is one; random networks have no thinner regions.
_LEAST_RADIUS = 1e-8


def box_rows(lower, upper, n):
    """Rows and bounds of a box; none for None."""
    if lower is None:
        return np.zeros((0, n)), np.zeros(0)
    lower, upper = np.broadcast_to(lower, n), np.broadcast_to(upper, n)
    return np.vstack([np.eye(n), -np.eye(n)]), np.concatenate([upper, -lower])


def radii_of(systems):
    """Radius, at most 1, of the largest ball in each ``A x <= b``; not positive if there is none.

    The systems are stacked into one program: rows ``A x + |a| r <= b`` always have a solution
    where r may be negative, as long as no row is zero.
    """
    blocks, bounds, costs = [], [], []
    for A, b in systems:
        lengths = np.linalg.norm(A, axis=1)
        blocks.append(np.column_stack([A / lengths[:, None], np.ones(len(A))]))
        bounds.append(b / lengths)
        costs.append(np.append(np.zeros(A.shape[1]), -1.0))
    limits = [pair for cost in costs for pair in [(None, None)] * (len(cost) - 1) + [(None, 1.0)]]
    found = linprog(
        np.concatenate(costs),
        A_ub=sparse.block_diag(blocks, format="csr"),
        b_ub=np.concatenate(bounds),
        bounds=limits,
        method="highs",
        options=_SHARP,
    )
    assert found.status == 0, found.message
    ends = np.cumsum([len(cost) for cost in costs]) - 1
    return found.x[ends]


def composed(network, bits):
    """Rows and offsets of all hidden units' inputs, and those of the outputs, under a pattern."""
    matrix, offset = np.eye(network.n_inputs), np.zeros(network.n_inputs)
    rows, offsets, first = [], [], 0
    for weight, bias, slopes in layers_of(network):
        matrix, offset = weight @ matrix, weight @ offset + bias
        hidden = np.flatnonzero(slopes != 1.0)
        rows.append(matrix[hidden])
        offsets.append(offset[hidden])
        factors = np.ones(len(bias))
        on = bits[first : first + len(hidden)]
        factors[hidden] = np.where(on, 1.0, slopes[hidden])
        first += len(hidden)
        matrix, offset = factors[:, None] * matrix, factors * offset
    return np.vstack(rows), np.concatenate(offsets), matrix, offset


def region_rows(network, bits, A, b):
    """Rows ``R x <= s`` of a pattern's region, none of them zero; None if a zero row forbids it."""
    rows, offsets, _, _ = composed(network, bits)
    zero = ~rows.any(axis=1)
    if ((offsets[zero] > 0.0) != bits[zero]).any():
        return None
    signs = np.where(bits, -1.0, 1.0)[~zero]
    return np.vstack([signs[:, None] * rows[~zero], A]), np.append(-signs * offsets[~zero], b)


def brute_force(network, lower=None, upper=None):
    """Patterns, as a sorted array of bits, found by trying all of them."""
    A, b = box_rows(lower, upper, network.n_inputs)
    bits = np.array(list(product([False, True], repeat=network.n_hidden)))
    found = [(row, region_rows(network, row, A, b)) for row in bits]
    found = [(row, system) for row, system in found if system is not None]
    radii = radii_of([system for _, system in found])
    return np.array([row for (row, _), r in zip(found, radii, strict=True) if r > _LEAST_RADIUS])


def by_programs(network, lower=None, upper=None):
    """Patterns, as bits, found layer by layer with a linear program for each test."""
    A, b = box_rows(lower, upper, network.n_inputs)
    found, stack = [], [(np.zeros(0, bool), A, b)]
    while stack:
        bits, A, b = stack.pop()
        j = len(bits)
        if j == network.n_hidden:
            found.append(bits)
            continue
        rows, offsets, _, _ = composed(network, np.append(bits, np.zeros(network.n_hidden - j)))
        row, offset = rows[j], offsets[j]
        if not row.any():
            stack.append((np.append(bits, offset > 0.0), A, b))
            continue
        sides = [(np.vstack([A, s * row]), np.append(b, -s * offset)) for s in (-1.0, 1.0)]
        for on, (A_side, b_side), radius in zip((True, False), sides, radii_of(sides), strict=True):
            if radius > _LEAST_RADIUS:
                stack.append((np.append(bits, on), A_side, b_side))
    return np.array(found)


class ExactCell:
    """A polytope by its vertices, (x, w) for the point x / w in integers, and the facets at each.

    `facets` has a mask of facets for each vertex. Facets are numbered as they come.
    """

    def __init__(self, vertices, facets, n_facets, bits):
        self.vertices, self.facets, self.n_facets, self.bits = vertices, facets, n_facets, bits

    def points(self):
        """Vertices, (n, d) float64."""
        return np.array([[float(Fraction(x, v[-1])) for x in v[:-1]] for v in self.vertices])

    def interior(self):
        """The vertices' mean, in doubles."""
        return [
            float(sum(Fraction(v[i], v[-1]) for v in self.vertices) / len(self.vertices))
            for i in range(len(self.vertices[0]) - 1)
        ]

    def split(self, row):
        """Return the parts where an affine function is positive and negative; None if empty."""
        values = [sum(a * x for a, x in zip(row, v, strict=True)) for v in self.vertices]
        if max(values) <= 0:  # also where the function is zero: the unit is off
            return None, self
        if min(values) >= 0:
            return self, None
        new = 1 << self.n_facets
        masks = [f | new if value == 0 else f
                 for f, value in zip(self.facets, values, strict=True)]  # fmt: skip
        between = {}
        for p, q in product(*([i for i, v in enumerate(values) if s * v > 0] for s in (1, -1))):
            common = self.facets[p] & self.facets[q]
            if sum(common & ~mask == 0 for mask in self.facets) == 2:
                ends = zip(self.vertices[p], self.vertices[q], strict=True)
                point = [values[p] * y - values[q] * x for x, y in ends]
                size = gcd(*point)
                between[tuple(x // size for x in point)] = common | new
        parts = []
        for sign in (1, -1):
            kept = [i for i, value in enumerate(values) if sign * value >= 0]
            parts.append(
                ExactCell(
                    [self.vertices[i] for i in kept] + list(between),
                    [masks[i] for i in kept] + list(between.values()),
                    self.n_facets + 1,
                    self.bits,
                )
            )
        return tuple(parts)


def exact_box(lower, upper):
    """A box whose ends are doubles or integers."""
    corners, masks = [], []
    for choice in product([0, 1], repeat=len(lower)):
        point = [Fraction((lower, upper)[c][i]) for i, c in enumerate(choice)]
        w = lcm(*(x.denominator for x in point))
        corners.append((*(int(x * w) for x in point), w))
        masks.append(sum(1 << (2 * i + c) for i, c in enumerate(choice)))
    return ExactCell(corners, masks, 2 * len(lower), ())


def _integers(array):
    """Integers in proportion to doubles, and the factor."""
    fractions = [Fraction(float(x)) for x in np.ravel(array)]
    factor = lcm(*(x.denominator for x in fractions))
    whole = np.array([int(x * factor) for x in fractions], dtype=object)
    return whole.reshape(np.shape(array)), factor


def exact_cells(network, lower=None, upper=None, far=2**1100):
    """All regions as `ExactCell` objects, `bits` tuples of bool; all space is a box to `far`.

    In integer arithmetic on the network's doubles: exact, whatever the arrangement.
    """
    n = network.n_inputs
    ends = [[-far] * n, [far] * n] if lower is None else np.broadcast_arrays(lower, upper)
    lower, upper = ([*np.broadcast_to(np.asarray(end, object), n)] for end in ends)
    cells = [(exact_box(lower, upper), np.eye(n + 1, dtype=object)[:n], 1)]
    for weight, bias, slopes in layers_of(network):
        both, factor = _integers(np.column_stack([weight, bias]))
        steps, divisor = _integers(slopes)
        found = []
        for start, outputs, scale in cells:
            rows = both[:, :-1].dot(outputs)
            rows[:, -1] += both[:, -1] * scale
            for cell, signs in _split_by_layer(start, rows, slopes):
                factors = np.where(signs, divisor, steps)
                found.append((cell, factors[:, None] * rows, scale * factor * divisor))
        cells = found
    return [cell for cell, _, _ in cells]


def _split_by_layer(cell, rows, slopes):
    """Split by the units of a layer, of integer rows; pairs of a cell and the units' signs."""
    cells = [(cell, [])]
    for row, slope in zip(rows, slopes, strict=True):
        found = []
        for part, signs in cells:
            if slope == 1.0:
                found.append((part, [*signs, True]))
                continue
            for on, side in zip((True, False), part.split(row), strict=True):
                if side is not None:
                    bits = (*part.bits, on)
                    copy = ExactCell(side.vertices, side.facets, side.n_facets, bits)
                    found.append((copy, [*signs, on]))
        cells = found
    return [(part, np.array(signs, bool)) for part, signs in cells]


def exact_patterns(network, lower=None, upper=None):
    """Patterns as bits, exactly."""
    return np.array([cell.bits for cell in exact_cells(network, lower, upper)], dtype=bool)


def adjacent(network, bits, lower=None, upper=None):
    """Matrix of bool: whether two regions, given by their patterns, share a facet.

    One linear program for each pair and each hyperplane that bounds both from opposite sides: is
    there a ball of that hyperplane in both?
    """
    A, b = box_rows(lower, upper, network.n_inputs)
    systems, facets = [], []
    for row in bits:
        rows, bounds = region_rows(network, row, A, b)
        lengths = np.linalg.norm(rows, axis=1)
        system = np.column_stack([rows, bounds]) / lengths[:, None]
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
    for first in range(0, len(systems), 200):
        radii = radii_of(systems[first : first + 200])
        answers[places[first : first + 200]] = radii > _LEAST_RADIUS
    return answers


def as_set(patterns):
    """A set of packed patterns; it must not lose any."""
    found = {bytes(row) for row in patterns}
    assert len(found) == len(patterns), "a pattern comes twice"
    return found


def packed_set(bits):
    """The same of bits."""
    return as_set(pack(np.atleast_2d(bits)))
