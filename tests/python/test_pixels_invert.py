"""Images of given features: closed form, unreachable features, odd input."""

import numpy as np
import pytest
import torch
from scipy.optimize import lsq_linear
from torch import nn

from hullspace import Status, pixels
from pixel_cases import affine_space, linear, relu_space, space_of, unchanged

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("weight", [0.0, 0.1])
def test_affine_models_agree_with_least_squares(weight):
    space, (A, b), _ = affine_space()
    start = RANDOM.uniform(size=(6, 6))
    targets = start[::-1] @ A.T + b + RANDOM.normal(size=(6, 4)) * np.arange(6)[:, None]
    found = pixels.invert(space, targets, start, weight=weight, tolerance=1e-8, max_steps=500)
    for i in range(6):
        rows = np.vstack([A, np.sqrt(weight) * np.eye(6)])
        values = np.r_[targets[i] - b, np.sqrt(weight) * start[i]]
        exact = lsq_linear(rows, values, bounds=(0, 1), tol=1e-14).x
        best = np.linalg.norm(rows @ exact - values) ** 2
        ours = np.linalg.norm(rows @ found.images[i] - values) ** 2
        assert ours <= best * (1 + 1e-4) + 1e-10
        residual = np.linalg.norm(A @ found.images[i] + b - targets[i])
        assert found.residuals[i] == pytest.approx(residual, abs=1e-9)
    if not weight:
        assert found.status[0] == Status.REACHED
        assert found.status[-1] == Status.NOT_REACHED


def test_features_of_other_images_are_reached():
    space, _ = relu_space(10, 20, 5, 3)
    images = RANDOM.uniform(size=(20, 10))
    with torch.no_grad():
        targets = space.features(torch.from_numpy(images))
    found = pixels.invert(space, targets, images[::-1].copy(), n_starts=3)
    assert found.reached.mean() >= 0.75
    reached = found.features[found.reached]
    np.testing.assert_allclose(reached, targets.numpy()[found.reached], atol=1e-2)
    assert ((found.images >= 0) & (found.images <= 1)).all()
    logits = space.logits(torch.from_numpy(found.features)).numpy()
    np.testing.assert_array_equal(found.classes, logits.argmax(1))


def test_own_features_are_reached_at_once():
    space, _, _ = affine_space()
    images = RANDOM.uniform(size=(2, 6))
    with torch.no_grad():
        targets = space.features(torch.from_numpy(images)).numpy()
    found = pixels.invert(space, targets, images)
    np.testing.assert_array_equal(found.images, images)
    assert found.reached.all()
    assert (found.relative == 0).all()


def test_dead_units_need_another_start():
    model = nn.Sequential(linear([[1.0]], [-0.6]), nn.ReLU(), linear([[1.0], [0.0]]))
    space = space_of(model, 1)
    stuck = pixels.invert(space, [[0.3]], np.array([[0.3]]))
    assert stuck.status[0] == Status.NOT_REACHED
    np.testing.assert_array_equal(stuck.images, [[0.3]])
    freed = pixels.invert(space, [[0.3]], np.array([[0.3]]), n_starts=10)
    np.testing.assert_allclose(freed.images, [[0.9]], atol=1e-3)


def test_normalization_and_shapes_are_handled():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(18, 6), nn.Linear(6, 3)
    )
    space = space_of(model, 1, 5, 5, preprocess=lambda x: (x - 0.5) / 0.25)
    images = torch.rand(3, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        targets = space.features(images.roll(1, 0))
    found = pixels.invert(space, targets, images)
    assert found.reached.all()
    assert found.images.shape == images.shape
    assert found.images.dtype == torch.float32
    with torch.no_grad():
        features = space.features(found.images)
    np.testing.assert_allclose(features.numpy(), found.features, atol=1e-5)


def test_one_start_for_all_and_batches():
    space, (A, b), _ = affine_space()
    targets = RANDOM.uniform(size=(7, 6)) @ A.T + b
    one = pixels.invert(space, targets, np.full((1, 6), 0.5), batch_size=3)
    many = pixels.invert(space, targets, np.full((7, 6), 0.5))
    np.testing.assert_allclose(one.images, many.images, atol=1e-6)
    assert one.reached.all()


def test_repeatable_and_without_traces():
    space, _ = relu_space(4, 8, 3, 3)
    start, targets = RANDOM.uniform(size=(3, 4)), RANDOM.normal(size=(3, 3)) * 5
    space.model.train()
    with unchanged(space.model):
        first = pixels.invert(space, targets, start, n_starts=2)
    second = pixels.invert(space, targets, start, n_starts=2)
    np.testing.assert_array_equal(first.images, second.images)
    assert "of 3 features reached" in repr(first)


def test_nothing_to_invert():
    space, _, _ = affine_space()
    assert len(pixels.invert(space, np.zeros((0, 4)), np.zeros((0, 6)))) == 0


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"target_features": np.zeros((2, 3))}, "target_features must have shape"),
        ({"target_features": np.full((2, 4), np.inf)}, "target_features must be finite"),
        ({"start": np.zeros((3, 6))}, "start must have 1 or 2 images"),
        ({"start": np.full((2, 6), 2.0)}, "start must be finite and within"),
        ({"weight": -1}, "weight must be"),
        ({"weight": "much"}, "weight must be a number"),
        ({"tolerance": np.nan}, "tolerance must be"),
        ({"n_starts": 0}, "n_starts must be"),
    ],
)
def test_misuse_is_named(change, match):
    space, _, _ = affine_space()
    options = {"target_features": np.zeros((2, 4)), "start": np.zeros((2, 6)), **change}
    with pytest.raises((TypeError, ValueError), match=match):
        pixels.invert(space, **options)
