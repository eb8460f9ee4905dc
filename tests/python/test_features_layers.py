"""Outputs of several layers at once."""

import numpy as np
import pytest
import torch
from torch import nn

from hullspace import FeatureSet, FeatureSpace, FeatureSplit, Head
from models import VGG, ResNet20, ViT, images, mlp

SHAPE = (3, 32, 32)


def resnet_space():
    torch.manual_seed(0)
    return FeatureSpace.from_torch(ResNet20(), torch.zeros(1, *SHAPE))


def test_outputs_of_layers_are_those_of_the_model():
    space = resnet_space()
    batch = images(5, *SHAPE)
    names = ["layer1", "layer2.0.conv1", "linear", "conv1"]
    found = space.extract(batch, layers=names, batch_size=2, progress=False)
    assert list(found.layers) == names
    assert {name: array.shape for name, array in found.layers.items()} == {
        "layer1": (5, 16 * 32 * 32),
        "layer2.0.conv1": (5, 32 * 16 * 16),
        "linear": (5, 10),
        "conv1": (5, 16 * 32 * 32),
    }
    assert all(array.dtype == np.float32 for array in found.layers.values())
    assert np.allclose(found.layers["linear"], found.logits, atol=1e-5)
    with torch.no_grad():
        conv1 = space.model.eval().conv1(batch)
        layer1 = space.model.layer1(space.model.bn1(conv1).relu())
    assert np.allclose(found.layers["conv1"], conv1.flatten(1), atol=1e-5)
    assert np.allclose(found.layers["layer1"], layer1.flatten(1), atol=1e-4)
    pooled = space.extract(batch, layers=names, pool="mean", progress=False).layers
    assert np.allclose(pooled["layer1"], layer1.mean((2, 3)), atol=1e-5)
    assert pooled["linear"].shape == (5, 10)
    assert all(not m._forward_hooks for m in space.model.modules())


def test_layers_before_one_that_works_in_place_are_kept():
    model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=True), nn.Linear(5, 3))
    found = FeatureSpace.from_torch(model, images(1, 4)).extract(
        images(6, 4), layers=["0", "1", "2"], progress=False
    )
    assert (found.layers["0"] < 0).any()
    assert np.array_equal(found.layers["1"], np.maximum(found.layers["0"], 0))
    assert np.array_equal(found.layers["1"], found.features)


def test_tokens_are_flattened():
    space = FeatureSpace.from_torch(ViT(), images(1, 3, 8, 8))
    for pool in ("none", "mean"):
        found = space.extract(images(2, 3, 8, 8), layers=["layers.0"], pool=pool, progress=False)
        assert found.layers["layers.0"].shape == (2, 5 * 16)


def test_a_layer_may_give_a_tuple():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.head = nn.GRU(4, 6, batch_first=True), nn.Linear(6, 3)

        def forward(self, x):
            return self.head(self.rnn(x)[0][:, -1])

    space = FeatureSpace.from_torch(Recurrent(), images(1, 7, 4))
    found = space.extract(images(2, 7, 4), layers=["rnn"], progress=False)
    assert found.layers["rnn"].shape == (2, 42)
    assert np.array_equal(found.layers["rnn"][:, -6:], found.features)


def test_misuse_is_named():
    space = FeatureSpace.from_torch(VGG(), images(1, 3, 16, 16))
    batch = images(2, 3, 16, 16)
    with pytest.raises(ValueError, match=r"layers must be names.*'featurs\.2'.*'features\.2'"):
        space.extract(batch, layers=["featurs.2"], progress=False)
    with pytest.raises(ValueError, match=r"layers must be names.*got '';"):
        space.extract(batch, layers=[""], progress=False)
    with pytest.raises(TypeError, match="layers must be a sequence of names, got 'features'"):
        space.extract(batch, layers="features", progress=False)
    with pytest.raises(ValueError, match="pool must be 'none' or 'mean', got 'max'"):
        space.extract(batch, layers=["features"], pool="max", progress=False)


def test_layers_that_do_not_run_or_mix_images():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.idle, self.whole, self.head = nn.Identity(), nn.Flatten(0), nn.Linear(4, 3)
            self.empty = nn.Linear(4, 4)

        def forward(self, x):
            self.whole(x)
            return self.head(x)

    space = FeatureSpace.from_torch(Odd(), images(1, 4))
    with pytest.raises(ValueError, match="the layer 'idle' did not run on batch 0 of images"):
        space.extract(images(2, 4), layers=["idle"], progress=False)
    with pytest.raises(ValueError, match=r"the layer 'whole' must give one output an image.*\(8,"):
        space.extract(images(2, 4), layers=["whole"], progress=False)


def test_outputs_that_are_not_finite_are_named():
    model = nn.Sequential(nn.Linear(4, 4), nn.Hardtanh(), nn.Linear(4, 3))
    space = FeatureSpace.from_torch(model, images(1, 4))
    with torch.no_grad():
        model[0].weight.fill_(3e38)
    with pytest.raises(ValueError, match="batch 0 gives outputs of '0' that are not finite"):
        space.extract(torch.full((2, 4), 10.0), layers=["0"], progress=False)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_layers_survive_saving(tmp_path, suffix):
    space = FeatureSpace.from_torch(mlp(4, 6, 5, 3), images(1, 4))
    train, test = (space.extract(images(n, 4), layers=["0", "2"], progress=False) for n in (6, 3))
    path = tmp_path / f"set{suffix}"
    train.save(path)
    loaded = FeatureSet.load(path)
    FeatureSplit(train, test).save(path)
    split = FeatureSplit.load(path)
    for found, expected in ((loaded, train), (split.train, train), (split.test, test)):
        assert list(found.layers) == ["0", "2"]
        assert all(np.array_equal(found.layers[k], expected.layers[k]) for k in found.layers)


def test_layers_of_a_set_have_its_rows():
    head = Head(np.eye(2))
    found = FeatureSet.of(np.eye(2), head, layers={"a": np.ones((2, 7))})
    assert found.layers["a"].shape == (2, 7)
    with pytest.raises(ValueError, match=r"layers\['a'\] must have 2 rows, got 3"):
        FeatureSet.of(np.eye(2), head, layers={"a": np.ones((3, 7))})
    with pytest.raises(ValueError, match=r"layers\['a'\] must be two-dimensional"):
        FeatureSet.of(np.eye(2), head, layers={"a": np.ones(2)})
