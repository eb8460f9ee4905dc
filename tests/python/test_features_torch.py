"""The features of torch models of many kinds."""

from collections import namedtuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from data import data_file
from hullspace import FeatureSpace
from hullspace.features import load_images, normalization
from models import VGG, ResNet20, ViT, Wrapped, images, mlp, resnet20

Output = namedtuple("Output", "logits hidden")


class TokenClassifier(nn.Module):
    """Like a transformer: tokens, pooled after the layers, integers in."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 6)
        self.mix = nn.Linear(6, 6)
        self.head = nn.Linear(6, 4)

    def forward(self, tokens):
        return self.head(torch.relu(self.mix(self.embedding(tokens))).mean(1))


def weight_norm():
    model = mlp(8, 6, 3)
    with pytest.warns(FutureWarning, match="weight_norm"):
        nn.utils.weight_norm(model[2])
    return model


class ByKeyword(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.last = nn.Linear(8, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.last(input=self.body(x).relu())


def parametrized():
    model = mlp(8, 6, 3)
    nn.utils.parametrizations.weight_norm(model[2])
    return model


IMAGE = (3, 8, 8)
MODELS = {
    "mlp": (lambda: mlp(8, 16, 5, 3), (8,), "4"),
    "in-place relu": (lambda: mlp(8, 16, 5, 3, inplace=True), (8,), "4"),
    "linear only": (lambda: nn.Linear(8, 3), (8,), ""),
    "no bias": (
        lambda: nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 3, False)),
        (8,),
        "2",
    ),
    "identity after": (
        lambda: nn.Sequential(mlp(8, 4, 3), nn.Dropout(0.5), nn.Identity()),
        (8,),
        "0.2",
    ),
    "in place after": (lambda: Wrapped(mlp(8, 4, 3), lambda y: y.mul_(1.0)), (8,), "model.2"),
    "resnet": (ResNet20, (3, 32, 32), "linear"),
    "1x1 after pool": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Conv2d(5, 4, 1), nn.Flatten()
        ),
        IMAGE,
        "3",
    ),
    "pool after 1x1": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        ),
        IMAGE,
        "2",
    ),
    "whole-image convolution": (
        lambda: nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 4, 6), nn.Flatten()),
        IMAGE,
        "2",
    ),
    "tuple": (lambda: Wrapped(mlp(8, 4, 3), lambda y: (y, None)), (8,), "model.2"),
    "mapping": (lambda: Wrapped(mlp(8, 4, 3), lambda y: {"loss": 0, "logits": y}), (8,), "model.2"),
    "attribute": (lambda: Wrapped(mlp(8, 4, 3), lambda y: Output(y, None)), (8,), "model.2"),
    "softmax": (lambda: nn.Sequential(mlp(8, 4, 3), nn.Softmax(1)), (8,), "0.2"),
    "log-softmax": (lambda: nn.Sequential(mlp(8, 4, 3), nn.LogSoftmax(1)), (8,), "0.2"),
    "vgg": (VGG, (3, 16, 16), "classifier.6"),
    "vit": (ViT, (3, 8, 8), "head"),
    "old weight norm": (weight_norm, (8,), "2"),
    "weight norm": (parametrized, (8,), "2"),
    "double": (lambda: mlp(8, 6, 3).double(), (8,), "2"),
    "half": (lambda: mlp(8, 6, 3).half(), (8,), "2"),
    "bfloat16": (lambda: mlp(8, 6, 3).bfloat16(), (8,), "2"),
    "data parallel": (lambda: nn.DataParallel(mlp(8, 4, 3)), (8,), "module.2"),
}


def true_logits(model, batch):
    model.eval()
    with torch.no_grad():
        out = model(batch)
    return getattr(out, "logits", out[0] if isinstance(out, tuple) else out)


@pytest.mark.parametrize("name", MODELS)
def test_head_is_found_and_features_give_the_logits(name):
    make, shape, head_name = MODELS[name]
    torch.manual_seed(0)
    model = make()
    space = FeatureSpace.from_torch(model, images(2, *shape))
    assert space.head_name == head_name
    batch = images(9, *shape, seed=1)
    found = space.extract(batch, batch_size=4, progress=False)
    assert found.features.shape == (9, space.n_features)
    assert found.logits.shape == (9, space.n_classes)
    double = next(model.parameters()).dtype == torch.float64
    assert found.features.dtype == (np.float64 if double else np.float32)
    expected = true_logits(model, batch.to(next(model.parameters()).dtype))
    if isinstance(expected, dict):
        expected = expected["logits"]
    if "softmax" in name:
        expected = expected if name == "log-softmax" else expected.log()
        found_logits = torch.from_numpy(found.logits).log_softmax(1).numpy()
    else:
        found_logits = found.logits
    slack = 0.05 if name in ("half", "bfloat16") else 1e-4
    assert np.allclose(found_logits, expected.double().numpy(), rtol=slack, atol=slack)
    assert np.array_equal(found.predictions, found.logits.argmax(1))


@pytest.mark.parametrize("change", [lambda y: y, torch.sigmoid, lambda y: y[:, 0]])
def test_one_logit_becomes_two_classes(change):
    model = Wrapped(mlp(8, 4, 1), change)
    space = FeatureSpace.from_torch(model, images(3, 8))
    assert space.n_classes == 2
    found = space.extract(images(20, 8, seed=2), progress=False)
    logit = true_logits(model.model, images(20, 8, seed=2)).numpy()
    assert np.allclose(found.logits, np.hstack([np.zeros_like(logit), logit]), atol=1e-6)
    assert np.array_equal(found.predictions, logit[:, 0] > 0)


def test_tokens_stay_integers():
    model = TokenClassifier()
    tokens = torch.randint(20, (7, 5), generator=torch.Generator().manual_seed(0))
    space = FeatureSpace.from_torch(model, tokens)
    assert space.head_name == "head"
    assert len(space.extract(tokens, progress=False)) == 7


def test_a_layer_that_runs_twice_counts_by_its_last_call():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            return self.layer(torch.relu(self.layer(x)))

    model = Twice()
    space = FeatureSpace.from_torch(model, images(3, 4))
    found = space.extract(images(5, 4, seed=1), progress=False)
    expected = true_logits(model, images(5, 4, seed=1)).numpy()
    assert np.allclose(found.logits, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Linear(8, 4), nn.ReLU()), r"0: Linear, 8 -> 4; its output differs.*"),
        (Wrapped(mlp(8, 4, 3), lambda y: 2 * y), r"model\.2: Linear, 4 -> 3; .*differs"),
        (Wrapped(mlp(8, 4, 3), lambda y: y[:, :2]), r"model\.2: Linear, 4 -> 3; .*another shape"),
        (nn.Sequential(nn.Flatten(), nn.Identity()), "No Linear or convolution layer ran"),
    ],
)
def test_failure_lists_the_candidates(model, message):
    with pytest.raises(ValueError, match="(?s)no layer's output is the model's output.*" + message):
        FeatureSpace.from_torch(model, images(2, 8))


def test_head_can_be_named():
    model = Wrapped(mlp(8, 4, 3), lambda y: 2 * y)
    for head in ("model.2", model.model[2]):
        space = FeatureSpace.from_torch(model, images(2, 8), head=head)
        assert space.head_name == "model.2"
        assert space.extract(images(3, 8), progress=False).features.shape == (3, 4)
    early = FeatureSpace.from_torch(model, images(2, 8), head="model.0")
    assert early.n_features == 8
    with pytest.raises(
        ValueError, match=r"head must be one of .*'model\.0', 'model\.2'.*'nothing'"
    ):
        FeatureSpace.from_torch(model, images(2, 8), head="nothing")
    with pytest.raises(ValueError, match="head must be a Linear or convolution layer"):
        FeatureSpace.from_torch(model, images(2, 8), head="model.1")
    convolution = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten())
    with pytest.raises(ValueError, match=r"head '0' cannot be used: .*convolution over space"):
        FeatureSpace.from_torch(convolution, images(1, 3, 8, 8), head="0")


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(
        nn.Linear(8, 6), nn.BatchNorm1d(6), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(6, 3)
    )
    model.train()
    model[1].eval()
    model[0].weight.grad = torch.ones_like(model[0].weight)
    model[4].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    batch = images(10, 8)
    kept = batch.clone()
    state = torch.get_rng_state()
    space = FeatureSpace.from_torch(model, batch)
    space.extract(batch, progress=False)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(batch, kept)
    assert [m.training for m in model] == [True, False, True, True, True]
    assert model.training
    assert torch.equal(model[0].weight.grad, torch.ones_like(model[0].weight))
    assert [p.requires_grad for p in model.parameters()] == [True, True, True, True, False, True]
    for name, value in model.state_dict().items():
        assert torch.equal(before[name], value)
    assert all(len(m._forward_hooks) == 0 for m in model.modules())


def test_the_model_is_left_as_it_was_after_an_error():
    model = mlp(8, 6, 3).train()
    space = FeatureSpace.from_torch(model, images(2, 8))
    with pytest.raises(RuntimeError):
        space.extract(images(2, 9), progress=False)
    with pytest.raises(RuntimeError):
        FeatureSpace.from_torch(model, images(2, 9))
    assert all(m.training and not m._forward_hooks for m in model.modules())
    assert torch.is_grad_enabled()


def test_every_source_of_images_gives_the_same():
    model = mlp(8, 6, 3)
    batch, labels = images(23, 8), torch.arange(23) % 3
    space = FeatureSpace.from_torch(model, batch[:1])
    expected = space.extract(batch, labels=labels, progress=False)
    dataset = TensorDataset(batch, labels)
    read_only = batch.numpy().copy()
    read_only.flags.writeable = False
    sources = [
        space.extract(DataLoader(dataset, batch_size=5), progress=False),
        space.extract([(batch[:20], labels[:20]), (batch[20:], labels[20:])], progress=False),
        space.extract(((b, y) for b, y in [(batch, labels.tolist())]), progress=False),
        space.extract(read_only, labels=labels.numpy(), batch_size=7, progress=False),
    ]
    for found in sources:
        assert np.allclose(found.features, expected.features, atol=1e-6)
        assert np.array_equal(found.labels, labels.numpy())
    assert space.extract(DataLoader(batch, batch_size=9), progress=False).labels is None


def test_bytes_become_floats_without_rescaling():
    model = mlp(8, 6, 3)
    space = FeatureSpace.from_torch(model, images(1, 8))
    pixels = torch.arange(16, dtype=torch.uint8).reshape(2, 8)
    found = space.extract(pixels, progress=False)
    assert np.allclose(found.features, space.extract(pixels.float(), progress=False).features)


def test_misuse_is_named():
    model = mlp(8, 6, 3)
    space = FeatureSpace.from_torch(model, images(1, 8))
    cases = [
        (TypeError, "model must be a torch", lambda: FeatureSpace.from_torch("m", images(1, 8))),
        (TypeError, "example_input must", lambda: FeatureSpace.from_torch(model, "x")),
        (ValueError, "example_input must have", lambda: FeatureSpace.from_torch(model, images(8))),
        (ValueError, "images must not be empty", lambda: space.extract([], progress=False)),
        (ValueError, "images must not be empty", lambda: space.extract(images(0, 8))),
        (TypeError, "images must .*type str", lambda: space.extract(["x"], progress=False)),
        (ValueError, "batch_size must", lambda: space.extract(images(2, 8), batch_size=0)),
        (ValueError, r"labels must have shape \(2,\)",
         lambda: space.extract(images(2, 8), labels=[1], progress=False)),
        (ValueError, "labels must be between 0 and 2",
         lambda: space.extract(images(2, 8), labels=[1, 3], progress=False)),
        (ValueError, "labels must come with the batches",
         lambda: space.extract([images(2, 8)], labels=[1, 2], progress=False)),
        (ValueError, "labels of batch 0",
         lambda: space.extract([(images(2, 8), [1])], progress=False)),
        (ValueError, "labels with every batch or with none",
         lambda: space.extract([(images(2, 8), [1, 1]), images(2, 8)], progress=False)),
        (ValueError, "batch 1 gives features that are not finite",
         lambda: space.extract([images(2, 8), images(2, 8) * torch.nan], progress=False)),
        (TypeError, "model must return a tensor",
         lambda: FeatureSpace.from_torch(Wrapped(model, lambda _: None), images(1, 8))),
    ]  # fmt: skip
    for error, message, action in cases:
        with pytest.raises(error, match=message):
            action()


def test_progress_is_shown_when_asked(capsys):
    space = FeatureSpace.from_torch(mlp(8, 6, 3), images(1, 8))
    space.extract(images(10, 8), progress=False)
    assert capsys.readouterr().err == ""
    space.extract(images(10, 8), progress=True)
    assert "features" in capsys.readouterr().err


def test_repr_says_what_there_is():
    space = FeatureSpace.from_torch(mlp(8, 6, 3), images(1, 8))
    assert repr(space) == "FeatureSpace(Sequential, head='2', n_features=6, n_classes=3)"


def test_real_resnet20_gives_the_stored_features():
    normalize = normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    space = FeatureSpace.from_torch(resnet20(), torch.zeros(1, 3, 32, 32), preprocess=normalize)
    file = data_file("cifar10_resnet20/images.npz")
    pixels = load_images(file, part="test")
    found = space.extract(pixels.images[::4], labels=pixels.labels[::4], progress=False)
    with np.load(file) as arrays:
        index = arrays["test_index"][::4]
    with np.load(data_file("cifar10_resnet20/features.npz")) as arrays:
        stored, weight = arrays["test_features"][index], arrays["weight"]
    assert space.head_name == "linear"
    assert np.array_equal(space.head.weight, weight)
    assert np.abs(found.features - stored).max() < 1e-4
    assert 0.77 < found.accuracy < 0.85


class TwoHeads(nn.Module):
    def __init__(self, change=lambda a, b: (a, b)):
        super().__init__()
        self.body = mlp(8, 6, 6)
        self.first, self.second = nn.Linear(6, 3), nn.Linear(6, 4)
        self.change = change

    def forward(self, x):
        hidden = self.body(x).relu()
        return self.change(self.first(hidden), self.second(hidden))


@pytest.mark.parametrize(
    "change", [lambda a, b: (a, b), lambda a, b: {"first": a, "second": b}, lambda a, b: [b, a]]
)
def test_two_heads_are_listed_and_one_is_named(change):
    model = TwoHeads(change)
    message = r"(?s)several heads.*head=.*first: Linear, 6 -> 3; it gives .*second: Linear, 6 -> 4"
    with pytest.raises(ValueError, match=message):
        FeatureSpace.from_torch(model, images(2, 8))
    for head, n_classes in (("first", 3), ("second", 4)):
        space = FeatureSpace.from_torch(model, images(2, 8), head=head)
        assert (space.head_name, space.n_classes) == (head, n_classes)


def test_of_several_outputs_the_logits_count():
    model = TwoHeads(lambda a, b: {"logits": b, "auxiliary": a})
    assert FeatureSpace.from_torch(model, images(2, 8)).head_name == "second"
    model = TwoHeads(lambda a, b: (a, b.relu()))  # the second output is no head's
    assert FeatureSpace.from_torch(model, images(2, 8)).head_name == "first"


def test_neither_of_two_heads_that_are_averaged():
    model = TwoHeads(lambda a, b: (a + b[:, :3]) / 2)
    message = r"(?s)no layer's output.*head=.*first: .*differs.*second: .*another shape"
    with pytest.raises(ValueError, match=message):
        FeatureSpace.from_torch(model, images(2, 8))


def test_prefixes_of_wrappers_may_be_left_out():
    inner = nn.Sequential()
    inner.add_module("body", mlp(8, 6, 4))
    inner.add_module("classifier", nn.Linear(4, 3))
    model = nn.DataParallel(inner)
    for head in ("classifier", "module.classifier", inner.classifier):
        space = FeatureSpace.from_torch(model, images(2, 8), head=head)
        assert space.head_name == "module.classifier"
        found = space.extract(images(3, 8), layers=["body.0"], progress=False)
        assert np.allclose(found.logits, inner(images(3, 8)).detach(), atol=1e-6)
        assert found.layers["body.0"].shape == (3, 6)


def test_compiled_models_are_those_within():
    inner = mlp(8, 6, 3)
    space = FeatureSpace.from_torch(torch.compile(inner, backend="eager"), images(2, 8), head="2")
    assert space.head_name == "_orig_mod.2"
    found = space.extract(images(3, 8), layers=["0"], progress=False)
    assert np.allclose(found.logits, inner(images(3, 8)).detach(), atol=1e-6)
    assert space.network((8,)).n_hidden == 6


def test_a_head_called_by_keyword_is_found():
    space = FeatureSpace.from_torch(ByKeyword(), images(2, 8))
    assert space.head_name == "last"
    assert space.network((8,)).n_hidden == 6


def test_models_of_transformers():
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    vit = transformers.ViTForImageClassification(
        transformers.ViTConfig(
            hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
            image_size=8, patch_size=4, num_labels=5,
        )
    )  # fmt: skip
    resnet = transformers.ResNetForImageClassification(
        transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=4
        )
    )
    for model, size, head, layer in (
        (vit, 8, "classifier", "vit.layernorm"),
        (resnet, 16, "classifier.1", "resnet.encoder"),
    ):
        space = FeatureSpace.from_torch(model, images(1, 3, size, size))
        batch = images(3, 3, size, size, seed=1)
        found = space.extract(batch, layers=[layer], progress=False)
        assert space.head_name == head
        assert np.allclose(found.logits, true_logits(model, batch), atol=1e-5)
        assert len(found.layers[layer]) == 3
        pixels = batch.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(space.features(pixels).square().sum(), pixels)
        assert (gradient.flatten(1).norm(dim=1) > 0).all()
    assert np.allclose(space.network((3, 16, 16))(batch), found.logits, atol=1e-4)
