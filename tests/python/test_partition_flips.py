"""Flip points and segments against solvers, dense sampling and what a flip point must be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import data_file
from hullspace import DecisionPartition, Status
from hullspace.partition import boundary_distances
from hullspace.polyhedron import Polyhedron
from partition_oracles import (
    PARTITIONS,
    clarabel_distance_to,
    highs_distance,
    samples_of,
    tie_set,
)


@pytest.fixture(params=PARTITIONS)
def partition(request):
    return PARTITIONS[request.param]()


def assert_flips(partition, z, found, norm=2):
    """Every flip point ties at the top, lies in the domain, and is as far as it says."""
    there = np.isfinite(found.distances)
    points = found.points[there]
    samples = np.broadcast_to(z.reshape(len(z), *[1] * (found.points.ndim - 2), -1),
                              found.points.shape)[there]  # fmt: skip
    own = np.broadcast_to(found.predictions.reshape(-1, *[1] * (there.ndim - 1)), there.shape)
    logits = points @ partition.head.weight.T + partition.head.bias
    rows = np.arange(len(points))
    mine, theirs = logits[rows, own[there]], logits[rows, found.targets[there]]
    scale = 1.0 + np.abs(logits).max(axis=1, initial=0.0)
    assert (np.abs(mine - theirs) <= 1e-9 * scale).all()
    assert (logits.max(axis=1) - np.minimum(mine, theirs) <= 1e-9 * scale).all()
    assert partition.domain.polyhedron.contains(points).all()
    lengths = np.linalg.norm(points - samples, ord=norm, axis=1)
    assert lengths == pytest.approx(found.distances[there], abs=1e-9)
    assert (found.lower_bounds[there] <= found.distances[there] + 1e-9).all()
    assert np.isnan(found.points[~there]).all()
    assert (found.targets[~there] == -1).all()
    assert (found.status[~there] == Status.EMPTY).all()


def test_distances_agree_with_clarabel(partition):
    z = samples_of(partition, 40)
    found = partition.boundary_points(z, "all")
    assert_flips(partition, z, found)
    for i, c in enumerate(found.predictions):
        assert found.status[i, c] == Status.EMPTY
        for j in set(range(partition.n_classes)) - {int(c)}:
            expected = clarabel_distance_to(z[i], *tie_set(partition, (int(c), j)))
            assert found.distances[i, j] == pytest.approx(expected, rel=1e-6, abs=3e-5), (i, j)


@pytest.mark.parametrize("norm", [1, np.inf])
def test_distances_in_other_norms_agree_with_highs(partition, norm):
    z = samples_of(partition, 10)
    found = partition.boundary_points(z, "all", norm)
    assert_flips(partition, z, found, norm)
    for i, c in enumerate(found.predictions):
        for j in set(range(partition.n_classes)) - {int(c)}:
            expected = highs_distance(z[i], *tie_set(partition, (int(c), j)), norm)
            assert found.distances[i, j] == pytest.approx(expected, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("norm", [1, 2, np.inf])
def test_the_nearest_is_the_smallest_of_all(partition, norm):
    z = samples_of(partition, 30)
    nearest = partition.boundary_points(z, norm=norm)
    everything = partition.boundary_points(z, "all", norm)
    assert_flips(partition, z, nearest, norm)
    assert nearest.distances == pytest.approx(everything.distances.min(axis=1), rel=1e-9, abs=1e-12)
    one = partition.boundary_points(z, 0, norm)
    assert_flips(partition, z, one, norm)
    assert one.distances == pytest.approx(everything.distances[:, 0], rel=1e-9)


def test_no_boundary_is_nearer_on_a_fine_grid():
    generator = np.random.default_rng(3)
    partition = DecisionPartition(
        generator.normal(size=(5, 2)), 0.3 * generator.normal(size=5), domain=(0.0, 1.0)
    )
    z = generator.random((40, 2))
    found = partition.boundary_points(z)
    steps = np.linspace(0, 1, 401)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    winners = (grid @ partition.head.weight.T + partition.head.bias).argmax(axis=1)
    for i in range(len(z)):
        other = grid[winners != found.predictions[i]]
        nearest = np.linalg.norm(other - z[i], axis=1).min()
        assert found.distances[i] - 1e-9 <= nearest <= found.distances[i] + 0.004


def test_in_all_of_space_the_nearest_is_the_closed_form():
    partition = PARTITIONS["everywhere"]()
    z = samples_of(partition, 50)
    closed = boundary_distances(z, partition.head)
    found = partition.boundary_points(z)
    assert found.distances == pytest.approx(closed.nearest)
    assert found.targets.tolist() == closed.competitors.tolist()
    assert found.lower_bounds == pytest.approx(closed.nearest)
    assert {found.binding(i) for i in range(50)} == {()}


def test_what_binds_is_named():
    # A third class between the two is above where they tie; the wall z_1 >= 0 is hit.
    partition = DecisionPartition([[1.0, 0.0], [0.0, 1.0], [0.6, 0.6]], domain="orthant")
    found = partition.boundary_points([[3.0, 0.0]], to="all")
    assert found.points[0, 1] == pytest.approx([0.0, 0.0], abs=1e-12)
    assert "class 2" in found.binding(0, 1)
    assert found.binding(0, 2) == ()
    assert found.binding(0, 0) == ()
    walled = DecisionPartition([[1.0, 0.5], [0.0, 1.5]], [0.0, -2.0], domain=(0.0, [4.0, 2.5]))
    found = walled.boundary_points([[3.0, 2.0]], to=1)
    assert found.points[0] == pytest.approx([0.5, 2.5])
    assert found.binding(0) == ("domain 3",)
    assert walled.boundary_points([[3.0, 2.0]], 1, np.inf).binding(0) == ("domain 3",)
    assert walled.domain.polyhedron.A[3].tolist() == [0.0, 1.0]


def test_classes_that_touch_nowhere():
    fan = DecisionPartition(
        [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], [0.0, 1.0, 0.0], domain=(-0.4, 0.4)
    )
    found = fan.boundary_points([[0.3, 0.0]], "all")
    assert found.predictions.tolist() == [1]
    assert found.distances.tolist() == [[np.inf] * 3]
    nearest = fan.boundary_points([[0.3, 0.0]])
    assert nearest.targets.tolist() == [-1]
    assert nearest.status.tolist() == [Status.EMPTY]
    assert nearest.distances.tolist() == [np.inf]
    assert nearest.lower_bounds[0] == pytest.approx(0.7 / 2**0.5)


def test_equal_classes_flip_at_once_and_shadowed_ones_never():
    weight = [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    partition = DecisionPartition(weight, [0.0, 0.0, -1.0, 0.0], domain="orthant")
    for norm in (1, 2, np.inf):
        found = partition.boundary_points([[2.0, 1.0], [0.0, 3.0]], "all", norm)
        assert found.distances[0, 1] == 0.0
        assert found.distances[0, 2] == np.inf
        assert found.distances[1, 2] == np.inf
        assert found.distances[1, 0] == found.distances[1, 1]


def test_one_class_and_zero_weights():
    alone = DecisionPartition([[1.0, 0.0]]).boundary_points([[1.0, 2.0]])
    assert alone.distances.tolist() == [np.inf]
    assert alone.targets.tolist() == [-1]
    assert DecisionPartition([[1.0]]).boundary_points([[1.0]], "all").distances.shape == (1, 1)
    blind = DecisionPartition(np.zeros((3, 2)), domain=(0.0, 1.0))
    assert blind.boundary_points([[0.5, 0.5]]).distances.tolist() == [0.0]


@pytest.mark.parametrize("to", ["nearest", "all", 1])
@pytest.mark.parametrize("norm", [1, 2])
def test_no_samples(to, norm):
    found = PARTITIONS["orthant"]().boundary_points(np.empty((0, 8)), to, norm)
    assert len(found) == 0
    assert found.points.shape[-1] == 8
    assert len(found.distances) == 0


def test_samples_in_single_precision_and_any_layout():
    partition = PARTITIONS["orthant"]()
    z = samples_of(partition, 9).astype(np.float32)
    expected = partition.boundary_points(z.astype(np.float64)).distances
    assert np.array_equal(partition.boundary_points(z).distances, expected)
    assert np.array_equal(partition.boundary_points(np.asfortranarray(z)).distances, expected)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"to": "farthest"}, TypeError, "to must be 'nearest', 'all' or a class's index"),
        ({"to": True}, TypeError, "to must be"),
        ({"to": 6}, ValueError, "to must be between 0 and 5, got 6"),
        ({"norm": 3}, ValueError, "norm must be 1, 2 or infinity, got 3"),
        ({"norm": "inf"}, ValueError, "norm must be 1, 2 or infinity"),
        ({"n_threads": 0}, ValueError, "n_threads"),
    ],
)
def test_misuse_is_named(options, error, message):
    with pytest.raises(error, match=message):
        PARTITIONS["orthant"]().boundary_points(np.ones((1, 8)), **options)
    with pytest.raises(ValueError, match="z must have 8 columns"):
        PARTITIONS["orthant"]().boundary_points(np.ones((1, 7)))
    with pytest.raises(ValueError, match="z must be finite"):
        PARTITIONS["orthant"]().boundary_points(np.full((1, 8), np.nan))


def test_distances_to_regions_agree_with_clarabel(partition):
    z = samples_of(partition, 15)
    found = partition.region_distances(z)
    for i in range(15):
        for c in range(partition.n_classes):
            expected = clarabel_distance_to(z[i], *tie_set(partition, (c,)))
            assert found.distances[i, c] == pytest.approx(expected, rel=1e-6, abs=3e-5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 5), st.sampled_from([0, 1, 3]))
def test_every_flip_point_is_one(seed, n_classes, n_features, digits):
    generator = np.random.default_rng(seed)
    # Rounded weights make ties, equal rows and zero rows.
    weight = generator.normal(size=(n_classes, n_features)).round(digits)
    bias = generator.normal(size=n_classes).round(digits)
    domain = ["orthant", None, (-1.0, 1.0)][seed % 3]
    partition = DecisionPartition(weight, bias, domain=domain)
    z = generator.normal(size=(8, n_features)).round(digits)
    for to in ("nearest", "all"):
        assert_flips(partition, z, partition.boundary_points(z, to))


@pytest.mark.parametrize("seed", range(12))
def test_all_classes_touch_at_the_apex_of_a_cone(seed):
    generator = np.random.default_rng(seed)
    n_features, n_classes = generator.integers(3, 16), generator.integers(2, 8)
    partition = DecisionPartition(generator.normal(size=(n_classes, n_features)), domain="orthant")
    z = np.abs(generator.normal(size=(100, n_features)))
    found = partition.boundary_points(z, "all")
    assert_flips(partition, z, found)
    # Without biases all classes tie at the origin: none is ever out of reach.
    lengths = np.linalg.norm(z, axis=1)
    others = np.arange(n_classes) != found.predictions[:, None]
    assert (found.distances <= lengths[:, None] + 1e-9)[others].all()


def test_no_cone_is_called_empty():
    generator = np.random.default_rng(0)
    n_given_up = 0
    for _ in range(300):
        n = generator.integers(2, 6)
        A = generator.normal(size=(n + generator.integers(1, 6), n))
        E = generator.normal(size=(1, n))
        cone = Polyhedron(A, np.zeros(len(A)), equalities=(E, [0.0]))
        z = generator.normal(size=(50, n))
        found = cone.project(z)
        # All of these cones hold the origin, but some are so thin that the method gives up.
        assert (found.status != Status.EMPTY).all()
        n_given_up += np.count_nonzero(found.status == Status.LIMIT)
        done = found.status == Status.OPTIMAL
        assert cone.contains(found.points[done]).all()
        lengths = np.linalg.norm(z[done], axis=1)
        assert (found.distances[done] - found.gaps[done] <= lengths + 1e-12).all()
    assert n_given_up <= 5


@pytest.mark.parametrize("features", ["cifar", "digits"])
def test_flip_points_of_learned_features(features, request):
    if features == "cifar":
        with np.load(data_file("cifar10_resnet20/features.npz")) as file:
            z, head = file["test_features"][:300], (file["weight"], file["bias"])
    else:
        split, _ = request.getfixturevalue("digits")
        z, head = split.test.features[:300], (split.head.weight, split.head.bias)
    partition = DecisionPartition(*head, features=z)
    found = partition.boundary_points(z, "all")
    assert_flips(partition, z.astype(np.float64), found)
    assert np.count_nonzero(np.isfinite(found.distances)) > 2000
    for i in range(0, 300, 60):
        c = int(found.predictions[i])
        for j in {0, 4, 9} - {c}:
            expected = clarabel_distance_to(z[i].astype(float), *tie_set(partition, (c, j)))
            assert found.distances[i, j] == pytest.approx(expected, rel=1e-6)


class TestSegments:
    def test_classes_agree_with_dense_sampling(self, partition):
        z = samples_of(partition, 60)
        found = partition.segment(z[:30], z[30:])
        assert len(found) == 30
        for i in range(30):
            breaks, classes = found[i]
            assert len(classes) == len(breaks) + 1
            assert (np.diff(breaks) >= 0).all()
            t = np.linspace(0, 1, 2001)
            logits = ((1 - t[:, None]) * z[i] + t[:, None] * z[30 + i]) @ partition.head.weight.T
            logits += partition.head.bias
            here = classes[np.searchsorted(breaks, t)]
            leads = logits.max(axis=1) - logits[np.arange(len(t)), here]
            assert (leads <= 1e-9).all()

    def test_breakpoints_are_ties_at_the_top(self):
        partition = PARTITIONS["orthant"]()
        z = samples_of(partition, 100)
        found = partition.segment(z[:1], z)
        assert found.n_changes.sum() > 50
        for i in range(100):
            breaks, classes = found[i]
            points = z[0] + breaks[:, None] * (z[i] - z[0])
            logits = points @ partition.head.weight.T + partition.head.bias
            for row, before, after in zip(logits, classes[:-1], classes[1:], strict=True):
                assert row[before] == pytest.approx(row[after], abs=1e-9)
                assert row.max() == pytest.approx(row[after], abs=1e-9)

    def test_three_lines_through_one_point_give_one_breakpoint(self):
        partition = DecisionPartition([[-1.0], [0.0], [1.0]])
        breaks, classes = partition.segment([[-1.0]], [[1.0]])[0]
        assert breaks.tolist() == [0.5]
        assert classes.tolist() == [0, 2]

    def test_no_move_equal_classes_and_no_segments(self):
        partition = DecisionPartition([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        found = partition.segment([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]])
        assert found[0][1].tolist() == [0]
        assert found[-1][1].tolist() == [2, 0]
        assert found.n_changes.tolist() == [0, 1]
        none = partition.segment(np.empty((0, 2)), np.empty((0, 2)))
        assert len(none) == 0
        assert none.offsets.tolist() == [0]
        with pytest.raises(IndexError, match="segment 2 of 2"):
            found[2]

    def test_misuse_is_named(self):
        partition = PARTITIONS["orthant"]()
        with pytest.raises(ValueError, match="z0 must have one row or 3 rows like z1, got 2"):
            partition.segment(np.ones((2, 8)), np.ones((3, 8)))
        with pytest.raises(ValueError, match="z1 must have 8 columns"):
            partition.segment(np.ones((2, 8)), np.ones((2, 7)))


def test_flip_points_between_classes_that_are_nearly_the_same():
    generator = np.random.default_rng(5)
    weight = generator.normal(size=(4, 6))
    weight[3] = weight[0] + 1e-9 * generator.normal(size=6)
    partition = DecisionPartition(weight, domain="orthant")
    z = np.abs(generator.normal(size=(200, 6)))
    found = partition.boundary_points(z)
    assert_flips(partition, z, found)
    everything = partition.boundary_points(z, "all").distances
    assert found.distances == pytest.approx(everything.min(axis=1), rel=1e-7, abs=1e-9)
    triples = partition.ambiguity(z, 3)
    every = [
        partition.ambiguous_points(s, z).distances
        for s in ((0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3))
    ]
    assert triples.distances == pytest.approx(np.min(every, axis=0), rel=1e-6, abs=1e-7)


def test_the_facet_of_a_flip_point_is_at_hand():
    partition = PARTITIONS["orthant"]()
    z = samples_of(partition, 20)
    found = partition.boundary_points(z)
    for i in np.flatnonzero(found.targets >= 0):
        facet = partition.tie_set((found.predictions[i], found.targets[i]))
        assert facet.project(z[[i]]).distances == pytest.approx(found.distances[i])
    with pytest.raises(ValueError, match="classes must be two or more different ones"):
        partition.tie_set([1])
