"""Ways between two images."""

import numpy as np
import pytest
import torch

from hullspace import Hull, Status, pixels
from pixel_cases import affine_space, constant_space, relu_space, unchanged

A, B = np.random.default_rng(0).uniform(size=(2, 6))


def test_affine_models_go_straight_both_ways():
    space, (weight, bias), (logits, constant) = affine_space()
    ways = pixels.morph(space, A, B, 9)
    shares = np.linspace(0, 1, 9)[:, None]
    line = A + shares * (B - A)
    np.testing.assert_allclose(ways.targets, line @ weight.T + bias, atol=1e-12)
    np.testing.assert_allclose(ways.pixels_way.images, line, atol=1e-12)
    np.testing.assert_allclose(ways.features_way.images, line, atol=1e-9)
    assert (ways.status == Status.REACHED).all()
    assert ways.features_way.residuals.max() < 1e-9
    values = np.sort(line @ logits.T + constant, 1)
    np.testing.assert_allclose(ways.pixels_way.margins, values[:, -1] - values[:, -2], atol=1e-9)
    np.testing.assert_array_equal(ways.pixels_way.classes, (line @ logits.T + constant).argmax(1))


def test_features_go_straighter_than_pixels():
    space, _ = relu_space(10, 30, 6, 3, seed=1)
    a, b = torch.rand(2, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    ways = pixels.morph(space, a, b, 8)
    assert isinstance(ways.features_way.images, torch.Tensor)
    assert torch.equal(ways.features_way.images[0], a)
    assert torch.equal(ways.features_way.images[-1], b)
    assert torch.equal(ways.pixels_way.images[-1], b)
    reached = ways.status == Status.REACHED
    assert reached.mean() > 0.8
    assert ways.features_way.residuals.sum() < ways.pixels_way.residuals.sum()


def test_the_hull_is_asked():
    space, _, _ = affine_space()
    with torch.no_grad():
        ends = space.features(torch.from_numpy(np.stack([A, B]))).numpy()
    hull = Hull(np.vstack([ends[0], ends + 0.1, ends - 0.1, ends[1] + 5]))
    ways = pixels.morph(space, A, B, 5, hull=hull)
    inside = hull.contains(ways.features_way.features).inside
    np.testing.assert_array_equal(ways.features_way.inside, inside)
    np.testing.assert_allclose(
        ways.pixels_way.distances, hull.project(ways.pixels_way.features).distances
    )
    assert pixels.morph(space, A, B, 3).features_way.inside is None


def test_the_same_image_twice():
    space, _, _ = affine_space()
    ways = pixels.morph(space, A, A, 4)
    assert (ways.status == Status.REACHED).all()
    np.testing.assert_allclose(ways.features_way.images, np.tile(A, (4, 1)), atol=1e-14)
    assert len(ways.features_way.class_sequence) == 1


def test_a_constant_model_is_reached_everywhere():
    ways = pixels.morph(constant_space(), np.zeros(3), np.ones(3), 3)
    assert (ways.status == Status.REACHED).all()
    assert ways.features_way.class_sequence == (1,)


def test_repeatable_and_without_traces():
    space, _ = relu_space(6, 8, 4, 3)
    space.model.train()
    with unchanged(space.model):
        first = pixels.morph(space, A, B, 4)
    np.testing.assert_array_equal(
        first.features_way.images, pixels.morph(space, A, B, 4).features_way.images
    )
    assert "of 4 features reached" in repr(first)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"image_b": B[:5]}, "image_b must have the shape"),
        ({"image_a": A + 1}, "image_a must be finite and within"),
        ({"steps": 1}, "steps must be at least 2"),
        ({"hull": Hull(np.eye(3))}, "hull must have 4 features"),
        ({"weight": -1}, "weight must be"),
    ],
)
def test_misuse_is_named(change, match):
    space, _, _ = affine_space()
    options = {"image_a": A, "image_b": B, "steps": 3, **change}
    with pytest.raises((TypeError, ValueError), match=match):
        pixels.morph(space, **options)
