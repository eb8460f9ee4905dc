"""Walks along segments in exact rational arithmetic, for tiny networks."""

from fractions import Fraction
from itertools import pairwise

import numpy as np


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


def stage_matrix(rng, n_out, n_in):
    """Return small integers with zero, repeated and opposite rows."""
    matrix = rng.integers(-3, 4, (n_out, n_in)).astype(float)
    if n_out > 2:
        matrix[rng.integers(n_out)] = 0.0
        matrix[rng.integers(n_out)] = matrix[rng.integers(n_out)]
        matrix[rng.integers(n_out)] = -matrix[rng.integers(n_out)]
    return np.where(rng.random(matrix.shape) < 0.2, 0.0, matrix)
