"""Ties of k classes at the top: existence, nearest ones, and how near samples are to one."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import data_file
from hullspace import DecisionPartition, Status
from partition_oracles import PARTITIONS, clarabel_distance_to, highs_ball, samples_of, tie_set


@pytest.fixture(params=PARTITIONS)
def partition(request):
    return PARTITIONS[request.param]()


def assert_ties(partition, point, classes):
    logits = partition.head.weight @ point + partition.head.bias
    scale = 1.0 + np.abs(logits).max()
    assert np.ptp(logits[list(classes)]) <= 1e-9 * scale
    assert logits.max() - logits[list(classes)].min() <= 1e-9 * scale
    assert partition.domain.polyhedron.contains(point[None])[0]


def assert_nothing(polyhedron, certificate, i):
    """Farkas: the constraints add up to 0 <= something negative."""
    y, multipliers = certificate.duals[i], certificate.equality_duals[i]
    assert (y >= 0).all()
    scale = np.abs(y).max(initial=0.0) + np.abs(multipliers).max(initial=0.0)
    sums = y @ polyhedron.A + multipliers @ polyhedron.E
    assert np.abs(sums).max() <= 1e-12 * scale
    assert y @ polyhedron.b + multipliers @ polyhedron.d < -1e-9 * scale


def test_existence_agrees_with_highs(partition):
    for k in range(2, partition.n_classes + 1):
        table = partition.ambiguity_table(k)
        assert table.subsets.tolist() == [list(s) for s in combinations(range(len(
            partition.head.bias)), k)]  # fmt: skip
        for i, subset in enumerate(table.subsets):
            radius = highs_ball(*tie_set(partition, tuple(subset)))
            assert table.exists[i] == (radius is not None), subset
            if table.exists[i]:
                assert_ties(partition, table.points[i], subset)
                assert table.radii[i] == pytest.approx(radius, rel=1e-6, abs=1e-7)
            else:
                assert table.status[i] == Status.EMPTY


def test_every_subset_that_does_not_tie_is_proven_not_to():
    partition = DecisionPartition(
        np.random.default_rng(5).normal(size=(5, 3)),
        0.2 * np.random.default_rng(6).normal(size=5),
        domain=(-1.0, 1.0),
    )
    table = partition.ambiguity_table(3)
    assert 0 < table.exists.sum() < len(table)
    for i in np.flatnonzero(~table.exists):
        assert_nothing(table.polyhedron(i), table.certificate, i)


def test_no_tie_is_proven_by_multipliers():
    partition = DecisionPartition(
        [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], [0.0, 1.0, 0.0], domain=(-0.4, 0.4)
    )
    found = partition.ambiguous_points([0, 2])
    assert not found.exists
    assert found.status == Status.EMPTY
    assert np.isnan(found.points).all()
    assert "none in the domain" in repr(found)
    assert_nothing(found.polyhedron, found.certificate, 0)
    nearest = partition.ambiguous_points([0, 2], nearest_to=[[0.0, 0.0]])
    assert nearest.distances.tolist() == [np.inf]


def test_nearest_ties_agree_with_clarabel(partition):
    z = samples_of(partition, 10)
    for k in {2, min(3, partition.n_classes), partition.n_classes}:
        classes = tuple(range(k))
        found = partition.ambiguous_points(classes, nearest_to=z)
        for i in range(10):
            expected = clarabel_distance_to(z[i], *tie_set(partition, classes))
            assert found.distances[i] == pytest.approx(expected, rel=1e-6, abs=3e-5)
            if found.exists:
                assert_ties(partition, found.points[i], classes)
        assert found.exists == np.isfinite(found.distances).all()


def test_ambiguity_is_the_smallest_distance_to_a_tie(partition):
    z = samples_of(partition, 12)
    for k in range(2, partition.n_classes + 1):
        found = partition.ambiguity(z, k)
        every = np.array(
            [
                partition.ambiguous_points(subset, nearest_to=z).distances
                for subset in combinations(range(partition.n_classes), k)
            ]
        )
        assert found.distances == pytest.approx(every.min(axis=0), rel=1e-9, abs=1e-9)
        for i in np.flatnonzero(np.isfinite(found.distances)):
            assert_ties(partition, found.points[i], found.classes[i])
            assert np.linalg.norm(found.points[i] - z[i]) == pytest.approx(
                found.distances[i], abs=1e-9
            )
        assert (found.classes[np.isinf(found.distances)] == -1).all()


def test_ambiguity_grows_with_k_and_starts_at_the_boundary():
    partition = PARTITIONS["box"]()
    z = samples_of(partition, 40)[4:]
    distances = [partition.ambiguity(z, k).distances for k in (2, 3, 4)]
    assert distances[0] == pytest.approx(partition.boundary_points(z).distances)
    assert (distances[1] >= distances[0] - 1e-9).all()
    assert (distances[2] >= distances[1] - 1e-9).all()


def test_the_most_ambiguous_come_first():
    partition = PARTITIONS["box"]()
    z = samples_of(partition, 40)
    found = partition.ambiguity(z, 3)
    first = found.most_ambiguous(5)
    assert len(first) == 5
    assert found.distances[first].tolist() == np.sort(found.distances)[:5].tolist()
    nowhere = PARTITIONS["everywhere"]()
    none = DecisionPartition([[1.0], [1.0]], [0.0, 1.0]).ambiguity([[1.0]], 2)
    assert len(none.most_ambiguous()) == 0
    assert none.status.tolist() == [Status.EMPTY]
    assert len(nowhere.ambiguity(np.empty((0, 4)), 3)) == 0


def test_a_grid_finds_no_nearer_triple():
    partition = DecisionPartition(np.random.default_rng(8).normal(size=(5, 2)), domain=(-1.0, 1.0))
    z = np.random.default_rng(9).uniform(-1, 1, (20, 2))
    found = partition.ambiguity(z, 3)
    steps = np.linspace(-1, 1, 801)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    logits = np.sort(grid @ partition.head.weight.T + partition.head.bias, axis=1)
    nearly = grid[logits[:, -1] - logits[:, -3] <= 0.01]
    for i in range(20):
        nearest = np.linalg.norm(nearly - z[i], axis=1).min()
        assert nearest >= found.distances[i] - 0.05


def test_equal_classes_tie_everywhere():
    partition = DecisionPartition([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], domain="orthant")
    found = partition.ambiguous_points([0, 1])
    assert found.exists
    assert found.radius == np.inf
    assert partition.ambiguity([[3.0, 1.0]], 2).distances.tolist() == [0.0]
    three = partition.ambiguity([[3.0, 1.0]], 3)
    assert three.distances[0] == pytest.approx(2**0.5)
    assert three.classes.tolist() == [[0, 1, 2]]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(1, 4), st.sampled_from([0, 1, 3]))
def test_every_tie_is_one(seed, n_classes, n_features, digits):
    generator = np.random.default_rng(seed)
    weight = generator.normal(size=(n_classes, n_features)).round(digits)
    bias = generator.normal(size=n_classes).round(digits)
    domain = ["orthant", None, (-1.0, 1.0)][seed % 3]
    partition = DecisionPartition(weight, bias, domain=domain)
    z = generator.normal(size=(5, n_features)).round(digits)
    k = 2 + seed % (n_classes - 1)
    table, found = partition.ambiguity_table(k), partition.ambiguity(z, k)
    assert np.isfinite(found.distances).all() == table.exists.any()
    for i in np.flatnonzero(table.exists):
        assert_ties(partition, table.points[i], table.subsets[i])
    for i in np.flatnonzero(np.isfinite(found.distances)):
        assert_ties(partition, found.points[i], found.classes[i])


@pytest.mark.parametrize("k", [3, 10])
def test_learned_features(k):
    with np.load(data_file("cifar10_resnet20/features.npz")) as file:
        z = file["test_features"][:200]
        partition = DecisionPartition(file["weight"], file["bias"], features=z)
    found = partition.ambiguity(z, k)
    assert np.isfinite(found.distances).all()
    closest = partition.ambiguous_points(found.classes[0], nearest_to=z[:1])
    assert closest.distances[0] == pytest.approx(found.distances[0])
    for i in range(200):
        assert_ties(partition, found.points[i], found.classes[i])
    for subset in list(combinations(range(10), k))[::20]:
        there = partition.ambiguous_points(subset, nearest_to=z[:20])
        assert (there.distances >= found.distances[:20] - 1e-9).all()


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        ([0], ValueError, "classes must be two or more different ones"),
        ([1, 1], ValueError, "classes must be two or more different ones"),
        ([0, 9], ValueError, "classes must be between 0 and 4"),
        ([0.5, 1], TypeError, "classes must be a sequence of integers"),
        ([], TypeError, "classes must be a sequence of integers"),
    ],
)
def test_misuse_of_classes_is_named(classes, error, message):
    with pytest.raises(error, match=message):
        PARTITIONS["box"]().ambiguous_points(classes)


def test_misuse_of_k_is_named():
    partition = PARTITIONS["box"]()
    with pytest.raises(ValueError, match="k must be between 2 and 5, the number of classes, got 6"):
        partition.ambiguity_table(6)
    with pytest.raises(TypeError, match="k must be an integer"):
        partition.ambiguity(np.ones((1, 3)), 2.0)
    many = DecisionPartition(np.random.default_rng(0).normal(size=(60, 2)))
    with pytest.raises(
        ValueError, match=r"k must leave at most 100000 subsets .* got 5461512 for 5"
    ):
        many.ambiguity_table(5)
    with pytest.raises(ValueError, match="nearest_to must have 3 columns"):
        partition.ambiguous_points([0, 1], nearest_to=np.ones((1, 2)))
