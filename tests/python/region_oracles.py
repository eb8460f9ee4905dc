"""Slow, obvious searches for linear regions: one linear program for each branch or pattern."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.optimize import linprog

from hullspace.certificates.regions import RegionProof
from hullspace.networks.network import pack

# A cell whose largest ball is smaller counts as one without interior points.
SMALLEST = 1e-9


def unit_functions(network, bits):
    """Slopes and constants of all hidden units' inputs under a pattern."""
    parts = [
        (rows[stage.hidden], offsets[stage.hidden])
        for (rows, offsets), stage in zip(network.affine_maps(bits), network.stages, strict=True)
    ]
    rows, constants = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    # What cancels up to rounding is meant to cancel: else there are cells 10^16 away.
    rows[np.abs(rows) < 2.0**-48 * np.abs(rows).max(initial=0.0)] = 0.0
    return rows, constants


def cell_constraints(network, domain, units, sides):
    """Rows that are positive inside a cell, their constants and numbers in a proof."""
    bits = np.zeros(network.n_hidden, dtype=bool)
    bits[units] = sides
    rows, constants = unit_functions(network, bits)
    signs = np.where(sides, 1.0, -1.0)
    rows, constants = signs[:, None] * rows[units], signs * constants[units]
    numbers = np.array(units, dtype=np.int64)
    if domain is not None:
        rows, constants = np.vstack([rows, -domain.A]), np.append(constants, domain.b)
        numbers = np.append(numbers, network.n_hidden + np.arange(len(domain.b)))
    return rows, constants, numbers


def largest_ball(rows, constants):
    """Centre and radius, at most 1, of a largest ball, and the multipliers that prove it."""
    lengths = np.linalg.norm(rows, axis=1)
    d = rows.shape[1]
    result = linprog(
        np.append(np.zeros(d), -1.0),
        A_ub=np.column_stack([-rows / lengths[:, None], np.ones(len(rows))]),
        b_ub=constants / lengths,
        bounds=[(None, None)] * d + [(None, 1.0)],
        method="highs-ds",
    )
    assert result.status == 0, result.message
    return result.x[:d], result.x[d], np.maximum(-result.ineqlin.marginals, 0.0) / lengths


def interior(network, domain, units, sides):
    """Point and no certificate of a cell with interior points, or no point and a certificate."""
    rows, constants, numbers = cell_constraints(network, domain, units, sides)
    zero = ~rows.any(axis=1)
    on = np.append(sides, np.zeros(len(rows) - len(sides), dtype=bool)).astype(bool)
    impossible = np.flatnonzero(zero & ((constants < 0.0) | ((constants == 0.0) & on)))
    if len(impossible):
        return None, (numbers[impossible[:1]], np.ones(1))
    if zero.all():
        return np.zeros(network.n_inputs), None
    center, radius, duals = largest_ball(rows[~zero], constants[~zero])
    if radius > SMALLEST:
        return center, None
    shares = duals * np.linalg.norm(rows[~zero], axis=1)
    used = shares > 1e-12 * shares.max()
    return None, (numbers[~zero][used], duals[used])


def brute_force_regions(network, domain=None):
    """Patterns (n, n_hidden) and interior points of all full-dimensional cells, by 2^n programs."""
    units = np.arange(network.n_hidden)
    found = []
    for sides in product((False, True), repeat=network.n_hidden):
        point, _ = interior(network, domain, units, np.array(sides, dtype=bool))
        if point is not None:
            found.append((sides, point))
    bits = np.array([sides for sides, _ in found], dtype=bool).reshape(len(found), network.n_hidden)
    return bits, np.array([x for _, x in found]).reshape(-1, network.n_inputs)


class _Stream:
    def __init__(self):
        self.tokens, self.children, self.leaves, self.certificates = [], [], [], []


class ReferenceSearch:
    """Branches on the units in order; subtrees at some depths get streams of their own.

    Attributes `patterns`, `points` and `proof` hold what was found.
    """

    def __init__(self, network, domain=None, *, order=None, depths=()):
        self.network, self.domain, self.depths = network, domain, set(depths)
        self.order = np.arange(network.n_hidden) if order is None else np.asarray(order)
        self.streams, self.bits, self.centers = [_Stream()], [], []
        point, certificate = self._interior(())
        if certificate is None:
            self._branch(self.streams[0], (), point)
        else:
            self._prune(self.streams[0], certificate)
        self.patterns = pack(
            np.array(self.bits, dtype=bool).reshape(len(self.bits), network.n_hidden)
        )
        self.points = np.array(self.centers).reshape(-1, network.n_inputs)
        self.proof = proof_of(self.streams)

    def _interior(self, sides):
        units = self.order[: len(sides)]
        return interior(self.network, self.domain, units, np.array(sides, dtype=bool))

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
            stream.leaves.append(len(self.bits))
            self.bits.append(bits)
            self.centers.append(point)
            return
        stream.tokens.append(int(self.order[len(sides)]))
        for side in (True, False):
            inside, certificate = self._interior((*sides, side))
            if certificate is None:
                self._branch(stream, (*sides, side), inside)
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
