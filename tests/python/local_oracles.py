"""Small networks and slow, obvious answers to questions about their linear regions."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
from scipy.optimize import linprog, minimize

from hullspace.networks import Dense, ReluNetwork, Stage, Term


def random_network(sizes, seed, *, integers=False):
    """A network of linear layers whose numbers are spread like those of a usual start."""
    generator = np.random.default_rng(seed)
    weights, biases = [], []
    for n_in, n_out in pairwise(sizes):
        if integers:
            weights.append(generator.integers(-2, 3, (n_out, n_in)).astype(float))
            biases.append(generator.integers(-1, 2, n_out).astype(float))
        else:
            bound = 1.0 / np.sqrt(n_in)
            weights.append(generator.uniform(-bound, bound, (n_out, n_in)) * 2.0)
            biases.append(generator.uniform(-bound, bound, n_out))
    return ReluNetwork.from_arrays(weights, biases)


def leaky_residual(n, width, n_out, seed):
    """A network with leaky units, a slope above 1, and a connection around a stage."""
    generator = np.random.default_rng(seed)

    def dense(rows, columns):
        return Dense(generator.normal(size=(rows, columns)) / np.sqrt(columns))

    def bias(size):
        return generator.normal(size=size) * 0.3

    slopes = np.resize([0.0, 0.1, 1.5, -0.2], width)
    return ReluNetwork(
        [
            Stage((Term(0, dense(width, n)),), bias(width), slopes),
            Stage((Term(1, dense(width, width)),), bias(width), np.zeros(width)),
            Stage(
                (Term(1, dense(n_out, width)), Term(2, dense(n_out, width))),
                bias(n_out),
                np.ones(n_out),
            ),
        ],
        (n,),
    )


def constraints(network, bits):
    """Rows and offsets with rows @ x + offsets >= 0 on a pattern's region, and the outputs' map."""
    maps = network.affine_maps(bits)
    parts = [
        (rows[stage.hidden], offsets[stage.hidden])
        for (rows, offsets), stage in zip(maps, network.stages, strict=True)
    ]
    signs = np.where(bits, 1.0, -1.0)
    rows = signs[:, None] * np.concatenate([part[0] for part in parts])
    return rows, signs * np.concatenate([part[1] for part in parts]), maps[-1]


def room(rows, offsets, lower, upper):
    """The radius of a largest ball with rows @ x + offsets >= 0 in a box, and its centre."""
    lengths = np.linalg.norm(rows, axis=1)
    n = rows.shape[1]
    A = np.vstack(
        [
            np.column_stack([-rows, lengths]),
            np.column_stack([np.eye(n), np.ones(n)]),
            np.column_stack([-np.eye(n), np.ones(n)]),
        ]
    )
    b = np.concatenate([offsets, upper, -lower])
    cost = np.append(np.zeros(n), -1.0)
    found = linprog(cost, A, b, bounds=[(None, None)] * n + [(None, None)])
    return (found.x[-1], found.x[:-1]) if found.status == 0 else (-np.inf, None)


def all_regions(network, lower, upper):
    """Patterns of all regions in a box, one linear program for each pattern."""
    found = []
    for bits in product([False, True], repeat=network.n_hidden):
        rows, offsets, _ = constraints(network, np.array(bits))
        dead = ~rows.any(axis=1)
        on = np.where(bits, offsets, -offsets) > 0.0  # of a unit that is zero the bit is 0
        if (on != bits)[dead].any():
            continue
        if room(rows, offsets, lower, upper)[0] > 1e-9:
            found.append(np.array(bits))
    return found


def distance_to(rows, offsets, x, lower, upper, norm):
    """Distance from x to where rows @ y + offsets >= 0 in a box; infinite where empty."""
    n = len(x)
    if norm == np.inf:
        A = np.vstack(
            [
                np.column_stack([-rows, np.zeros(len(rows))]),
                np.column_stack([np.eye(n), -np.ones(n)]),
                np.column_stack([-np.eye(n), -np.ones(n)]),
            ]
        )
        found = linprog(
            np.append(np.zeros(n), 1.0),
            A,
            np.concatenate([offsets, x, -x]),
            bounds=[*zip(lower, upper, strict=True), (0, None)],
        )
        return found.fun if found.status == 0 else np.inf
    if room(rows, offsets, lower - 1e-12, upper + 1e-12)[0] < -1e-10:
        return np.inf
    start = linprog(
        np.zeros(n), -rows, offsets + 1e-10, bounds=list(zip(lower, upper, strict=True))
    )
    if start.status:
        return np.inf
    found = minimize(
        lambda y: (y - x) @ (y - x),
        start.x,
        jac=lambda y: 2.0 * (y - x),
        bounds=list(zip(lower, upper, strict=True)),
        constraints={"type": "ineq", "fun": lambda y: rows @ y + offsets, "jac": lambda _: rows},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    return np.linalg.norm(found.x - x)


def nearest_change(network, x, lower, upper, norm, targets=None):
    """Distance from x to the nearest point of a box where another class reaches x's."""
    label = int(network(x[None])[0].argmax())
    best = np.inf
    for bits in all_regions(network, lower, upper):
        rows, offsets, (W, b) = constraints(network, bits)
        for k in range(network.n_outputs) if targets is None else targets:
            if k != label:
                more = np.vstack([rows, W[k] - W[label]])
                ends = np.append(offsets, b[k] - b[label])
                best = min(best, distance_to(more, ends, x, lower, upper, norm))
    return best
