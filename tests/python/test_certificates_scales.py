"""Checks at any scale: the answer follows when data are scaled, and far queries harm no other."""

from dataclasses import replace

import numpy as np
import pytest

from hullspace import (
    ClassHulls,
    DecisionPartition,
    Hull,
    Polyhedron,
    Status,
    certificates,
    hull_distance,
)
from mutation_cases import BIAS, FEATURES, LABELS, POINTS, QUERIES, WEIGHT, cases

# From 2**-565, about 1e-170, to 2**515, about 1e155.
EXPONENTS = [-565, -30, 30, 515]


def scaled(result, exponent, lengths):
    """A result about data times a power of two: some of its fields are lengths."""
    return replace(result, **{name: np.ldexp(getattr(result, name), exponent) for name in lengths})


def scaled_membership(result, exponent):
    certificate = scaled(result.certificate, exponent, ("margins", "residuals", "tolerance"))
    return replace(result, certificate=replace(certificate, tolerance=float(certificate.tolerance)))


def scaled_numbers(result, exponent, vectors, numbers):
    changed = {n: np.ldexp(getattr(result, n), exponent) for n in vectors}
    changed |= {n: float(np.ldexp(getattr(result, n), exponent)) for n in numbers}
    return replace(result, **changed)


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_hull_answers_hold_at_any_scale(exponent):
    points, queries = np.ldexp(POINTS, exponent), np.ldexp(QUERIES, exponent)
    at = {name: cases()[name][2] for name in ("contains", "project", "ray", "support", "vertices")}
    origins, directions = cases()["ray"][1]
    rays = (np.ldexp(origins, exponent), np.ldexp(directions, exponent))
    wanted = {
        "contains": (queries, scaled_membership(at["contains"], exponent)),
        "project": (queries, scaled(at["project"], exponent, ("points", "distances", "gaps"))),
        "ray": (rays, scaled(at["ray"], exponent, ("points", "offsets"))),
        "support": (QUERIES, scaled(at["support"], exponent, ("values",))),
        "vertices": (None, scaled(at["vertices"], exponent, ("margins",))),
    }
    checker = certificates.Checker(points)
    for name, (asked, result) in wanted.items():
        assert checker.check(asked, result).all(), name
        # The same lengths in other units are other lengths.
        other = certificates.Checker(np.ldexp(points, -1))
        assert not other.check(asked, result).all(), name


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_distances_and_coresets_hold_at_any_scale(exponent):
    (a, b), _, found = cases()["apart"]
    subject = np.ldexp(a, exponent), np.ldexp(b, exponent)
    result = scaled_numbers(found, exponent, ("point_a", "point_b"), ("distance", "gap", "offset"))
    assert certificates.check(subject, None, result).all()
    assert not certificates.check((a, b), None, result).any()
    _, _, few = cases()["coreset"]
    points = np.ldexp(POINTS, exponent)
    assert certificates.check(
        points, None, scaled_numbers(few, exponent, (), ("error", "diameter"))
    ).all()
    assert not certificates.check(points, None, few).any()


def test_columns_of_any_widths():
    generator = np.random.default_rng(0)
    exponents = np.array([-300, 0, 40, 200])
    plain = generator.normal(size=(60, 4))
    queries = np.vstack([generator.dirichlet(np.ones(60), size=5) @ plain, 9.0 * plain[:5]])
    found = Hull(plain).contains(queries)
    proof = found.certificate
    # Hyperplanes turn with the columns; those of unit length are computed anew.
    normals = np.ldexp(proof.normals, -exponents)
    lengths = np.array([np.abs(row).max() or 1.0 for row in normals])
    normals = normals / lengths[:, None]
    norms = np.sqrt((normals**2).sum(axis=1))
    normals = normals / np.where(norms > 0.0, norms, 1.0)[:, None]
    points, asked = np.ldexp(plain, exponents), np.ldexp(queries, exponents)
    outside = found.status == Status.OUTSIDE
    margins = np.zeros(len(queries))
    for i in np.flatnonzero(outside):
        terms = normals[i] * (asked[i] - points)
        margins[i] = terms.sum(axis=1).min() * (1.0 - 1e-9)
    assert (margins[outside] > 0.0).all()
    certificate = replace(proof, normals=normals, margins=margins)
    turned = replace(found, certificate=certificate)
    checked = certificates.check(points, asked, turned)
    assert checked[outside].all()
    wrong = replace(turned, certificate=replace(certificate, margins=margins * (1.0 + 1e-6)))
    assert not certificates.check(points, asked, wrong)[outside].any()


@pytest.mark.parametrize("far", [1e17, 1e40, 1e250, 1e307])
def test_a_far_query_harms_no_other(far):
    queries = np.vstack([QUERIES, np.full((1, 3), far), -np.full((1, 3), far)])
    hull = Hull(POINTS)
    for result in (hull.contains(queries), hull.project(queries)):
        checked = certificates.check(POINTS, queries, result)
        assert checked[: len(QUERIES)].all()
    # Nor does it pass for one inside.
    status = np.full(len(queries), Status.INSIDE, np.int8)
    found = hull.contains(np.vstack([QUERIES[:1]] * len(queries)))
    assert not certificates.check(POINTS, queries, replace(found, status=status))[-2:].any()


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_polyhedron_answers_hold_at_any_scale(exponent):
    for name in ("projection on kite", "projection on side", "projection on nothing"):
        body, points, found = cases()[name]
        pair = (body.E, np.ldexp(body.d, exponent)) if len(body.d) else None
        other = Polyhedron(body.A, np.ldexp(body.b, exponent), pair)
        result = scaled(found, exponent, ("points", "distances", "gaps", "equality_duals"))
        result = replace(result, duals=found.duals * 2.0**exponent)
        assert certificates.check(other, np.ldexp(points, exponent), result).all(), name


@pytest.mark.parametrize("exponent", [-565, 515])
def test_partition_answers_hold_for_heads_of_any_scale(exponent):
    """A head times a number decides the same; multipliers of its rows are divided by it."""
    head = np.ldexp(WEIGHT, exponent), np.ldexp(BIAS, exponent)
    other = DecisionPartition(*head, domain=(0.0, 2.0))
    n_classes = len(BIAS)
    for to in ("nearest", "all"):
        _, _, found = cases()[f"flips {to} 2"]
        tried = found.multipliers
        duals = tried.duals.copy()
        rows_of_classes = duals.indices < n_classes - 2
        duals.data[rows_of_classes] = np.ldexp(duals.data[rows_of_classes], -exponent)
        # The only equality is the tie, as the box is not flat.
        equality_duals = np.ldexp(tried.equality_duals, -exponent)
        multipliers = replace(tried, duals=duals, equality_duals=equality_duals)
        result = replace(found, multipliers=multipliers)
        assert certificates.check(other, FEATURES, result).all()
        nearer = replace(result, distances=found.distances * 0.9)
        exists = np.isfinite(found.distances)
        assert not certificates.check(other, FEATURES, nearer)[exists].any()
    plain = cases()["boundary distances"][2]
    assert certificates.check(other.head, FEATURES, plain).all()
    halved = replace(plain, nearest=plain.nearest / 2, distances=plain.distances / 2)
    assert not certificates.check(other.head, FEATURES, halved).any()
    _, ends, segments = cases()["segments"]
    assert certificates.check(other, ends, segments).all()


# The tolerance is the caller's


def test_gaps_count_up_to_the_tolerance_of_the_check():
    hull = Hull(POINTS)
    found = hull.project(QUERIES)
    outside = found.distances > 0.1
    exact = found.distances.copy()
    for gaps in (np.full_like(exact, np.inf), exact, np.full_like(exact, 1e-3)):
        # The nearest point of the set is some vertex: true, with that gap, and no answer.
        lie = replace(found, gaps=gaps)
        assert not certificates.check(POINTS, QUERIES, lie)[outside].any()
    loose = replace(found, gaps=np.full_like(exact, 1e-3))
    assert certificates.check(POINTS, QUERIES, loose, tolerance=1e-2)[outside].all()


def test_a_vertex_with_the_gap_of_its_distance_is_no_answer():
    found = Hull(POINTS).project(QUERIES)
    row = int(found.distances.argmax())
    vertex = int(np.linalg.norm(POINTS - QUERIES[row], axis=1).argmax())
    distance = np.linalg.norm(POINTS[vertex] - QUERIES[row])
    weights = found.weights.tolil()
    weights[row] = np.eye(len(POINTS))[vertex]
    changed = {name: getattr(found, name).copy() for name in ("points", "distances", "gaps")}
    changed["points"][row], changed["distances"][row] = POINTS[vertex], distance
    for gap in (distance, np.inf, distance / 2):
        changed["gaps"][row] = gap
        lie = replace(found, weights=type(found.weights)(weights), **changed)
        assert not certificates.check(POINTS, QUERIES, lie)[row]


def test_hull_distances_count_up_to_the_tolerance():
    a, b = POINTS, POINTS[:9] + 9.0
    loose = hull_distance(a, b)
    wide = replace(loose, gap=1e-3)
    assert not certificates.check((a, b), None, wide).any()
    assert certificates.check((a, b), None, wide, tolerance=1e-3).all()


@pytest.mark.parametrize("tolerance", [-1.0, 1.0, np.nan, "1e-9", True])
def test_tolerances_are_numbers_below_one(tolerance):
    with pytest.raises((TypeError, ValueError), match="tolerance must"):
        certificates.check(POINTS, QUERIES, cases()["contains"][2], tolerance=tolerance)


def test_classes_without_certificates_say_so():
    classes = ClassHulls(POINTS, LABELS)
    for found in (
        classes.contains(QUERIES, certificates=False),
        classes.project(QUERIES, certificates=False),
        classes.nearest(QUERIES, certificates=False),
    ):
        with pytest.raises(ValueError, match="certificates=False"):
            certificates.check((POINTS, LABELS), QUERIES, found)
    for found in (classes.contains(QUERIES), classes.project(QUERIES), classes.nearest(QUERIES)):
        assert certificates.check(classes, QUERIES, found).all()
