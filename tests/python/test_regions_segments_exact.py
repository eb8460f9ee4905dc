"""Walks through degenerate networks against exact arithmetic: what differs, rounding explains."""

import sys
from pathlib import Path

import numpy as np
import pytest

import hullspace
from exact_oracles import exact_walk

sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))

from regions import KINDS, case

# Exact intervals that are shorter may be lost: zeros of units so close together are one zero.
SHORTEST = 1e-9
# What a walk may take for zero, as a share of the sizes of what it is a sum of.
ROUNDING = 1e-12


def segments(kind, n):
    """Networks of one kind, and segments between integer points and between others."""
    for k in range(n):
        number = list(KINDS).index(kind) + len(KINDS) * k
        _, network, _ = case(0, number)
        generator = np.random.default_rng(number)
        for integer in (True, False):
            ends = generator.normal(size=(2, network.n_inputs)) * 2.0
            yield network, *(np.rint(ends) if integer else ends)


def sizes_of(network, x):
    """A bound of the terms of each hidden unit's input, and of the outputs'."""
    values, found = {0: np.abs(x)}, []
    for k, stage in enumerate(network.stages):
        total = np.abs(stage.bias).copy()
        for term in stage.terms:
            total += term.operator.absolute().apply(values[term.source][None])[0]
        found.append(total)
        values[k + 1] = total
    return found


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind] is not None])
def test_differences_are_rounding(kind):
    for network, a, b in segments(kind, 12):
        if (a == b).all():
            continue
        walk = hullspace.walk_segment(network, a, b)
        breakpoints, _, patterns, changes, classes, _ = exact_walk(network, a, b)
        places = [0.0, *map(float, breakpoints), 1.0]
        steps = [0.0, *map(float, changes), 1.0]
        for s, t, pattern in zip(places[:-1], places[1:], patterns, strict=True):
            if t - s < SHORTEST:
                continue
            middle = 0.5 * (s + t)
            piece = int(np.searchsorted(walk.breakpoints, middle))
            bits = np.unpackbits(walk.pattern(piece), bitorder="little")[: network.n_hidden]
            x = (1.0 - middle) * a + middle * b
            inputs = np.concatenate(
                [
                    z[0, s.hidden]
                    for z, s in zip(network.preactivations(x[None]), network.stages, strict=True)
                ]
            )
            size = np.concatenate(
                [z[s.hidden] for z, s in zip(sizes_of(network, x), network.stages, strict=True)]
            )
            differ = bits.astype(bool) != np.array(pattern, bool)
            assert (np.abs(inputs[differ]) <= ROUNDING * size[differ]).all()
        for s, t, label in zip(steps[:-1], steps[1:], classes, strict=True):
            if t - s < SHORTEST:
                continue
            middle = 0.5 * (s + t)
            own = walk.classes[int(np.searchsorted(walk.class_changes, middle))]
            if own != label:
                x = (1.0 - middle) * a + middle * b
                logits = network(x[None])[0]
                assert abs(logits[own] - logits[label]) <= ROUNDING * sizes_of(network, x)[-1].max()
