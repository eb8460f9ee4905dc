"""Corrupted results: whatever is changed in a field, the check refuses it and never crashes."""

import warnings
from collections import Counter
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from hullspace import ClassHulls, Status, certificates, walk_segment
from hullspace.certificates import registry
from hullspace.partition import GuaranteedRegions
from mutation_cases import FEATURES, cases, network, partition
from mutation_decisions import CLAIMS, EVIDENCE, LABELS, OTHERS, QUESTIONS, TRUE
from mutations import corruptions, get, is_sparse, leaves, put

NAMES = sorted(cases())


def rows_of(result, shape):
    """One answer of each status, and the statuses."""
    status = getattr(result, "status", None)
    if isinstance(status, np.ndarray) and status.shape == shape:
        return [(tuple(np.argwhere(status == s)[-1].tolist()), int(s)) for s in np.unique(status)]
    alone = None if status is None or isinstance(status, np.ndarray) else int(status)
    return [((0,) * len(shape), alone)]


def is_evidence(result, field, path):
    kind = field.split(".", maxsplit=1)[0]
    outer = type(result).__name__
    return len(path) > 1 and ((outer, kind) in EVIDENCE or ("*", kind) in EVIDENCE)


def is_true(corruption, status):
    return any(
        (corruption.field, what, when) in TRUE
        for what in (corruption.what, "*")
        for when in (status, None)
    )


def is_refused(subject, queries, corruption, n_answers):
    """Whether a check refuses a corrupted result; anything but misuse is a crash."""
    try:
        checked = certificates.check(subject, queries, corruption.result)
    except (TypeError, ValueError):
        return True
    assert checked.shape == n_answers
    assert checked.dtype == bool
    if corruption.row is None or corruption.what == "swapped":
        return not checked.all()
    return not checked[corruption.row]


def all_corruptions(name):
    """Every corruption of a case, with the path of its field and the status of the answer."""
    subject, queries, result = cases()[name]
    shape = certificates.check(subject, queries, result).shape
    for field, path in leaves(result):
        for row, status in rows_of(result, shape):
            for corruption in corruptions(result, field, path, row, shape):
                yield corruption, path, status


@pytest.mark.parametrize("name", NAMES)
def test_honest_results_pass(name):
    assert certificates.check(*cases()[name]).all()


@pytest.mark.parametrize("name", NAMES)
def test_corrupted_results_are_refused(name):
    subject, queries, result = cases()[name]
    shape = certificates.check(subject, queries, result).shape
    accepted = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for corruption, path, status in all_corruptions(name):
            refused = is_refused(subject, queries, corruption, shape)
            known = corruption.field in CLAIMS and not is_evidence(result, corruption.field, path)
            if known and not refused and not is_true(corruption, status):
                accepted.append((corruption.field, corruption.what, status))
    assert accepted == []


def test_evidence_is_looked_at():
    """Of evidence that is not always needed, something is refused somewhere."""
    found = Counter()
    for name in NAMES:
        subject, queries, result = cases()[name]
        shape = certificates.check(subject, queries, result).shape
        for corruption, path, _ in all_corruptions(name):
            if is_evidence(result, corruption.field, path):
                kind = type(result).__name__, corruption.field
                found[kind] += is_refused(subject, queries, corruption, shape)
    unused = {kind for kind, count in found.items() if not count}
    assert unused == set()


# The table of decisions


def all_fields():
    """Fields of all records in all cases, those of sparse matrices part by part."""
    return {
        f"{field}.{path[-1]}" if path[:-1] and is_sparse_part(result, path) else field
        for _, _, result in cases().values()
        for field, path in leaves(result)
    }


def is_sparse_part(result, path):
    return is_sparse(get(result, path[:-1]))


def test_every_field_has_a_decision():
    decided = [*CLAIMS, *OTHERS, *QUESTIONS, *LABELS]
    assert len(decided) == len(set(decided))
    found = {
        f.replace(".indptr.indptr", ".indptr").replace(".indices.indices", ".indices")
        for f in all_fields()
    }
    assert found == set(decided)


def test_every_claim_is_corrupted():
    corrupted = Counter(c.field for name in NAMES for c, _, _ in all_corruptions(name))
    assert {field for field in CLAIMS if not corrupted[field]} == set()


def test_every_kind_of_result_is_a_case():
    kinds = {*registry.OF_POINTS, *registry.OF_OTHERS, registry.CENTERS}
    seen = {type(result).__name__ for _, _, result in cases().values()}
    assert kinds - seen == {"GuaranteedRegions", "SegmentWalks"}


def test_every_true_corruption_occurs():
    found = {
        key
        for name in NAMES
        for c, _, status in all_corruptions(name)
        for key in (
            (c.field, c.what, status),
            (c.field, "*", status),
            (c.field, c.what, None),
            (c.field, "*", None),
        )
    }
    assert set(TRUE) <= found


# What the table leaves to tests of their own


@pytest.mark.parametrize("name", [n for n in NAMES if hasattr(cases()[n][2], "status")])
@pytest.mark.parametrize("status", [Status.UNDECIDED, Status.LIMIT])
def test_what_is_undecided_claims_nothing(name, status):
    subject, queries, result = cases()[name]
    old = result.status
    new = np.full_like(old, status) if isinstance(old, np.ndarray) else status
    assert not certificates.check(subject, queries, replace(result, status=new)).any()


def test_equal_classes_and_polyhedra_are_looked_at():
    subject, queries, adjacency = cases()["adjacency"]
    for twins in ([(0, 1)], [(1,)]):
        lie = replace(adjacency, equal_classes=twins)
        assert not certificates.check(subject, queries, lie).any()
    subject, queries, ambiguous = cases()["ambiguous"]
    other = cases()["not ambiguous"][2].polyhedron
    assert not certificates.check(subject, queries, replace(ambiguous, polyhedron=other)).any()


def test_what_was_asked_matters():
    for name, change in (
        ("flips nearest 2", {"norm": 1.0}),
        ("flips nearest 1", {"norm": np.inf}),
        ("flips 1 2", {"to": 2}),
        ("nearest boundary", {"norm": np.inf}),
        ("nearest boundary", {"target": cases()["nearest boundary"][2].classes[0]}),
    ):
        subject, queries, result = cases()[name]
        assert not certificates.check(subject, queries, replace(result, **change)).all()
    subject, queries, found = cases()["nearest boundary"]
    box = (found.point + 0.1, found.point + 1.0)
    assert not certificates.check(subject, queries, replace(found, domain=box)).any()


def test_guaranteed_regions_must_be_of_their_class():
    p = partition()
    regions = p.guaranteed(FEATURES)
    assert certificates.check(p, None, regions).all()
    classes = np.argmax(FEATURES @ p.head.weight.T + p.head.bias, axis=1)
    for changed in (np.roll(classes, 1), np.where(classes == classes[0], 3, classes)):
        hulls = ClassHulls(FEATURES, changed)
        lie = GuaranteedRegions(regions._ties, hulls, None, 0)
        wrong = [bool((classes[changed == c] != c).any()) for c in hulls.classes]
        assert any(wrong)
        assert np.array_equal(certificates.check(p, None, lie), ~np.array(wrong))
    outside = GuaranteedRegions(regions._ties, ClassHulls(FEATURES + 50.0, classes), None, 0)
    assert not certificates.check(p, None, outside).any()


def test_each_of_several_walks_is_looked_at():
    starts, stops = np.full((3, 3), -1.3), np.array([[1.2, 0.9, 1.4], [0.2, 1.9, 0.4], [1, 1, -1]])
    walks = walk_segment(network(), starts, stops)
    assert certificates.check(network(), (starts, stops), walks).all()
    for i in range(3):
        moved = replace(walks[i], breakpoints=walks[i].breakpoints * (1.0 + 1e-6))
        lies = type(walks)([moved if j == i else walks[j] for j in range(3)])
        checked = certificates.check(network(), (starts, stops), lies)
        assert checked.tolist() == [j != i for j in range(3)]


def test_paths_lead_to_what_they_changed():
    """The engine itself: a corruption changes its field and nothing else."""
    for name in ("contains", "centers", "ambiguity", "class distances"):
        _, _, result = cases()[name]
        for field, path in leaves(result):
            old = get(result, path)
            if isinstance(old, np.ndarray) and old.size and old.dtype.kind == "f":
                changed = put(result, path, old + 1.0)
                assert np.array_equal(get(changed, path), old + 1.0, equal_nan=True), field
                assert np.array_equal(get(result, path), old, equal_nan=True), field
                others = [p for _, p in leaves(result) if p != path and p[0] != path[0]]
                assert all(get(changed, p) is get(result, p) for p in others)
    assert all(is_dataclass(r) and fields(r) for _, _, r in cases().values())
