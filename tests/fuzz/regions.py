"""Linear regions of small networks of all kinds against exact splitting, and the proofs of them.

Usage: ``python tests/fuzz/regions.py [--networks N] [--seed S] [--methods vertices lp]``. Network
number i of a seed is always the same one. Prints how many of each kind have the exact set of
regions, a proof that it is complete, and what went wrong; ends with 1 if anything did.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np

import hullspace
from hullspace import ReluNetwork, Status

sys.path.insert(0, str(Path(__file__).parents[1] / "python"))

from exact_oracles import exact_patterns
from region_oracles import packed_set


def _normal(generator, n_out, n_in):
    return generator.normal(size=(n_out, n_in)).round(3), generator.normal(size=n_out).round(3)


def _full(generator, n_out, n_in):
    return generator.normal(size=(n_out, n_in)), generator.normal(size=n_out)


def _biasless(generator, n_out, n_in):
    return generator.normal(size=(n_out, n_in)), np.zeros(n_out)


def _dead(generator, n_out, n_in):
    """Units that are off for good, on for good, or zero."""
    weight, bias = _normal(generator, n_out, n_in)
    for row in range(n_out):
        if generator.random() < 0.4:
            weight[row] = -np.abs(weight[row]) if generator.random() < 0.5 else 0.0
            bias[row] = generator.choice([-3.0, 0.0, 3.0])
    return weight, bias


def _related(generator, n_out, n_in):
    """Units that are multiples of others, with rounding at times."""
    weight, bias = _full(generator, n_out, n_in)
    for row in range(1, n_out):
        if generator.random() < 0.5:
            factor = generator.choice([1.0, -1.0, 2.0, -0.5, 3.0, 1 / 3])
            weight[row], bias[row] = factor * weight[row - 1], factor * bias[row - 1]
    return weight, bias


def _integer(generator, n_out, n_in):
    return generator.integers(-2, 3, (n_out, n_in)), generator.integers(-1, 2, n_out)


def _powers(generator, n_out, n_in):
    """Zero, or plus or minus a power of two."""

    def draw(*shape):
        return np.ldexp(generator.integers(-1, 2, shape).astype(float),
                        generator.integers(-16, 17, shape))  # fmt: skip

    return draw(n_out, n_in), draw(n_out)


def _near(generator, n_out, n_in):
    """Units that coincide but for little."""
    weight, bias = _integer(generator, n_out, n_in)
    weight, bias = weight.astype(float), bias.astype(float)
    for row in range(1, n_out):
        if generator.random() < 0.5:
            little = 10.0 ** -generator.integers(6, 17)
            weight[row] = weight[row - 1]
            weight[row, generator.integers(n_in)] += little * generator.integers(-1, 2)
            bias[row] = bias[row - 1] + little * generator.integers(-1, 2)
    return weight, bias


KINDS = {
    "normal": _normal,
    "full": _full,
    "biasless": _biasless,
    "dead": _dead,
    "related": _related,
    "integer": _integer,
    "powers": _powers,
    "near": _near,
    "torch": None,
    "trained": None,
}


def _widths(generator, n_inputs):
    if n_inputs == 1:
        choices = [(3, 2), (6, 6), (4, 4, 4), (8,)]
    elif n_inputs <= 3:
        choices = [(3, 2), (6, 4), (4, 4, 4), (6,)]
    else:
        choices = [(3, 2), (4, 3), (5,), (3, 3, 3)]
    return (n_inputs, *choices[generator.integers(len(choices))], 2)


def _torch(generator, widths, steps):
    """Torch's default weights, trained a while on a random task."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(int(generator.integers(2**31)))
    layers = [torch.nn.Linear(n, m) for n, m in pairwise(widths)]
    model = torch.nn.Sequential(*[part for x in layers for part in (x, torch.nn.ReLU())][:-1])
    inputs = torch.randn(64, widths[0])
    labels = (inputs[:, 0] * inputs[:, -1] > 0.1).long()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9, weight_decay=1e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
    return [(x.weight.detach().double().numpy(), x.bias.detach().double().numpy())
              for x in layers]  # fmt: skip


def case(seed, number):
    """Return kind, network and box (None for all of space) of one case."""
    generator = np.random.default_rng([seed, number])
    kind = list(KINDS)[number % len(KINDS)]
    widths = _widths(generator, 1 + number // len(KINDS) % 5)
    if KINDS[kind] is None:
        layers = _torch(generator, widths, 60 if kind == "trained" else 0)
    else:
        layers = [KINDS[kind](generator, m, n) for n, m in pairwise(widths)]
    box = (-1.0, 1.0) if generator.random() < 0.5 else None
    return kind, ReluNetwork.from_arrays(*zip(*layers, strict=True)), box


def outcome(network, box, method, expected, *, padded=0, verify=True):
    """Say in a word what came of one search."""
    if padded:
        network = with_unused_inputs(network, padded)
    try:
        found = hullspace.enumerate_regions(network, box, method=method, verify=verify)
    except Exception as error:  # noqa: BLE001 - it is what is looked for
        return f"{type(error).__name__}: {error}"
    patterns = {bytes(row) for row in found.patterns}
    if len(patterns) != len(found):
        return "a region twice"
    if patterns != expected:
        return "wrong" if found.status == Status.COMPLETE else "incomplete, and said so"
    if found.status != Status.COMPLETE:
        return f"right, but {found.status.name}"
    if verify and not found.check:
        return "right, not proven"
    return "right" if not verify else "right and proven"


def with_unused_inputs(network, n_more):
    """The same network with inputs that do not matter."""
    layers = [(s.terms[0].operator.matrix, s.bias) for s in network.stages]
    first = np.hstack([layers[0][0], np.zeros((len(layers[0][0]), n_more))])
    weights, biases = zip(*layers, strict=True)
    return ReluNetwork.from_arrays([first, *weights[1:]], biases)


def main():
    """Run the cases and print the tally."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--methods", nargs="*", default=["vertices", "lp"])
    parser.add_argument("--padded", type=int, default=0, help="inputs that do not matter")
    parser.add_argument("--list", action="store_true", help="name the cases that are not right")
    given = parser.parse_args()
    tally, seconds = Counter(), Counter()
    for number in range(given.first, given.first + given.networks):
        kind, network, box = case(given.seed, number)
        expected = packed_set(exact_patterns(network, box))
        for method in given.methods:
            start = time.process_time()
            word = outcome(network, box, method, expected, padded=given.padded)
            seconds[method] += time.process_time() - start
            tally[method, word, kind] += 1
            if given.list and word != "right and proven":
                print(f"{number} {kind} {method}: {word}", flush=True)
    wrong = 0
    for method in given.methods:
        words = Counter()
        for (name, word, _), count in tally.items():
            words[word] += count if name == method else 0
        print(f"{method}, {seconds[method]:.1f} s: {given.networks} networks")
        for word, count in words.most_common():
            if not count:
                continue
            kinds = ", ".join(
                f"{kind} {tally[method, word, kind]}" for kind in KINDS if tally[method, word, kind]
            )
            print(f"  {count:5d} {word} ({kinds})")
            wrong += count if word != "right and proven" else 0
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
