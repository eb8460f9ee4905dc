"""Honest results of every kind that can be checked, small ones, with all their outcomes."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from hullspace import (
    ClassHulls,
    DecisionPartition,
    Hull,
    Polyhedron,
    ReluNetwork,
    chebyshev_centers,
    hull_distance,
)
from hullspace.partition import boundary_distances
from hullspace.regions import nearest_boundary, region_at, walk_segment

POINTS = np.random.default_rng(1).normal(size=(30, 3))
QUERIES = np.vstack([POINTS[:6].reshape(2, 3, 3).mean(axis=1), 4.0 * POINTS[6:9]])
LABELS = np.arange(30) % 3
# Class 0 is nowhere at the top.
WEIGHT = np.array([[1.0, 0.2, 0.0], [0.0, 1.0, 0.3], [-0.7, -0.4, 1.0], [0.1, 0.2, 0.3]])
BIAS = np.array([0.1, 0.0, -0.1, -9.0])
FEATURES = np.random.default_rng(2).uniform(0.1, 1.9, size=(6, 3))
SQUARE = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
# Its largest ball has one place.
KITE = np.array([[1.0, 0.1], [-1.2, 0.2], [0.1, 1.3], [0.3, -1.1]])


def _polyhedra() -> dict[str, Polyhedron]:
    return {
        "kite": Polyhedron(KITE, [1.0, 2, 1, 1]),
        "strip": Polyhedron(SQUARE[:2], [1.0, 1]),
        "nothing": Polyhedron(SQUARE, [1.0, -2, 1, 1]),
        "side": Polyhedron(KITE, [1.0, 2, 1, 1], ([[1.0, 2.0]], [0.3])),
    }


@cache
def network() -> ReluNetwork:
    generator = np.random.default_rng(4)
    sizes = (3, 6, 5, 3)
    shapes = zip(sizes[1:], sizes, strict=False)
    weights = [generator.normal(size=shape) for shape in shapes]
    return ReluNetwork.from_arrays(weights, [generator.normal(size=n) * 0.3 for n in sizes[1:]])


@cache
def partition() -> DecisionPartition:
    return DecisionPartition(WEIGHT, BIAS, domain=(0.0, 2.0))


def _hulls() -> dict[str, tuple[Any, Any, Any]]:
    hull, classes = Hull(POINTS), ClassHulls(POINTS, LABELS)
    center = POINTS.mean(axis=0)
    rays = (QUERIES, np.vstack([np.ones((2, 3)), center - QUERIES[2:4], QUERIES[4:]]))
    labelled = (POINTS, LABELS)
    apart, touching = (POINTS, POINTS[:9] + 9.0), (POINTS, POINTS[:9] + 0.1)
    return {
        "contains": (POINTS, QUERIES, hull.contains(QUERIES)),
        "project": (POINTS, QUERIES, hull.project(QUERIES)),
        "ray": (POINTS, rays, hull.ray(*rays)),
        "gauge": (POINTS, QUERIES, hull.gauge(QUERIES)),
        "support": (POINTS, QUERIES, hull.support(QUERIES)),
        "vertices": (POINTS, None, hull.vertices()),
        "coreset": (POINTS, None, hull.coreset(0.1)),
        "apart": (apart, None, hull_distance(*apart)),
        "touching": (touching, None, hull_distance(*touching)),
        "class memberships": (labelled, QUERIES, classes.contains(QUERIES)),
        "class projections": (labelled, QUERIES, classes.project(QUERIES)),
        "nearest class": (labelled, QUERIES, classes.nearest(QUERIES)),
        "class distances": (labelled, None, classes.hull_distances()),
    }


def _of_polyhedra() -> dict[str, tuple[Any, Any, Any]]:
    found: dict[str, tuple[Any, Any, Any]] = {}
    directions = np.array([[1.0, 0.3], [0.2, -1.0], [-1.0, 0.1]])
    points = np.array([[3.0, 0.2], [-4.0, 2.0], [0.1, 0.2]])
    for name, body in _polyhedra().items():
        found[f"center of {name}"] = (body, None, body.chebyshev_center())
        found[f"support of {name}"] = (body, directions, body.support(directions))
        found[f"projection on {name}"] = (body, points, body.project(points))
    kite = _polyhedra()["kite"]
    found["irredundant"] = (kite, None, kite.irredundant())
    bounds = np.array([[1.0, 2, 1, 1], [1, -2, 1, -9], [2, 1, 1, 3]])
    found["centers"] = (KITE, bounds, chebyshev_centers(KITE, bounds))
    half = (SQUARE[:1], np.array([[1.0], [2.0]]))
    found["balls of any size"] = (*half, chebyshev_centers(*half))
    return found


def _of_partitions() -> dict[str, tuple[Any, Any, Any]]:
    p, z = partition(), FEATURES
    regions = p.guaranteed(z)
    moved = np.vstack([0.5 * z[:3] + 0.5 * z[::-1][:3], z[:2], 1.1 * z[3:5]])
    wide = DecisionPartition(WEIGHT[:3], domain=None)
    ends = (z, z[::-1])
    outside = np.vstack([z[:3], z[:2] - 2.5])
    found = {
        f"flips {to} {norm}": (p, z, p.boundary_points(z, to, norm))
        for to in ("nearest", "all", 1)
        for norm in (1, 2, np.inf)
    }
    return found | {
        "boundary distances": (p.head, z, boundary_distances(z, p.head)),
        "region distances": (p, z, p.region_distances(z)),
        "segments": (p, ends, p.segment(*ends)),
        "balls": (p, None, p.chebyshev()),
        "endless balls": (wide, None, wide.chebyshev()),
        "adjacency": (p, None, p.adjacency()),
        "table": (p, None, p.ambiguity_table(3)),
        "ambiguous": (p, None, p.ambiguous_points([0, 1, 2])),
        "not ambiguous": (p, None, p.ambiguous_points([0, 3])),
        "ambiguous near": (p, z, p.ambiguous_points([0, 1], z)),
        "ambiguity": (p, z, p.ambiguity(z, 3)),
        "no ambiguity": (p, z, p.ambiguity(z, 4)),
        "guaranteed balls": (p, outside, p.guaranteed_balls(outside)),
        "boxes": (p, outside, p.largest_boxes(outside)),
        "guarantees": ((p, z), moved, regions.contains(moved)),
        "guaranteed projections": ((p, z), moved, regions.project(moved)),
    }


def _of_networks() -> dict[str, tuple[Any, Any, Any]]:
    net, start, stop = network(), np.full(3, -1.3), np.array([1.2, 0.9, 1.4])
    inside = np.array([0.3, 0.4, 0.5])
    return {
        "nearest boundary": (net, inside, nearest_boundary(net, inside, domain=(-3, 3))),
        "nearest boundary in the largest norm": (
            net,
            inside,
            nearest_boundary(net, inside, np.inf, domain=(-3, 3)),
        ),
        "linear region": (net, inside, region_at(net, inside)),
        "walk": (net, (start, stop), walk_segment(net, start, stop)),
    }


@cache
def cases() -> dict[str, tuple[Any, Any, Any]]:
    """(subject, queries, result) by name."""
    return _hulls() | _of_polyhedra() | _of_partitions() | _of_networks()
