"""Flips, angles, segments and adversarial images where features are pixels, or stretched ones."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from comparison_cases import CENTERS, blobs, convolutional_space, identity_space, random_images
from hullspace import Status, compare_spaces

N_TRAIN, N_TEST, SAMPLE = 60, 30, 12


def compare(space=None, **options):
    train, labels = blobs(N_TRAIN)
    test, classes = blobs(N_TEST, 1)
    options = {"n_bootstrap": 50, "n_threads": 1, "sample": SAMPLE, **options}
    return compare_spaces(space or identity_space(), train, test, labels, classes, **options)


@pytest.fixture(scope="module")
def identical():
    return compare(spaces=("pixels", "features"))


def scaled_flips(space, images, factor):
    """Flips in closed form, pushed beyond the boundary by a factor."""
    from hullspace import DecisionPartition

    points = DecisionPartition.from_head(space.head).boundary_points(images)
    return SimpleNamespace(
        images=images + factor * (points.points - images),
        distances=factor * points.distances,
        sources=points.predictions,
        targets=points.targets,
        status=np.full(len(images), Status.REACHED),
    )


def test_features_that_are_pixels_flip_alike(identical):
    assert identical.estimate("flips_found").value == 1.0
    assert identical.estimate("flip_rank_correlation").value == pytest.approx(1.0)
    assert identical.estimate("nearest_class_agrees").value == 1.0
    assert identical.estimate("pixel_flip_in_features").value == pytest.approx(1.0, abs=1e-3)
    assert identical.estimate("feature_flip_reached").value == 1.0
    assert identical.estimate("feature_flip_in_pixels").value == pytest.approx(1.0, abs=1e-2)
    found = identical.flips
    np.testing.assert_allclose(found.pixel_distances, found.feature_distances, rtol=1e-3)
    np.testing.assert_allclose(found.travels["pixels"], found.pixel_distances)
    np.testing.assert_array_equal(found.pixel_targets, found.feature_targets)
    for scale in ("neighbour", "spread"):
        ratios = [identical.estimate(f"boundary_to_{scale}", s) for s in ("pixels", "features")]
        assert ratios[0].value == pytest.approx(ratios[1].value, rel=1e-3)
        assert [ratio.kind for ratio in ratios] == ["heuristic", "proven"]


def test_boundary_relative_to_the_scales(identical):
    share, flips = identical.spaces["features"], identical.flips
    place = share.at(flips.rows)
    np.testing.assert_array_equal(share.rows[place], flips.rows)
    expected = np.median(flips.feature_distances / share.neighbour_distances[place])
    assert identical.estimate("boundary_to_neighbour", "features").value == pytest.approx(expected)
    expected = np.median(flips.feature_distances / share.own_spreads[place])
    assert identical.estimate("boundary_to_spread", "features").value == pytest.approx(expected)


def test_angles_between_ways(identical):
    found = identical.angles
    assert found.classes.shape == (3, 2)
    np.testing.assert_allclose(found.angles["pixels"], found.angles["features"], atol=0.5)
    image = identity_space().extract(blobs(N_TEST, 1)[0], progress=False).features[found.rows[0]]
    own = np.linalg.norm(CENTERS - image, axis=1).argmin()
    ways = [CENTERS[c] - CENTERS[own] for c in found.classes[0]]
    cosine = ways[0] @ ways[1] / np.linalg.norm(ways[0]) / np.linalg.norm(ways[1])
    # Bisectors' normals, unless the third class is in the way.
    assert found.angles["features"][0, 0] == pytest.approx(np.degrees(np.arccos(cosine)), abs=15)


def test_segments_between_images(identical):
    found = identical.segments
    assert len(found.pairs) == SAMPLE
    predictions = identity_space().extract(blobs(N_TEST, 1)[0], progress=False).predictions
    for (a, b), classes in zip(found.pairs, found.in_features, strict=True):
        assert (classes[0], classes[-1]) == (predictions[a], predictions[b])
        assert classes[0] != classes[-1]
    # Pixels are seen in steps, so a class that is passed in less than a step may be missed.
    assert sum(a == b for a, b in zip(found.in_pixels, found.in_features, strict=True)) >= 11
    assert identical.estimate("class_changes", "features").value >= 1.0
    assert identical.estimate("same_sequence").value >= 11 / 12


def test_adversarial_images_and_guaranteed_regions(identical):
    found = identical.adversarial
    assert found.inside.shape == (5, SAMPLE)
    assert found.fooled[-1].mean() > 0.5
    assert not found.inside[0].any()
    assert (found.distances[0] > 0.0).all()
    clean = identical.estimate("clean_in_guaranteed_region")
    assert clean.value == found.clean_inside.mean()
    assert identical.estimate("adversarial_in_guaranteed_region_1").high < 0.3
    ratio = found.distances[3] / np.where(
        found.clean_distances > 0.0, found.clean_distances, np.nan
    )
    outside = np.isfinite(ratio)
    estimate = identical.estimate("adversarial_region_distance_2")
    assert estimate.value == pytest.approx(np.median(ratio[outside]))
    assert estimate.n == outside.sum()


def test_flips_that_are_given():
    test = blobs(N_TEST, 1)[0]
    rows = np.array([3, 7, 20])
    flips = scaled_flips(identity_space(), test[rows], 2.0)
    flips.status[1] = Status.NOT_REACHED
    found = compare(sample=rows, flips=flips)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_array_equal(found.flips.reached, [True, False, True])
    assert found.estimate("pixel_flip_in_features").value == pytest.approx(2.0)
    assert found.estimate("pixel_flip_in_features").n == 2
    assert np.isnan(found.flips.travels["wavelets"][1])
    assert len(found.adversarial.rows) == 2
    assert found.estimate("flips_found").value == pytest.approx(2 / 3)


def test_no_flip_found():
    test = blobs(N_TEST, 1)[0]
    rows = np.arange(4)
    flips = scaled_flips(identity_space(), test[rows], 1.0)
    flips.status[:] = Status.NOT_REACHED
    found = compare(sample=rows, flips=flips)
    assert found.estimate("flips_found").value == 0.0
    assert np.isnan(found.estimate("flip_rank_correlation").value)
    assert np.isnan(found.estimate("adversarial_in_guaranteed_region_2").value)
    assert found.adversarial.inside.shape == (5, 0)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"images": np.zeros((3, 3))}, ValueError, "the 4 images of the sample, got 3 images"),
        ({"images": np.zeros((4, 2))}, ValueError, r"images of shape \(3,\)"),
        ({"sources": np.full(4, 7)}, ValueError, "its classes are others"),
    ],
)
def test_flips_that_do_not_fit(change, error, message):
    flips = scaled_flips(identity_space(), blobs(N_TEST, 1)[0][:4], 1.0)
    for name, value in change.items():
        setattr(flips, name, value)
    with pytest.raises(error, match=message):
        compare(sample=np.arange(4), flips=flips)


def test_flips_of_another_kind():
    with pytest.raises(TypeError, match=r"flips must be like pixels\.Flip"):
        compare(flips=3)


def test_one_class_only():
    space = identity_space(np.array([[0.5, 0.5, 0.5], [9.0, 0.5, 0.5]]))
    found = compare_spaces(space, blobs(30)[0], blobs(9, 1)[0], n_bootstrap=20, sample=4)
    # No image can have the other class: the boundary is outside the box of pixels.
    assert found.estimate("flips_found").value == 0.0
    assert len(found.segments.pairs) == 0
    assert np.isnan(found.estimate("class_changes", "features").value)
    assert found.angles.pairs.shape == (0, 2)
    assert np.isfinite(found.flips.feature_distances).all()
    assert found.estimate("feature_flip_reached").value == 0.0
    assert found.estimate("feature_flip_reached").n == 1


def test_without_a_search():
    found = compare(flips=False)
    assert found.flips is None
    assert found.adversarial is None
    assert list(found.angles.angles) == ["features"]
    assert any("search" in note for note in found.notes)
    assert not any(estimate.kind == "heuristic" for estimate in found.estimates)


def test_network_with_layers_and_the_state_of_the_model():
    space = convolutional_space()
    space.model.train()
    before = [p.clone() for p in space.model.parameters()]
    found = compare_spaces(
        space, random_images(60), random_images(16, 1), layers=["1"], n_bootstrap=20, sample=5
    )
    assert space.model.training
    assert all(torch.equal(a, b) for a, b in zip(before, space.model.parameters(), strict=True))
    assert {"pixels", "wavelets", "features", "1"} == set(found.spaces)
    flips = found.flips
    # The flip point in features is the nearest one, whatever the flip in pixels does.
    reached = flips.reached
    assert reached.any()
    exact = flips.feature_distances[reached]
    assert (flips.travels["features"][reached] >= exact * (1.0 - 1e-3)).all()
    assert (flips.travels["wavelets"] <= flips.travels["pixels"] * (1.0 + 1e-5))[reached].all()


def test_results_are_frozen_and_told(identical):
    with pytest.raises(AttributeError):
        identical.flips = None
    for part in (identical.flips, identical.angles, identical.segments, identical.adversarial):
        assert str(len(part.rows) if hasattr(part, "rows") else len(part.pairs)) in repr(part)
    assert replace(identical.flips, estimates=()).estimates == ()
