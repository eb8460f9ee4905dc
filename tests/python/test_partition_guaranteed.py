"""Guaranteed regions, their proofs, and balls and boxes around samples."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from data import data_file
from hullspace import DecisionPartition, Hull, Status
from hullspace.partition import GuaranteeProof
from partition_oracles import PARTITIONS, TIGHT, samples_of


def exact_class(partition, z):
    """Class in rational arithmetic, the lowest of those that tie."""
    weight, bias = partition.head.weight, partition.head.bias
    logits = [
        sum((Fraction(w) * Fraction(x) for w, x in zip(row, z, strict=True)), Fraction(b))
        for row, b in zip(weight.tolist(), bias.tolist(), strict=True)
    ]
    return logits.index(max(logits))


@pytest.fixture(scope="module")
def blobs():
    """A partition of the orthant, with training and test features."""
    generator = np.random.default_rng(0)
    partition = DecisionPartition(generator.normal(size=(4, 5)), domain="orthant")
    train = np.abs(generator.normal(size=(600, 5))).astype(np.float32)
    test = np.abs(generator.normal(size=(200, 5)))
    return partition, train, test


def test_hulls_are_those_of_what_the_model_puts_in_a_class(blobs):
    partition, train, test = blobs
    regions = partition.guaranteed(train)
    classes = np.array([exact_class(partition, z.tolist()) for z in train.astype(np.float64)])
    assert regions.n_points.tolist() == np.bincount(classes, minlength=4).tolist()
    found = regions.contains(test)
    projected = regions.project(test)
    for i, z in enumerate(test):
        c = exact_class(partition, z)
        assert found.classes[i] == projected.classes[i] == c
        alone = Hull(train[classes == c])
        assert found.inside[i] == alone.contains(z[None]).inside[0]
        assert projected.distances[i] == pytest.approx(alone.project(z[None]).distances[0])
    assert 0 < found.inside.sum() < 200
    assert (projected.distances[found.inside] <= 1e-9).all()


def test_all_of_a_guaranteed_region_is_its_class(blobs):
    partition, train, _ = blobs
    regions = partition.guaranteed(train)
    generator = np.random.default_rng(1)
    for c in regions.hulls.classes:
        points = regions.hull(c).points
        weights = generator.dirichlet(np.full(len(points), 0.02), size=200)
        assert partition.region(c).contains(weights @ points).all()


def test_coverage(blobs):
    partition, train, test = blobs
    labels = np.random.default_rng(2).integers(0, 4, len(test))
    regions = partition.guaranteed(train)
    found = regions.coverage(test, labels, n_samples=300, random_state=0)
    contained = regions.contains(test)
    assert np.array_equal(found.inside, contained.inside & (contained.classes == labels))
    assert found.share.values[0] == found.inside.mean()
    assert found.share.intervals[0, 0] < found.inside.mean() < found.share.intervals[0, 1]
    assert (found.distances[found.inside] == 0.0).all()
    outside = regions.project(test[~found.inside], labels[~found.inside]).distances
    # Some class has no region; its samples are infinitely far from it.
    assert found.quantiles[0.5] == pytest.approx(np.median(outside[np.isfinite(outside)]))
    assert found.n_misclassified == np.count_nonzero(contained.classes != labels)
    for c in range(4):
        assert found.per_class[c].n_samples == np.count_nonzero(labels == c)
    assert "the box of the features, as the domain is unbounded" in found.uncertified.of
    by_model = regions.coverage(test, n_samples=0)
    assert by_model.uncertified is None
    assert by_model.n_misclassified == 0
    assert by_model.share.values[0] >= found.share.values[0]


def test_uncertified_share_of_a_triangle_in_a_square():
    partition = DecisionPartition([[1.0, 0.0], [0.0, 1.0]], domain=(0.0, 1.0))
    corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]
    share = partition.guaranteed(corners).uncertified(4000, 0)
    assert share.intervals[0, 0] <= 0.5 <= share.intervals[0, 1]
    assert share.of == "the domain: box"
    # Points on a boundary go to one class alone.
    whole = partition.guaranteed([*corners, [0.0, 1.0], [0.0, 1e-9], [1.0 - 1e-9, 1.0]])
    assert whole.uncertified(500, 0).values[0] == 0.0


def test_purity_counts_labels():
    partition = DecisionPartition(np.eye(3), domain="orthant")
    features = [[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    regions = partition.guaranteed(features, [0, 2, 1])
    assert regions.purity[:2].tolist() == [0.5, 1.0]
    assert np.isnan(regions.purity[2])
    assert partition.guaranteed(features).purity is None
    assert repr(regions) == "GuaranteedRegions(2 of 3 classes, 3 points)"
    missing = regions.project([[0.0, 0.0, 1.0]])
    assert missing.status.tolist() == [Status.EMPTY]
    assert missing.distances.tolist() == [np.inf]
    assert not regions.contains([[0.0, 0.0, 1.0]]).inside[0]
    assert len(regions.contains(np.empty((0, 3)))) == 0
    with pytest.raises(ValueError, match="c must be a class with a guaranteed region, got 2"):
        regions.proof(2)


def test_features_outside_the_domain_are_left_out():
    partition = DecisionPartition(np.eye(2), domain="orthant")
    regions = partition.guaranteed([[1.0, 0.0], [1.0, -(2.0**-60)]])
    assert regions.n_outside_domain == 1
    assert "1 not in the domain" in repr(regions)
    with pytest.raises(ValueError, match="features must lie in the domain, got none"):
        partition.guaranteed([[-1.0, 0.0]])


def test_pruned_regions_are_the_same(blobs):
    partition, train, test = blobs
    regions = partition.guaranteed(train)
    pruned = regions.pruned()
    assert (pruned.n_points <= regions.n_points).all()
    assert pruned.n_points.sum() < regions.n_points.sum()
    assert pruned.project(test).distances == pytest.approx(
        regions.project(test).distances, abs=1e-7
    )
    assert pruned.proof(0).check()


class TestProofs:
    def test_proofs_hold_and_survive_a_file(self, blobs, tmp_path):
        partition, train, _ = blobs
        regions = partition.guaranteed(train)
        for c in regions.hulls.classes:
            proof = regions.proof(int(c))
            assert proof.check()
            proof.save(tmp_path / "proof.npz")
            loaded = GuaranteeProof.load(tmp_path / "proof.npz")
            assert loaded.check()
            assert loaded.class_index == c
            assert np.array_equal(loaded.points, proof.points)
            # The same points prove nothing of another class.
            assert not replace(proof, class_index=(int(c) + 1) % 4).check()

    @pytest.mark.parametrize("excess", [2.0**-60, 1e-300, 2.0**-1074])
    def test_one_rounding_error_is_seen(self, excess):
        partition = DecisionPartition([[1.0, 0.0], [0.0, 1.0]], domain="orthant")
        proof = partition.guaranteed([[1.0, 0.0], [0.5, 0.5]]).proof(0)
        assert proof.check()
        for spoiled in ([[1.0, -excess]], [[0.0, excess]]):
            bad = replace(proof, points=np.array(spoiled))
            assert not bad.check()
            assert bad.holds().tolist() == [False]
        good = replace(proof, points=np.array([[excess, 0.0]]))
        assert good.check()

    def test_ties_and_cancellation_are_decided_exactly(self):
        # 0.1 + 0.2 differs from 0.3 by a rounding error.
        weight = np.array([[0.1, 0.2], [0.3, 0.0]])
        partition = DecisionPartition(weight, domain=None)
        sure = Fraction(0.1) + Fraction(0.2) > Fraction(0.3)
        regions = partition.guaranteed([[1.0, 1.0]])
        assert regions.hulls.classes.tolist() == [0 if sure else 1]
        assert regions.proof(0 if sure else 1).check()
        head = (weight, np.zeros(2), np.zeros((0, 2)), np.zeros(0), np.zeros((0, 2)), np.zeros(0))
        assert not GuaranteeProof(1 if sure else 0, np.array([[1.0, 1.0]]), *head).check()

    def test_equal_classes_both_have_proofs(self):
        partition = DecisionPartition([[1.0, 0.3], [1.0, 0.3], [0.0, 0.1]], domain="orthant")
        proof = partition.guaranteed([[1.0, 0.7], [0.1, 0.9]]).proof(0)
        assert proof.check()

    def test_flat_boxes_are_checked(self):
        partition = PARTITIONS["flat box"]()
        z = samples_of(partition, 30)[5:]
        regions = partition.guaranteed(z)
        proof = regions.proof(int(regions.hulls.classes[0]))
        assert len(proof.E) == 1
        assert proof.check()
        moved = proof.points + np.array([0.0, 1e-12, 0.0, 0.0])
        assert not replace(proof, points=moved).check()

    def test_files_that_are_no_proofs(self, tmp_path):
        np.savez(tmp_path / "other.npz", points=np.ones((1, 2)))
        with pytest.raises(ValueError, match=r"is no proof of a region; missing: class_index"):
            GuaranteeProof.load(tmp_path / "other.npz")
        proof = DecisionPartition(np.eye(2), domain="orthant").guaranteed([[1.0, 0.0]]).proof(0)
        with pytest.raises(ValueError, match=r"path must end in .npz"):
            proof.save(tmp_path / "proof.json")
        with pytest.raises(FileNotFoundError):
            GuaranteeProof.load(tmp_path / "nothing.npz")
        bad = replace(proof, bias=np.zeros(3))
        bad.save(tmp_path / "bad.npz")
        with pytest.raises(ValueError, match=r"bias must have shape \(2,\), got \(3,\)"):
            GuaranteeProof.load(tmp_path / "bad.npz")

    @settings(max_examples=50, deadline=None)
    @given(st.integers(0, 10**6), st.sampled_from([1, 2, 17]))
    def test_points_agree_with_fractions(self, seed, digits):
        generator = np.random.default_rng(seed)
        weight = generator.normal(size=(3, 2)).round(digits)
        partition = DecisionPartition(weight, generator.normal(size=3).round(digits), domain=None)
        z = generator.normal(size=(6, 2)).round(digits)
        # Some points exactly as near to a tie as doubles get.
        z[:3] = np.nan_to_num(partition.boundary_points(z[:3]).points, nan=0.5)
        expected = [exact_class(partition, row) for row in z]
        assert partition.guaranteed(z).contains(z).classes.tolist() == expected
        none = (np.zeros((0, 2)), np.zeros(0), np.zeros((0, 2)), np.zeros(0))
        for c in range(3):
            proof = GuaranteeProof(c, z, partition.head.weight, partition.head.bias, *none)
            tops = [self.at_the_top(partition, row, c) for row in z]
            assert proof.holds().tolist() == tops

    @staticmethod
    def at_the_top(partition, z, c):
        weight, bias = partition.head.weight.tolist(), partition.head.bias.tolist()
        logits = [
            Fraction(w[0]) * Fraction(z[0]) + Fraction(w[1]) * Fraction(z[1]) + Fraction(b)
            for w, b in zip(weight, bias, strict=True)
        ]
        return logits[c] == max(logits)


class TestBalls:
    @pytest.mark.parametrize("name", PARTITIONS)
    def test_nothing_of_another_class_is_in_a_ball(self, name):
        partition = PARTITIONS[name]()
        z = samples_of(partition, 20)
        balls = partition.guaranteed_balls(z)
        generator = np.random.default_rng(1)
        for i in range(20):
            radius = min(balls.radii[i], 10.0)
            directions = generator.normal(size=(500, partition.n_features))
            directions /= np.linalg.norm(directions, axis=1)[:, None]
            points = z[i] + 0.999 * radius * directions
            if partition.domain.lower is not None:
                # Clipping to a box only moves points nearer to a sample in it.
                points = np.clip(points, partition.domain.lower, partition.domain.upper)
            inside = partition.domain.polyhedron.contains(points)
            near = np.linalg.norm(points - z[i], axis=1) < radius
            logits = points[inside & near] @ partition.head.weight.T + partition.head.bias
            assert (logits.max(axis=1) - logits[:, balls.classes[i]] <= 1e-9).all()

    def test_radii_are_those_of_flip_points(self):
        partition = PARTITIONS["orthant"]()
        z = samples_of(partition, 30)[3:]  # those in the domain
        balls = partition.guaranteed_balls(z)
        found = partition.boundary_points(z)
        assert balls.radii == pytest.approx(found.distances)
        assert (balls.radii <= found.distances).all()
        assert np.array_equal(balls.centers, z)
        assert DecisionPartition([[1.0]]).guaranteed_balls([[3.0]]).radii.tolist() == [np.inf]


class TestBoxes:
    @pytest.mark.parametrize("name", PARTITIONS)
    def test_boxes_agree_with_highs(self, name):
        partition = PARTITIONS[name]()
        z = samples_of(partition, 20)
        boxes = partition.largest_boxes(z)
        assert len(boxes) == 20
        for i in range(20):
            region = partition.region(int(boxes.classes[i]))
            if not region.contains(z[[i]])[0]:
                assert boxes.status[i] == Status.EMPTY
                assert np.isnan(boxes.lower[i]).all()
                continue
            self.check_box(region, z[i], boxes.lower[i], boxes.upper[i])

    @staticmethod
    def check_box(region, z, lower, upper):
        assert (lower <= z).all()
        assert (upper >= z).all()
        far = 1e3
        low, high = np.maximum(lower, z - far), np.minimum(upper, z + far)
        # The farthest corner of the box in the direction of each constraint.
        highest = np.maximum(region.A, 0) @ high - np.maximum(-region.A, 0) @ low
        assert (highest <= region.b + 1e-8 * far).all()
        n = len(z)
        fixed = (region.E != 0).any(axis=0)
        slack = np.maximum(region.b - region.A @ z, 0)
        bounds = [(0, 0 if f else far) for f in fixed] * 2
        result = linprog(
            -np.ones(2 * n),
            A_ub=np.hstack([np.maximum(-region.A, 0), np.maximum(region.A, 0)]),
            b_ub=slack,
            bounds=bounds,
            method="highs",
            options=TIGHT,
        )
        assert (high - low).sum() == pytest.approx(-result.fun, rel=1e-7, abs=1e-7)

    def test_half_widths_are_distances_in_the_largest_coordinate(self):
        partition = PARTITIONS["everywhere"]()
        z = samples_of(partition, 20)
        boxes = partition.largest_boxes(z)
        assert boxes.half_widths == pytest.approx(
            partition.boundary_points(z, norm=np.inf).distances
        )

    def test_features_that_may_grow_for_ever_do(self):
        partition = DecisionPartition([[1.0, 0.0], [0.0, 1.0]], domain="orthant")
        boxes = partition.largest_boxes([[2.0, 1.0]])
        assert boxes.upper[0, 0] == np.inf
        assert boxes.lower[0, 1] == pytest.approx(0.0)
        assert boxes.upper[0, 1] == pytest.approx(boxes.lower[0, 0])

    def test_one_class_equal_classes_and_no_samples(self):
        alone = DecisionPartition([[1.0, 2.0]]).largest_boxes([[1.0, 1.0]])
        assert alone.lower.tolist() == [[-np.inf, -np.inf]]
        assert alone.half_widths.tolist() == [np.inf]
        twins = DecisionPartition([[1.0], [1.0]]).largest_boxes([[1.0]])
        assert twins.half_widths.tolist() == [0.0]
        shadowed = DecisionPartition([[1.0], [1.0]], [0.0, -1.0]).largest_boxes([[1.0]])
        assert shadowed.half_widths.tolist() == [np.inf]
        assert len(alone) == 1
        assert len(DecisionPartition([[1.0]]).largest_boxes(np.empty((0, 1)))) == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones((2, 3)),), ValueError, "features must have 2 columns"),
        ((np.empty((0, 2)),), ValueError, "features must have at least one row"),
        ((np.ones((2, 2)), [0.0, 1.0]), TypeError, "labels must be integers"),
        ((np.ones((2, 2)), [0]), ValueError, r"labels must have shape \(2,\)"),
        ((np.ones((2, 2)), [0, 2]), ValueError, "labels must be between 0 and 1"),
    ],
)
def test_misuse_is_named(arguments, error, message):
    partition = DecisionPartition(np.eye(2), domain="orthant")
    with pytest.raises(error, match=message):
        partition.guaranteed(*arguments)
    regions = partition.guaranteed([[1.0, 0.0]])
    with pytest.raises(ValueError, match="classes must be between 0 and 1"):
        regions.project([[1.0, 0.0]], [7])
    with pytest.raises(ValueError, match="test_features must have 2 columns"):
        regions.coverage([[1.0]])
    with pytest.raises(ValueError, match="n_samples must be a positive integer"):
        regions.uncertified(0)


def test_learned_features():
    with np.load(data_file("cifar10_resnet20/features.npz")) as file:
        train, labels = file["train_features"], file["train_labels"].astype(int)
        test, truth = file["test_features"][:500], file["test_labels"][:500].astype(int)
        partition = DecisionPartition(file["weight"], file["bias"], features=train)
    regions = partition.guaranteed(train, labels)
    assert regions.n_points.sum() == len(train)
    assert regions.n_outside_domain == 0
    found = regions.coverage(test, truth, n_samples=100, random_state=0)
    # Hardly a test image is in the hull of its class: 64 dimensions are many.
    assert found.share.values[0] < 0.1
    assert found.share.intervals[0, 1] < 0.2
    assert np.median(found.distances[~found.inside]) == pytest.approx(found.quantiles[0.5])
    for c in range(0, 10, 3):
        assert regions.proof(c).check()
