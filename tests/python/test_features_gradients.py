"""Features as tensors, preprocessing, and models as piecewise affine networks."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from hullspace import FeatureSpace, ReluNetwork
from hullspace.features import normalization
from models import VGG, ViT, Wrapped, images, mlp

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)


def colours():
    return normalization(MEAN, STD)


def two_calls():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(8, 8)

        def forward(self, x):
            return self.layer(torch.relu(self.layer(x)))

    return Twice()


def pooled():
    return nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


def old_weight_norm():
    model = mlp(8, 6, 3)
    with pytest.warns(FutureWarning, match="weight_norm"):
        nn.utils.weight_norm(model[2])
    return model


SPACES = {
    "mlp": (lambda: mlp(8, 6, 3), (8,), None),
    "in place": (lambda: mlp(8, 6, 4, 3, inplace=True), (8,), None),
    "first layer in place": (lambda: nn.Sequential(nn.ReLU(True), nn.Linear(8, 3)), (8,), None),
    "vgg": (VGG, (3, 16, 16), colours()),
    "1x1 convolution": (pooled, (3, 8, 8), colours()),
    "softmax": (lambda: nn.Sequential(mlp(8, 4, 3), nn.Softmax(1)), (8,), None),
    "sigmoid": (lambda: nn.Sequential(mlp(8, 4, 1), nn.Sigmoid()), (8,), None),
    "mapping": (lambda: Wrapped(mlp(8, 4, 3), lambda y: {"logits": y}), (8,), None),
    "twice": (two_calls, (8,), lambda x: 2.0 * x - 1.0),
    "data parallel": (lambda: nn.DataParallel(mlp(8, 4, 3)), (8,), None),
    "double": (lambda: mlp(8, 4, 3).double(), (8,), None),
    "old weight norm": (old_weight_norm, (8,), None),
    "weight norm": (
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(8, 3))),
        (8,),
        None,
    ),
}


def space_of(name):
    make, shape, preprocess = SPACES[name]
    torch.manual_seed(0)
    return FeatureSpace.from_torch(make(), images(2, *shape), preprocess=preprocess), shape


@pytest.mark.parametrize("name", SPACES)
def test_features_agree_and_gradients_flow(name):
    space, shape = space_of(name)
    batch = images(5, *shape, seed=1)
    found = space.extract(batch, progress=False)
    pixels = batch.clone().requires_grad_()
    features = space.features(pixels)
    logits = space.logits(features)
    assert features.shape == (5, space.n_features)
    assert logits.shape == (5, space.n_classes)
    assert (features.device, features.dtype) == space.placement(pixels)
    assert np.allclose(features.detach(), found.features, atol=1e-5)
    assert np.allclose(logits.detach(), found.logits, atol=1e-5)
    (gradient,) = torch.autograd.grad(logits[:, -1].sum(), pixels)
    step = 1e-3 * torch.sign(gradient)
    higher = space.logits(space.features(batch + step))[:, -1]
    moved = gradient.flatten(1).any(dim=1)  # some images are where all units are off
    assert moved.sum() >= 2
    assert (higher > logits[:, -1])[moved].all()
    assert torch.equal(pixels.detach(), batch)


@pytest.mark.parametrize("name", SPACES)
def test_networks_include_preprocessing_and_end_in_the_head(name):
    space, shape = space_of(name)
    space.features(images(1, *shape).requires_grad_()).sum().backward()  # weights have a history
    network = space.network(shape)
    batch = images(5, *shape, seed=1)
    expected = space.extract(batch, progress=False).logits
    assert network.input_shape == shape
    assert np.allclose(network(batch), expected, atol=1e-5)


def test_vision_transformers_have_gradients_but_are_no_networks():
    space = FeatureSpace.from_torch(ViT(), images(1, 3, 8, 8), preprocess=colours())
    pixels = images(4, 3, 8, 8).requires_grad_()
    (gradient,) = torch.autograd.grad(space.features(pixels).square().sum(), pixels)
    assert (gradient.abs() > 0).all()
    with pytest.raises(ValueError, match="layers"):
        space.network((3, 8, 8))


def test_the_model_stays_as_it_is():
    model = nn.Sequential(
        nn.Linear(8, 6), nn.BatchNorm1d(6), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(6, 3)
    ).train()
    model[1].eval()
    model[4].weight.requires_grad_(False)
    handle = model[0].register_forward_hook(lambda *_: None)
    before = copy.deepcopy(model.state_dict())
    space = FeatureSpace.from_torch(model, images(4, 8))
    pixels = images(4, 8).requires_grad_()
    (gradient,) = torch.autograd.grad(space.logits(space.features(pixels)).sum(), pixels)
    space.network((8,))
    assert gradient.abs().sum() > 0
    assert [m.training for m in model] == [True, False, True, True, True]
    assert [p.requires_grad for p in model.parameters()] == [True, True, True, True, False, True]
    assert all(p.grad is None for p in model.parameters())
    assert [len(m._forward_hooks) for m in model] == [1, 0, 0, 0, 0]
    assert all(not m._forward_pre_hooks for m in model)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    with pytest.raises(RuntimeError):
        space.features(images(2, 9))
    assert model.training
    assert [len(m._forward_hooks) for m in model] == [1, 0, 0, 0, 0]
    handle.remove()


def test_parameters_get_gradients_where_they_are_asked_for():
    model = mlp(8, 6, 3)
    space = FeatureSpace.from_torch(model, images(1, 8))
    space.features(images(2, 8)).sum().backward()
    assert model[0].weight.grad is not None
    with torch.no_grad():
        assert not space.features(images(2, 8)).requires_grad


def test_gradients_are_those_of_differences():
    space = FeatureSpace.from_torch(mlp(4, 6, 3).double(), images(1, 4), preprocess=lambda x: 3 * x)
    pixels = images(3, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(space.features, pixels)
    assert torch.autograd.gradcheck(lambda x: space.logits(space.features(x)), pixels)


def test_preprocessing_is_done_everywhere():
    torch.manual_seed(0)
    model = pooled()
    batch = images(4, 3, 8, 8).abs()
    bare = FeatureSpace.from_torch(model, batch)
    space = FeatureSpace.from_torch(model, batch, preprocess=colours())
    normalized = (batch - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    expected = bare.extract(normalized, progress=False)
    found = space.extract(batch, progress=False)
    assert np.allclose(found.features, expected.features, atol=1e-6)
    assert torch.allclose(space.features(batch), bare.features(normalized), atol=1e-6)
    inside = FeatureSpace.from_torch(nn.Sequential(colours(), model), batch)
    assert np.allclose(inside.extract(batch, progress=False).features, found.features, atol=1e-6)
    network = ReluNetwork.from_torch(nn.Sequential(colours(), model), (3, 8, 8))
    assert np.allclose(network(batch), found.logits, atol=1e-5)


def test_preprocessing_sees_the_models_type():
    seen = []
    space = FeatureSpace.from_torch(
        mlp(8, 3).double(), images(1, 8), preprocess=lambda x: (seen.append(x.dtype), x)[1]
    )
    space.extract(np.ones((2, 8), dtype=np.uint8), progress=False)
    assert set(seen) == {torch.float64}


@pytest.mark.parametrize(
    ("preprocess", "message"),
    [
        (torch.sigmoid, "sigmoid is not piecewise affine"),
        (lambda x: torch.from_numpy(np.asarray(x)), "array is not piecewise affine"),
        (lambda x: x.softmax(1), "softmax is not"),
        (nn.Sequential(nn.ReLU(), nn.Tanh()), "tanh"),
    ],
)
def test_preprocessing_that_cannot_be_followed(preprocess, message):
    space = FeatureSpace.from_torch(mlp(8, 3), images(1, 8), preprocess=preprocess)
    with pytest.raises(ValueError, match=rf"module preprocess\S*: {message}"):
        space.network((8,))


@pytest.mark.parametrize("shape", [(9,), (0,), "ab", (2, 3)])
def test_networks_of_wrong_shapes(shape):
    with pytest.raises(ValueError, match=r"shape|fit"):
        FeatureSpace.from_torch(mlp(8, 3), images(1, 8)).network(shape)


class TestNormalization:
    @pytest.mark.parametrize("shape", [(3,), (3, 4), (3, 4, 5), (3, 2, 4, 5)])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
    def test_channels_are_normalized(self, shape, dtype):
        batch = images(2, *shape).to(dtype)
        view = (3, *[1] * (len(shape) - 1))
        expected = (batch - torch.tensor(MEAN, dtype=dtype).view(view)) / torch.tensor(
            STD, dtype=dtype
        ).view(view)
        found = colours()(batch)
        assert found.dtype == dtype
        assert torch.equal(found, expected)

    def test_one_number_is_for_all_channels(self):
        batch = images(2, 3, 4, 4)
        assert torch.allclose(normalization(0.5, 0.25)(batch), (batch - 0.5) * 4)
        found = normalization(0.5, [1.0, 2.0, 4.0])(batch)
        assert torch.allclose(found[:, 2], (batch[:, 2] - 0.5) / 4)

    def test_it_is_a_module_like_others(self):
        module = colours()
        batch = images(2, 3, 4, 4)
        for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):  # noqa: S301
            assert torch.equal(other(batch), module(batch))
        assert "mean=[0.5, 0.4, 0.3]" in repr(module)
        assert list(module.parameters()) == []

    @pytest.mark.parametrize(
        ("mean", "std", "message"),
        [
            ((0.5, 0.5), (1.0, 1.0, 1.0), "one length, got 2 and 3"),
            (0.5, 0.0, "std must be positive"),
            (0.5, (1.0, -1.0), "std must be positive"),
            (np.nan, 1.0, "mean must be finite"),
            (0.0, np.inf, "std must be finite"),
            ([[0.5]], 1.0, "numbers or sequences"),
            ([], [], "numbers or sequences"),
        ],
    )
    def test_bad_numbers(self, mean, std, message):
        with pytest.raises(ValueError, match=message):
            normalization(mean, std)

    def test_images_that_do_not_fit(self):
        with pytest.raises(ValueError, match=r"3 channels, got shape \(2, 1, 4, 4\)"):
            colours()(images(2, 1, 4, 4))
        with pytest.raises(ValueError, match="3 channels"):
            colours()(images(3))
        with pytest.raises(TypeError, match="floating-point"):
            colours()(torch.zeros(2, 3, 4, 4, dtype=torch.uint8))
