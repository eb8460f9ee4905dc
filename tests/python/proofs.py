"""Checks of what answers promise, in plain NumPy: each fails unless the answer is proven."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import sparse

from hullspace import Hull, Proof, Status, certificates
from oracles import exact_contains

EPSILON = np.finfo(np.float64).eps


def unit_of(*arrays):
    """Power of two near the largest number, by which to divide without rounding."""
    largest = max(float(np.abs(np.nan_to_num(a)).max(initial=0.0)) for a in arrays)
    return 2.0 ** np.floor(np.log2(largest)) if largest else 1.0


def lengths(rows):
    """Norms of the rows, whatever their size."""
    unit = unit_of(rows)
    return np.linalg.norm(rows / unit, axis=-1) * unit


def assert_convex(weights, n_rows, n_points):
    """Rows of a CSR array are convex weights without stored zeros."""
    assert weights.format == "csr"
    assert weights.shape == (n_rows, n_points)
    assert weights.dtype == np.float64
    assert (weights.data > 0).all()
    assert np.allclose(weights.sum(axis=1), 1.0, rtol=0, atol=1e-12)


def assert_ray_shapes(hull, directions, ray):
    n_rays = len(directions)
    assert {a.dtype for a in (ray.steps, ray.points, ray.normals, ray.offsets)} == {np.dtype(float)}
    assert ray.steps.shape == ray.offsets.shape == ray.status.shape == (n_rays,)
    assert ray.points.shape == ray.normals.shape == directions.shape
    assert ray.weights.shape == (n_rays, hull.n_points)
    assert np.isin(ray.status, [Status.OPTIMAL, Status.OUTSIDE, Status.UNDECIDED]).all()


def assert_rays(hull, origins, directions, ray, tolerance=1e-9):
    """A ray's every promise: its last point is in the hull, nothing behind it is, or it misses."""
    directions = np.asarray(directions, np.float64)
    origins = np.broadcast_to(np.asarray(origins, np.float64), directions.shape)
    assert_ray_shapes(hull, directions, ray)

    unit = unit_of(hull.points, origins)
    points, origins = hull.points.astype(np.float64) / unit, origins / unit
    within = tolerance * hull.scale / unit
    rounding = 8 * hull.n_features * EPSILON
    heading = directions / np.exp2(np.floor(np.log2(np.abs(directions).max(axis=1, keepdims=True))))
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)

    hit = ray.status == Status.OPTIMAL
    normals, offsets = ray.normals[hit], ray.offsets[hit] / unit
    reached = ray.points[hit] / unit
    travelled = ray.steps[hit, None] * directions[hit] / unit
    size = 1.0 + np.abs(travelled).max(axis=1, initial=0.0)
    assert (ray.steps[hit] >= 0).all()
    assert (np.abs(origins[hit] + travelled - reached).max(axis=1) <= rounding * size).all()
    assert_convex(ray.weights[hit], hit.sum(), hull.n_points)
    miss = ray.weights[hit] @ points - reached
    assert (np.linalg.norm(miss, axis=1) <= within * (1 + 1e-6) + rounding * size).all()
    assert np.allclose(np.linalg.norm(normals, axis=1), 1.0, rtol=0, atol=1e-14)
    assert ((normals @ points.T).max(axis=1) <= offsets + rounding).all()
    above = np.einsum("ij,ij->i", normals, reached) - offsets
    assert (np.abs(above) <= within * (1 + 1e-6) + rounding * size).all()
    assert (np.einsum("ij,ij->i", normals, heading[hit]) > 0).all()

    out = ray.status == Status.OUTSIDE
    normals, offsets = ray.normals[out], ray.offsets[out] / unit
    assert np.isnan(ray.steps[out]).all()
    assert ray.weights[out].nnz == 0
    assert np.allclose(np.linalg.norm(normals, axis=1), 1.0, rtol=0, atol=1e-14)
    assert ((normals @ points.T).max(axis=1, initial=-np.inf) <= offsets + rounding).all()
    assert (np.einsum("ij,ij->i", normals, origins[out]) > offsets).all()
    assert (np.einsum("ij,ij->i", normals, heading[out]) >= -rounding).all()


def assert_hull_distance(a, b, found, tolerance=1e-9):
    """The two points are in the hulls, and the hyperplane keeps all others farther apart."""
    hull_a, hull_b = (h if isinstance(h, Hull) else Hull(h) for h in (a, b))
    scale = hull_a.scale + hull_b.scale
    unit = unit_of(hull_a.points, hull_b.points)
    a, b = (hull.points.astype(np.float64) / unit for hull in (hull_a, hull_b))
    within = tolerance * scale / unit
    rounding = 8 * a.shape[1] * EPSILON
    for weights, points, point in (
        (found.weights_a, a, found.point_a / unit),
        (found.weights_b, b, found.point_b / unit),
    ):
        assert weights.shape == (len(points),)
        assert weights.dtype == point.dtype == np.float64
        assert (weights >= 0).all()
        assert abs(weights.sum() - 1.0) <= 1e-12
        assert np.abs(weights @ points - point).max() <= rounding
    between = (found.point_a - found.point_b) / unit
    distance, margin, gap = (x / unit for x in (found.distance, found.margin, found.gap))
    assert abs(np.linalg.norm(between) - distance) <= rounding
    assert found.disjoint == (found.margin > 0)
    assert 0 <= margin <= distance + rounding
    assert gap >= 0
    if found.status == Status.OPTIMAL:
        assert gap <= within * (1 + 1e-6) + 2 * rounding
    if not found.disjoint:
        assert not found.normal.any()
        assert distance <= within * (1 + 1e-6) + rounding or found.status == Status.UNDECIDED
        return
    assert abs(np.linalg.norm(found.normal) - 1.0) <= 1e-14
    lowest, highest = (a @ found.normal).min(), (b @ found.normal).max()
    assert lowest - highest >= margin - rounding
    assert lowest - highest >= distance - gap - rounding
    assert abs((lowest + highest) / 2 - found.offset / unit) <= within + rounding


def assert_vertices(hull, found, tolerance=1e-9):
    """Every vertex is the unique maximum of its direction, and the vertices span all points."""
    indices, directions = found.indices, found.directions
    assert indices.dtype.kind == "i"
    assert len(indices) > 0
    assert (np.diff(indices) > 0).all()
    assert directions.shape == (len(indices), hull.n_features)
    assert found.margins.shape == (len(indices),)
    assert not np.any(np.asarray(found.status) == Status.UNDECIDED)
    points = hull.points.astype(np.float64)
    unit = unit_of(points)
    vertices = points[indices] / unit
    if len(indices) > 1:
        assert np.allclose(np.linalg.norm(directions, axis=1), 1.0, rtol=0, atol=1e-14)
        assert (found.margins > 0).all()
        lead = np.einsum("ij,ij->i", directions, vertices)[:, None] - directions @ vertices.T
        np.fill_diagonal(lead, np.inf)
        rounding = 8 * hull.n_features * EPSILON
        assert (lead.min(axis=1) >= found.margins / unit - rounding).all()
        # No other point is above a vertex by more than the tolerance allows.
        others = directions @ (points / unit).T
        own = np.take_along_axis(others, indices[:, None], axis=1)
        assert (others <= own + tolerance * hull.scale / unit + rounding).all()
    distances = Hull(points[indices]).project(points, tolerance=1e-13).distances
    assert distances.max() <= tolerance * hull.scale * (1 + 1e-6)


def assert_identical(found, expected):
    """Equality of two results, bit by bit, of every field at every depth."""
    assert type(found) is type(expected)
    if dataclasses.is_dataclass(found):
        for field in dataclasses.fields(found):
            assert_identical(getattr(found, field.name), getattr(expected, field.name))
    elif isinstance(found, tuple | list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_identical(one, other)
    elif isinstance(found, dict):
        assert found.keys() == expected.keys()
        for key in found:
            assert_identical(found[key], expected[key])
    elif sparse.issparse(found):
        assert found.shape == expected.shape
        for name in ("data", "indices", "indptr"):
            assert np.array_equal(getattr(found, name), getattr(expected, name))
    else:
        equal_nan = np.asarray(found).dtype.kind == "f"
        assert np.array_equal(found, expected, equal_nan=equal_nan)


def prove(points, queries, membership=None):
    """Exact proofs of the answers of `Hull.contains`, or of what is given for them."""
    if membership is None:
        membership = Hull(points).contains(queries)
    proofs = certificates.prove(points, queries, membership)
    assert proofs.dtype == np.int8
    assert proofs.shape == (len(queries),)
    return proofs


def as_proofs(inside):
    """Proofs that say where queries are."""
    return np.where(np.asarray(inside, bool), Proof.PROVEN_INSIDE, Proof.PROVEN_OUTSIDE)


def truth(points, queries):
    """Where queries are, in rational arithmetic."""
    return as_proofs([exact_contains(points, query) for query in queries])


def assert_proven(points, queries):
    """Every query is proven, and rightly so."""
    expected = truth(points, queries)
    assert np.array_equal(prove(points, queries), expected)
    return expected
