"""Regions, their balls, neighbours and volumes against linear programs and dense sampling."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

import hullspace
from hullspace import DecisionPartition, Head, Status
from hullspace.polyhedron import Polyhedron
from partition_oracles import PARTITIONS, highs_ball, samples_of, tie_set


@pytest.fixture(params=PARTITIONS)
def partition(request):
    return PARTITIONS[request.param]()


def test_regions_contain_what_is_predicted(partition):
    generator = np.random.default_rng(0)
    z = generator.uniform(-2, 3, size=(500, partition.n_features))
    if partition.domain.polyhedron.d.size:
        z[:, 1] = 0.5
    logits = z @ partition.head.weight.T + partition.head.bias
    inside = partition.domain.polyhedron.contains(z, 0.0)
    for c in range(partition.n_classes):
        top = (logits[:, [c]] >= logits - 1e-12).all(axis=1)
        assert np.array_equal(partition.region(c).contains(z), top & inside)


def test_balls_agree_with_highs(partition):
    balls = partition.chebyshev()
    assert len(balls) == partition.n_classes
    for c in range(partition.n_classes):
        expected = highs_ball(*tie_set(partition, (c,)))
        if expected is None:
            assert balls.status[c] == Status.EMPTY
            assert c in balls.empty
        else:
            assert balls.radii[c] == pytest.approx(expected, rel=1e-7, abs=1e-8)
            assert partition.region(c).contains(balls.centers[[c]])[0]


def test_a_ball_touches_enough_walls_to_be_held():
    partition = PARTITIONS["orthant"]()
    bounded = DecisionPartition(partition.head.weight, partition.head.bias, domain=(0.0, 2.0))
    balls = bounded.chebyshev()
    for c in set(range(bounded.n_classes)) - set(balls.empty):
        region = bounded.region(c)
        lengths = np.linalg.norm(region.A, axis=1)
        slack = (region.b - region.A @ balls.centers[c]) / lengths - balls.radii[c]
        assert (slack >= -1e-9).all()
        touching = np.count_nonzero(slack <= 1e-8)
        # The center and the radius are a vertex of a linear program in n_features + 1 variables.
        assert touching >= bounded.n_features + 1
        y = balls.certificate.duals[c]
        assert slack[np.asarray(y) > 1e-9] == pytest.approx(0.0, abs=1e-7)


def test_balls_of_unbounded_regions_are_of_radius_one_at_least():
    partition = PARTITIONS["everywhere"]()
    balls = partition.chebyshev()
    assert (balls.status == Status.UNBOUNDED).any()
    for c in np.flatnonzero(balls.status == Status.UNBOUNDED):
        region = partition.region(c)
        slack = (region.b - region.A @ balls.centers[c]) / np.linalg.norm(region.A, axis=1)
        assert slack.min() >= 1.0 - 1e-9


def test_adjacency_agrees_with_highs(partition):
    found = partition.adjacency()
    assert np.array_equal(found.matrix, found.matrix.T)
    assert not found.matrix.diagonal().any()
    solid = [
        (highs_ball(*tie_set(partition, (c,))) or 0.0) > 1e-9 for c in range(partition.n_classes)
    ]
    for c, j in combinations(range(partition.n_classes), 2):
        radius = highs_ball(*tie_set(partition, (c, j)))
        # In one dimension a facet is a point.
        large = radius is not None and (radius > 1e-9 or partition.n_features == 1)
        facet = large and solid[c] and solid[j]
        assert found.matrix[c, j] == facet, (c, j)
        if facet and partition.n_features > 1:
            assert found.radii[c, j] == pytest.approx(radius, rel=1e-7)


def test_witnesses_are_in_the_relative_interior_of_facets(partition):
    found = partition.adjacency()
    for c, j in found.pairs:
        logits = partition.head.weight @ found.witnesses[c, j] + partition.head.bias
        assert logits[c] == pytest.approx(logits[j], abs=1e-9)
        normals = partition.head.weight[[k for k in range(partition.n_classes) if k not in (c, j)]]
        across = partition.head.weight[c] - partition.head.weight[j]
        others = [
            k
            for k, row in zip(
                (k for k in range(partition.n_classes) if k not in (c, j)), normals, strict=True
            )
            if np.linalg.matrix_rank(np.vstack([row - partition.head.weight[c], across])) == 2
        ]
        assert (logits[others] < logits[c] - 1e-9).all()
        both = found.witnesses[[c, j], [j, c]]
        assert np.array_equal(both[0], both[1])


def test_neighbours_in_the_plane_agree_with_a_fine_grid():
    generator = np.random.default_rng(11)
    partition = DecisionPartition(
        generator.normal(size=(6, 2)), 0.2 * generator.normal(size=6), domain=(-1.0, 1.0)
    )
    steps = np.linspace(-1, 1, 1201)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    winners = (grid @ partition.head.weight.T + partition.head.bias).argmax(axis=1)
    winners = winners.reshape(1201, 1201)
    counts = np.zeros((6, 6), dtype=int)
    for a, b in ((winners[:-1], winners[1:]), (winners[:, :-1], winners[:, 1:])):
        np.add.at(counts, (a.ravel(), b.ravel()), 1)
    np.fill_diagonal(counts, 0)
    # Pairs that meet in a point only may be counted once or twice.
    assert np.array_equal(partition.adjacency().matrix, counts + counts.T > 2)


def test_contact_in_a_point_or_at_a_wall_is_no_adjacency():
    fan = PARTITIONS["fan"]()
    assert not fan.adjacency().matrix[0, 2]
    assert fan.adjacency().radii[0, 2] == 0.0
    # Class 1 is at the top only on the wall of the domain.
    walled = DecisionPartition([[1.0, 0.0], [-1.0, 0.0]], domain="orthant").adjacency()
    assert not walled.matrix.any()
    assert walled.regions.flat == (1,)


def test_classes_that_win_nowhere_are_named():
    balls = PARTITIONS["never wins"]().chebyshev()
    assert balls.empty == (4,)
    assert "empty: 4" in repr(balls)
    found = PARTITIONS["collinear"]().adjacency()
    assert found.regions.flat == (1,)
    assert not found.matrix[1].any()
    assert found.matrix[0, 2]


def test_equal_classes_are_explained():
    weight = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]
    partition = DecisionPartition(weight, [0.0, 0.0, 0.0, -1.0], domain=(0.0, 1.0))
    assert partition.equal_classes == [(0, 2)]
    assert "equal classes [(0, 2)]" in repr(partition)
    found = partition.adjacency()
    assert found.equal_classes == [(0, 2)]
    assert not found.matrix[0, 2]
    assert found.matrix[0, 1]
    assert found.matrix[2, 1]
    assert found.regions.empty == (3,)


def test_volumes_of_halves_and_quarters():
    shares = PARTITIONS["fan"]().volume_fractions(20_000, 0)
    assert (shares.intervals[:, 0] <= 0.25).all()
    assert (shares.intervals[:, 1] >= 0.25).all()
    assert shares.values.sum() == pytest.approx(1.0)
    k, n = int(shares.counts[0]), shares.n_samples
    assert shares.intervals[0] == pytest.approx(
        [beta.ppf(0.025, k, n - k + 1), beta.ppf(0.975, k + 1, n - k)]
    )
    half = DecisionPartition(
        [[1.0, 0.0], [0.0, 1.0]], domain=Polyhedron([[-1, 0], [0, -1], [1, 1]], [0, 0, 1])
    )
    shares = half.volume_fractions(4000, 1)
    assert shares.values == pytest.approx([0.5, 0.5], abs=0.05)


def test_volumes_of_no_samples_of_a_class_have_an_upper_bound():
    shares = PARTITIONS["never wins"]().volume_fractions(1000, 0)
    assert shares.values[4] == 0.0
    assert shares.intervals[4] == pytest.approx([0.0, 1.0 - 0.025 ** (1 / 1000)])


def test_volumes_need_a_bounded_domain():
    with pytest.raises(ValueError, match=r"domain must be bounded.*observed_box"):
        PARTITIONS["orthant"]().volume_fractions()
    half_space = DecisionPartition([[1.0], [0.0]], domain=Polyhedron([[-1.0]], [0.0]))
    with pytest.raises(ValueError, match="domain must be bounded"):
        half_space.volume_fractions(10)
    with pytest.raises(ValueError, match="n_samples must be a positive integer"):
        PARTITIONS["fan"]().volume_fractions(0)
    with pytest.raises(ValueError, match="confidence must be between 0 and 1"):
        PARTITIONS["fan"]().volume_fractions(10, confidence=1.0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 4), st.sampled_from([0, 1, 2]))
def test_adjacency_is_symmetric_and_balls_are_inside(seed, n_classes, n_features, digits):
    generator = np.random.default_rng(seed)
    # Rounded weights make ties, equal rows and zero rows.
    weight = generator.normal(size=(n_classes, n_features)).round(digits)
    partition = DecisionPartition(weight, domain=(-1.0, 1.0))
    balls, found = partition.chebyshev(), partition.adjacency()
    assert np.array_equal(found.matrix, found.matrix.T)
    for c in range(n_classes):
        if c not in balls.empty:
            region = partition.region(c)
            lengths = np.linalg.norm(region.A, axis=1)
            margins = region.b - region.A @ balls.centers[c] - lengths * balls.radii[c]
            assert (margins >= -1e-9).all()


class TestDomains:
    def test_the_default_says_what_it_chose(self):
        weight = np.eye(2)
        relu = DecisionPartition(weight, features=[[0.0, 1.0], [2.0, 0.0]])
        assert relu.domain.name == "non-negative orthant"
        assert "none of the features given is negative" in relu.domain_reason
        assert relu.domain_reason in repr(relu)
        mixed = DecisionPartition(weight, features=[[-1.0, 1.0]])
        assert mixed.domain.name == "all of space"
        assert "both signs" in mixed.domain_reason
        assert "no features" in DecisionPartition(weight).domain_reason
        assert DecisionPartition(weight, domain=None).domain_reason == "asked for"

    def test_observed_boxes(self):
        features = [[0.0, 1.0, 5.0], [2.0, 3.0, 5.0]]
        lower, upper = DecisionPartition.observed_box(features, margin=0.5)
        assert lower.tolist() == [0.0, 0.0, 5.0]
        assert upper.tolist() == [3.0, 4.0, 5.0]
        partition = DecisionPartition(np.eye(3), domain="observed", features=features)
        assert partition.domain.upper == pytest.approx([2.2, 3.2, 5.0])
        assert partition.domain.polyhedron.E.tolist() == [[0.0, 0.0, 1.0]]
        below, _ = DecisionPartition.observed_box([[-1.0], [1.0]])
        assert below == pytest.approx([-1.2])

    def test_boxes_with_infinite_bounds(self):
        partition = DecisionPartition(np.eye(2), domain=([0.0, -np.inf], np.inf))
        assert partition.domain.polyhedron.A.tolist() == [[-1.0, 0.0]]

    @pytest.mark.parametrize(
        ("domain", "error", "message"),
        [
            ("cube", ValueError, "domain must be 'auto'.*got 'cube'"),
            (3, TypeError, "domain must be 'auto'.*got int"),
            ((0.0, 1.0, 2.0), ValueError, "pair .*got 3 elements"),
            ((1.0, 0.0), ValueError, "lower bounds must not exceed .*got 1.0 and 0.0 for feature"),
            ((np.nan, 1.0), ValueError, "lower bounds must not exceed"),
            ((np.inf, np.inf), ValueError, "lower bounds must not exceed"),
            (([0.0], 1.0), ValueError, r"lower bound must .* shape \(2,\), got \(1,\)"),
            (("a", 1.0), TypeError, "lower bound must hold real numbers"),
            ("observed", ValueError, "'observed' needs features"),
            (Polyhedron(np.eye(3), np.ones(3)), ValueError, "domain must have 2 features"),
        ],
    )
    def test_misuse_is_named(self, domain, error, message):
        with pytest.raises(error, match=message):
            DecisionPartition(np.eye(2), domain=domain)

    def test_misuse_of_margins_is_named(self):
        with pytest.raises(ValueError, match="margin must be finite and at least 0"):
            DecisionPartition.observed_box([[1.0]], margin=-1)
        with pytest.raises(TypeError, match="margin must be a number"):
            DecisionPartition.observed_box([[1.0]], margin="wide")


def test_a_partition_is_made_of_a_head_too():
    head = Head(np.eye(2, dtype=np.float32), np.array([0.5, 0.0], np.float32))
    partition = DecisionPartition.from_head(head, domain="orthant")
    assert partition.head.weight.dtype == np.float64
    assert partition.n_classes == partition.n_features == 2
    with pytest.raises(TypeError, match="head must be a Head"):
        DecisionPartition.from_head(np.eye(2))
    with pytest.raises(ValueError, match="bias must have one element"):
        DecisionPartition(np.eye(2), [1.0])
    with pytest.raises(ValueError, match="weight must be finite"):
        DecisionPartition([[np.nan]])
    with pytest.raises(ValueError, match="c must be between 0 and 1"):
        partition.region(2)
    with pytest.raises(TypeError, match="c must be a class's index"):
        partition.region(0.5)
    assert hullspace.DecisionPartition is DecisionPartition


def test_one_class_owns_the_domain():
    partition = DecisionPartition([[1.0, 2.0]], domain=(0.0, 2.0))
    assert partition.chebyshev().radii == pytest.approx([1.0])
    assert partition.adjacency().matrix.tolist() == [[False]]
    assert partition.volume_fractions(10, 0).values.tolist() == [1.0]
    everywhere = DecisionPartition([[1.0, 2.0]])
    assert everywhere.chebyshev().radii[0] == np.inf
    assert np.isfinite(everywhere.chebyshev().centers).all()


def test_classes_of_zero_weights_tie_everywhere():
    partition = DecisionPartition(np.zeros((3, 2)), domain=(0.0, 1.0))
    assert partition.equal_classes == [(0, 1, 2)]
    assert partition.chebyshev().radii == pytest.approx([0.5] * 3)
    assert not partition.adjacency().matrix.any()


def test_answers_do_not_depend_on_how_much_fits_in_memory(monkeypatch):
    partition = PARTITIONS["orthant"]()
    z = samples_of(partition, 20)

    def answers():
        return (
            partition.boundary_points(z, "all").distances,
            partition.boundary_points(z).distances,
            partition.adjacency().radii,
            partition.ambiguity_table(3).radii,
            partition.ambiguity(z, 3).distances,
            partition.region_distances(z).distances,
        )

    expected = answers()
    monkeypatch.setattr("hullspace.partition.ties._BYTES", 1)
    for found, whole in zip(answers(), expected, strict=True):
        assert np.array_equal(found, whole, equal_nan=True)
