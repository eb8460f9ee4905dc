"""Linear regions, and walks along segments, in exact arithmetic: what no degenerate case fools."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product
from math import gcd, lcm

import numpy as np

from network_cases import layers_of

# Regions


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


def exact_functions(network, box=None, far=2**1100):
    """Regions with the integer rows of their outputs, which are those times a common factor.

    In integer arithmetic on the network's doubles: exact, whatever the arrangement.
    """
    n = network.n_inputs
    ends = (-far, far) if box is None else box
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
    return cells


def exact_cells(network, box=None, far=2**1100):
    """All regions as `ExactCell` objects, `bits` tuples of bool; all space is a box to `far`."""
    return [cell for cell, _, _ in exact_functions(network, box, far)]


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


def exact_patterns(network, box=None):
    """Patterns as bits, exactly."""
    return np.array([cell.bits for cell in exact_cells(network, box)], dtype=bool)


# Where classes tie


def exact_boundary(network, box=None):
    """Pairs of classes of all pieces of the decision boundary, sorted.

    Every region is cut where classes tie. A piece is a facet of a part along which another output
    ties that is not the same all over the part; what parts it has on its sides tells its classes.
    """
    sides, ties = {}, {}
    for cell, rows, _ in exact_functions(network, box):
        if len(rows) == 1:
            rows = np.vstack([0 * rows, rows])  # noqa: PLW2901
        for c, part in _parts(cell, rows):
            same = {d for d in range(len(rows)) if (rows[d] == rows[c]).all()}
            for face in _facets(part):
                sides.setdefault(face, []).append(c)
                tied = {
                    d for d in range(len(rows)) if all((rows[c] - rows[d]) @ v == 0 for v in face)
                }
                if tied - same:
                    ties.setdefault(face, []).append((c, min(tied - same)))
    return sorted(
        tuple(sorted(set(sides[face]))) if len(set(sides[face])) == 2 else tuple(sorted(found[0]))
        for face, found in ties.items()
    )


def _parts(cell, rows):
    """The class that is ahead, the lowest of several, and where."""
    for c in range(len(rows)):
        part = cell
        for d in range(len(rows)):
            step = rows[c] - rows[d]
            if not step.any():
                part = part if c <= d else None
            elif part is not None:
                part = part.split(step)[0]
            if part is None:
                break
        if part is not None:
            yield c, part


def _facets(cell):
    """Facets as sets of vertices, each vertex in lowest terms."""
    found = set()
    for facet in range(cell.n_facets):
        on = [v for v, mask in zip(cell.vertices, cell.facets, strict=True) if mask >> facet & 1]
        if _rank(on) == len(cell.vertices[0]) - 1:
            found.add(frozenset(tuple(x // gcd(*v) for x in v) for v in on))
    return found


def _rank(rows):
    rows, rank = [[Fraction(x) for x in row] for row in rows], 0
    for c in range(len(rows[0]) if rows else 0):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][c]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for i in range(rank + 1, len(rows)):
            share = rows[i][c] / rows[rank][c]
            rows[i] = [x - share * y for x, y in zip(rows[i], rows[rank], strict=True)]
        rank += 1
    return rank


# Segments


def exact_walk(network, start, stop):
    """Return exact breakpoints, the units of each, patterns, class changes, classes, logits."""
    knots = [Fraction(0), Fraction(1)]
    values = {0: [_exact(start), _exact(stop)]}
    flips, bits, first = {}, [], 0
    for k, stage in enumerate(network.stages[:-1]):
        inputs = _affine(stage, values)
        crossings = set()
        for (s, t), (left, right) in zip(pairwise(knots), pairwise(inputs), strict=True):
            for unit in stage.hidden:
                x, y = left[unit], right[unit]
                if x * y < 0:
                    crossings.add(s + (t - s) * x / (x - y))
        merged = sorted({*knots, *crossings})
        values = {source: _resampled(knots, old, merged) for source, old in values.items()}
        inputs, knots = _resampled(knots, inputs, merged), merged
        for unit in stage.hidden:
            on = [row[unit] + after[unit] > 0 for row, after in pairwise(inputs)]
            bits.append((on, knots))
            for place, before, after in zip(knots[1:-1], on[:-1], on[1:], strict=True):
                if before != after:
                    flips.setdefault(place, []).append(first)
            first += 1
        slopes = _exact(stage.slopes)
        values[k + 1] = [
            [a if a > 0 else slope * a for a, slope in zip(row, slopes, strict=True)]
            for row in inputs
        ]
    logits = _affine(network.stages[-1], values)
    breakpoints = sorted(flips)
    ends = [Fraction(0), *breakpoints, Fraction(1)]
    patterns = [[_at((s + t) / 2, on, places) for on, places in bits] for s, t in pairwise(ends)]
    changes, classes = _classes(knots, logits)
    return (
        breakpoints,
        [flips[t] for t in breakpoints],
        patterns,
        changes,
        classes,
        (_resampled(knots, logits, ends)),
    )


def _exact(numbers):
    return [Fraction(float(x)) for x in numbers]


def _affine(stage, values):
    rows = [_exact(stage.bias) for _ in next(iter(values.values()))]
    for term in stage.terms:
        for unit in range(stage.n_units):
            places, weights = term.operator.row(unit)
            weights = _exact(weights)
            for row, source in zip(rows, values[term.source], strict=True):
                row[unit] += sum(
                    (w * source[i] for w, i in zip(weights, places, strict=True)), Fraction(0)
                )
    return rows


def _resampled(knots, rows, places):
    found, i = [], 0
    for place in places:
        while knots[i + 1] < place:
            i += 1
        share = (place - knots[i]) / (knots[i + 1] - knots[i])
        pairs = zip(rows[i], rows[i + 1], strict=True)
        found.append([(1 - share) * x + share * y for x, y in pairs])
    return found


def _at(place, on, knots):
    return on[sum(t < place for t in knots) - 1]


def _classes(knots, logits):
    if len(logits[0]) == 1:
        logits = [[0, *row] for row in logits]
    places = set(knots)
    for (s, t), (left, right) in zip(pairwise(knots), pairwise(logits), strict=True):
        for i in range(len(left)):
            for j in range(i):
                x, y = left[i] - left[j], right[i] - right[j]
                if x * y < 0:
                    places.add(s + (t - s) * x / (x - y))
    places = sorted(places)
    middles = [(s + t) / 2 for s, t in pairwise(places)]
    winners = [row.index(max(row)) for row in _resampled(knots, logits, middles)]
    new = [i for i in range(1, len(winners)) if winners[i] != winners[i - 1]]
    return [places[i] for i in new], [winners[0], *(winners[i] for i in new)]
