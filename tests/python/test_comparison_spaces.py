"""Spaces, shares outside hulls and their controls, on data whose answers are known."""

import numpy as np
import pytest

from comparison_cases import blobs, convolutional_space, identity_space, random_images
from hullspace import Hull, compare_spaces
from hullspace.comparison import Wavelets

FAST = {"flips": False, "n_bootstrap": 50, "n_threads": 1}


def compare(train, test, labels=(None, None), space=None, **options):
    return compare_spaces(space or identity_space(), train, test, *labels, **{**FAST, **options})


def test_wavelets_of_all_energy_are_a_rotation():
    images = random_images(20)
    rows = images.reshape(20, -1)
    found = Wavelets(images, energy=1.0)(images)
    assert found.shape == rows.shape
    assert found.dtype == np.float32
    np.testing.assert_allclose(found @ found.T, rows @ rows.T, rtol=1e-4)


def test_wavelets_keep_the_coefficients_of_most_variance():
    rng = np.random.default_rng(0)
    images = np.ones((50, 1, 8, 8)) * rng.random((50, 1, 1, 1))
    images[:, :, 0, 0] += 1e-3 * rng.random((50, 1))
    wavelets = Wavelets(images)
    assert len(wavelets.kept) == 1
    np.testing.assert_allclose(wavelets(images)[:, 0], 8.0 * images[:, 0, 4, 4], atol=1e-3)
    assert len(Wavelets(np.zeros((4, 1, 8, 8))).kept) == 1


@pytest.mark.parametrize("shape", [(5,), (1,), (6, 7), (2, 3, 5), (1, 1, 1)])
def test_wavelets_of_any_shape(shape):
    images = np.random.default_rng(0).random((9, *shape))
    assert Wavelets(images, "db2", 1.0)(images).shape[0] == 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("nonsense", 0.9), "wavelet must be"), (("haar", 0.0), "energy"), (("haar", 1.1), "energy")],
)
def test_wavelets_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        Wavelets(random_images(3), *arguments)


def test_everything_inside():
    corners = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, -1).T.astype(float)
    train = np.concatenate([corners] * 3)
    labels = np.repeat(np.arange(3), 8)
    test, classes = blobs(30)
    found = compare(train, test, (labels, classes), spaces=("pixels", "features"))
    for space in ("pixels", "features"):
        assert found.estimate("outside_training_hull", space).value == 0.0
        assert found.estimate("outside_class_hull", space).value == 0.0
        assert found.estimate("outside_training_hull", space).high < 0.15
        assert np.isnan(found.estimate("hull_to_neighbour", space).value)
        assert (found.spaces[space].distances <= 1e-12).all()
        # Corners occur three times; the first of equal points counts.
        assert found.estimate("extreme_points", space).value == 8 / 24


def test_shares_and_distances_in_the_plane():
    square = np.array([[0.4, 0.4, 0.5], [0.6, 0.4, 0.5], [0.4, 0.6, 0.5], [0.6, 0.6, 0.5]])
    test = np.array([[0.5, 0.5, 0.5], [0.8, 0.4, 0.5], [0.45, 0.45, 0.5], [0.4, 0.9, 0.5]])
    labels = np.array([0, 0, 0, 1])
    found = compare(square, test, (np.array([0, 0, 0, 1]), labels), spaces=("pixels",))
    share = found.spaces["pixels"]
    np.testing.assert_array_equal(share.outside, [False, True, False, True])
    np.testing.assert_allclose(share.distances, [0, 0.2, 0, 0.3], atol=1e-9)
    np.testing.assert_allclose(share.neighbour_distances[[1, 3]], [0.2, 0.3])
    np.testing.assert_allclose(share.own_distances, [0, 0.2, 0, np.hypot(0.2, 0.3)], atol=1e-9)
    np.testing.assert_allclose(
        share.class_distances[:, 1], np.linalg.norm(test - square[3], axis=1)
    )
    np.testing.assert_allclose(share.spread, np.sqrt(0.02))
    np.testing.assert_allclose(share.own_spreads[3], 0.0)
    assert found.estimate("hull_to_neighbour").value == pytest.approx(1.0)
    assert found.estimate("outside_training_hull").value == 0.5
    assert found.estimate("extreme_points").value == 1.0


def test_a_class_without_training_images():
    train, labels = blobs(40)
    test, classes = blobs(20, 1)
    kept = labels != 2
    found = compare(train[kept], test, (labels[kept], classes), spaces=("pixels",))
    share = found.spaces["pixels"]
    np.testing.assert_array_equal(share.classes, [0, 1])
    assert share.outside_class[classes == 2].all()
    assert np.isnan(share.own_distances[classes == 2]).all()
    assert np.isnan(share.own_spreads[classes == 2]).all()
    assert (found.classifiers["pixels"].nearest_hull != 2).all()


def test_classes_are_the_models_without_labels():
    train, _ = blobs(40)
    test, _ = blobs(20, 1)
    found = compare(train, test, spaces=("pixels",))
    assert found.prediction is None
    assert found.classifiers == {}
    assert any("test_labels" in note for note in found.notes)
    assert any("train_labels" in note for note in found.notes)
    assert not any("accuracy" in e.name or "auroc" in e.name for e in found.estimates)
    assert found.estimate("outside_class_hull").n == 20


def test_controls_agree_with_hulls_of_fewer_coordinates():
    rng = np.random.default_rng(0)
    centers = np.vstack([0.4 * np.ones(12), 0.6 * np.ones(12)])
    train, test = rng.random((60, 12)), rng.random((40, 12))
    found = compare(train, test, space=identity_space(centers), spaces=("pixels",))
    control = found.controls["pixels"]
    np.testing.assert_array_equal(control.dimensions, [1, 2, 4, 8, 12])
    assert control.shares.shape == (2, 2, 5)
    whole = np.mean(~Hull(train).contains(test).inside)
    np.testing.assert_allclose(control.shares[0, :, -1], whole)
    assert (control.lows <= control.shares).all()
    assert (control.shares <= control.highs).all()
    assert (control.shares[0] <= control.shares[1]).all()
    # More dimensions, more outside: for components that is so for each sample.
    assert (np.diff(control.shares[0, 1]) >= 0.0).all()
    first = (train - train.mean(0)) @ np.linalg.svd(train - train.mean(0))[2][0]
    line = (test - train.mean(0)) @ np.linalg.svd(train - train.mean(0))[2][0]
    expected = np.mean((line < first.min()) | (line > first.max()))
    assert control.shares[0, 1, 0] == pytest.approx(expected)
    assert len(control.estimates) == 1 + 2 * 2 * 4


def test_main_controls_have_the_dimension_of_the_features():
    found = compare(random_images(40), random_images(20, 1), space=convolutional_space())
    names = [e.name for e in found.estimates if e.space == "pixels"]
    assert "outside_training_hull_random_6" in names
    assert "outside_class_hull_principal_6" in names
    assert not any(name.endswith("_32") for name in names)
    assert found.controls["features"].main[0].name == "intrinsic_dimension"
    assert len(found.controls["features"].main) == 1
    assert found.controls["pixels"].matched == 6


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_intrinsic_dimension_of_a_cube(dimension):
    rng = np.random.default_rng(0)
    images = np.full((800, 6), 0.5)
    images[:, :dimension] = rng.random((800, dimension))
    centers = np.vstack([0.4 * np.ones(6), 0.6 * np.ones(6)])
    found = compare(images, images[:10], space=identity_space(centers), spaces=("pixels",))
    estimate = found.estimate("intrinsic_dimension")
    assert estimate.value == pytest.approx(dimension, rel=0.2)
    assert estimate.low < estimate.value < estimate.high


def test_constant_images():
    images = np.full((6, 3), 0.5)
    found = compare(images, images[:3], (np.arange(6) % 3, np.arange(3)))
    for space in ("pixels", "wavelets", "features"):
        assert found.estimate("outside_training_hull", space).value == 0.0
        assert np.isnan(found.estimate("intrinsic_dimension", space).value)
        assert found.estimate("extreme_points", space).value == pytest.approx(1 / 6)
        assert found.spaces[space].spread == 0.0


@pytest.mark.parametrize("n", [1, 2])
def test_tiny_sets(n):
    train, labels = blobs(n)
    test, classes = blobs(n, 1)
    found = compare(train, test, (labels, classes))
    assert found.estimate("outside_training_hull", "pixels").value == 1.0
    assert found.estimate("extreme_points", "pixels").value == 1.0


def test_layers_are_spaces():
    space = convolutional_space()
    train, test = random_images(40), random_images(10, 1)
    found = compare(train, test, space=space, layers=["1"], spaces=("features",))
    assert list(found.spaces) == ["features", "1"]
    assert found.spaces["1"].n_features == 64
    pooled = compare(train, test, space=space, layers=["1"], pool="mean", spaces=())
    assert pooled.spaces["1"].n_features == 4
    expected = space.extract(train, layers=["1"], progress=False).layers["1"]
    np.testing.assert_allclose(
        found.spaces["1"].distances,
        Hull(expected)
        .project(space.extract(test, layers=["1"], progress=False).layers["1"])
        .distances,
    )
