"""The features of ONNX models, by onnxruntime and by torch."""

import sys

import numpy as np
import pytest
import torch

from data import data_file
from hullspace import FeatureSet, FeatureSpace
from hullspace.features import load_images, normalization
from models import images

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT


def rand(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs.split(), [output], name=f"{kind}:{output}", **attributes)


def model_of(nodes, shape, constants, outputs=("y",), kind=FLOAT):
    """Make a model with input x."""
    x = helper.make_tensor_value_info("x", kind, shape)
    ends = [helper.make_tensor_value_info(name, kind, None) for name in outputs]
    tensors = [onnx.numpy_helper.from_array(v, k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, "g", [x], ends, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def run(model, x, k=0):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[k]


BODY = [node("MatMul", "x w", "h"), node("Relu", "h", "z")]
W, V, B = rand(8, 6), rand(6, 3, seed=1), rand(3, seed=2)
IMAGE = ["n", 4, 5, 5]
K1, K3, K5 = rand(6, 4, 1, 1), rand(6, 4, 3, 3), rand(6, 4, 5, 5)
POOL = [node("Conv", "x w", "h"), node("Relu", "h", "z")]
SMALL = V.T.reshape(3, 6, 1, 1).copy()

HEADS = {
    "Gemm": ([*BODY, node("Gemm", "z v b", "y")], {"v": V, "b": B}),
    "Gemm without bias": ([*BODY, node("Gemm", "z v", "y")], {"v": V}),
    "Gemm of the transpose": (
        [*BODY, node("Gemm", "z v b", "y", transB=1, alpha=2.0, beta=0.5)],
        {"v": V.T.copy(), "b": B},
    ),
    "Gemm with one bias": ([*BODY, node("Gemm", "z v b", "y")], {"v": V, "b": B[:1]}),
    "MatMul": ([*BODY, node("MatMul", "z v", "y")], {"v": V}),
    "Add": ([*BODY, node("MatMul", "z v", "p"), node("Add", "p b", "y")], {"v": V, "b": B}),
    "Add before": ([*BODY, node("MatMul", "z v", "p"), node("Add", "b p", "y")], {"v": V, "b": B}),
    "Softmax": ([*BODY, node("Gemm", "z v", "l"), node("Softmax", "l", "y", axis=1)], {"v": V}),
    "LogSoftmax": (
        [*BODY, node("Gemm", "z v", "l"), node("LogSoftmax", "l", "y", axis=1)], {"v": V},
    ),
    "Sigmoid": ([*BODY, node("Gemm", "z v", "l"), node("Sigmoid", "l", "y")], {"v": V[:, :1]}),
    "constants by nodes": (
        [
            node("Constant", "", "c", value=onnx.numpy_helper.from_array(V.T.copy())),
            node("Transpose", "c", "v", perm=[1, 0]), *BODY, node("MatMul", "z v", "p"),
            node("Identity", "p", "y"),
        ],
        {},
    ),
    "reshaped": (
        [*BODY, node("Unsqueeze", "z one", "u"), node("MatMul", "u v", "p"),
         node("Squeeze", "p one", "y")],
        {"v": V, "one": np.array([1])},
    ),
    "1x1 convolution, then pooling": (
        [*POOL, node("Conv", "z v b", "c"), node("GlobalAveragePool", "c", "p"),
         node("Flatten", "p", "y")],
        {"w": K3, "v": SMALL, "b": B},
    ),
    "1x1 convolution, then a mean": (
        [*POOL, node("Conv", "z v", "c"), node("ReduceMean", "c", "y", axes=[2, 3], keepdims=0)],
        {"w": K3, "v": SMALL},
    ),
    "1x1 convolution after pooling": (
        [*POOL, node("GlobalAveragePool", "z", "p"), node("Conv", "p v b", "c"),
         node("Reshape", "c two", "y")],
        {"w": K3, "v": SMALL, "b": B, "two": np.array([0, -1])},
    ),
    "whole convolution": (
        [*POOL, node("Conv", "z v b", "c"), node("Flatten", "c", "y")],
        {"w": K3, "v": rand(3, 6, 3, 3), "b": B},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADS)
def test_heads_are_read_from_the_graph(name):
    nodes, constants = HEADS[name]
    is_image = "onvolution" in name
    shape = IMAGE if is_image else ["n", 8]
    model = model_of(nodes, shape, {"w": W, **constants})
    batch = rand(7, *shape[1:], seed=3)
    space = FeatureSpace.from_onnx(model)
    found = space.extract(batch, batch_size=3, progress=False)
    expected = run(model, batch).reshape(7, -1)
    logits = torch.from_numpy(found.logits)
    if name in {"Softmax", "LogSoftmax"}:
        logits = logits.softmax(1) if name == "Softmax" else logits.log_softmax(1)
    if name == "Sigmoid":
        assert space.n_classes == 2
        logits = logits[:, 1:].sigmoid()
    assert np.allclose(logits, expected, atol=1e-5)
    assert found.features.dtype == np.float32
    pixels = torch.tensor(batch, requires_grad=True)
    features = space.features(pixels)
    assert features.dtype == torch.float32
    assert np.allclose(features.detach(), found.features, atol=1e-5)
    (gradient,) = torch.autograd.grad(space.logits(features).sum(), pixels)
    assert gradient.abs().sum() > 0
    network = space.network(shape[1:])
    assert np.allclose(network(batch), found.logits, atol=1e-5)
    assert network.n_outputs == space.n_classes


def test_real_resnet20():
    normalize = normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    file = data_file("cifar10_resnet20/images.npz")
    space = FeatureSpace.from_onnx(
        data_file("cifar10_resnet20/resnet20.onnx"), preprocess=normalize
    )
    assert repr(space) == (
        "FeatureSpace(ModelProto, head='/linear/Gemm', n_features=64, n_classes=10)"
    )
    found = space.extract(file, part="test", layers=["/linear/Gemm"], progress=False)
    with np.load(file) as arrays:
        index = arrays["test_index"]
    with np.load(data_file("cifar10_resnet20/features.npz")) as arrays:
        stored = arrays["test_features"][index]
    assert np.abs(found.features - stored).max() < 1e-4
    assert np.allclose(found.layers["/linear/Gemm"], found.logits, atol=1e-4)
    assert 0.80 < found.accuracy < 0.82
    pixels = load_images(file, part="test").images[:3]
    assert np.allclose(space.network((3, 32, 32))(pixels), found.logits[:3], atol=1e-3)
    tensor = torch.tensor(pixels, dtype=torch.float64, requires_grad=True)
    features = space.features(tensor)
    assert np.allclose(features.detach(), stored[:3], atol=1e-4)
    (gradient,) = torch.autograd.grad(space.logits(features)[:, 0].sum(), tensor)
    assert gradient.dtype == torch.float64
    assert (gradient.flatten(1).norm(dim=1) > 0).all()


def test_real_model_of_one_image_at_a_time():
    space = FeatureSpace.from_onnx(data_file("mnist/mnist-net_256x2.onnx"))
    assert (space.n_features, space.n_classes, space.head_name) == (256, 10, "12")
    found = space.extract(data_file("mnist/images.npz"), part="test", progress=False)
    assert found.accuracy > 0.97
    pixels = load_images(data_file("mnist/images.npz"), part="test").images[:5]
    for shape in ((1, 28, 28), (784, 1), (784,)):
        one = pixels.reshape(5, *shape)
        again = space.extract(one, progress=False)
        assert np.array_equal(again.features, found.features[:5])
        assert np.allclose(space.features(torch.tensor(one)), found.features[:5], atol=1e-5)
        assert np.allclose(space.network(shape)(one), found.logits[:5], atol=1e-5)


@pytest.mark.parametrize("size", [1, 3, 7, 9])
def test_batches_of_a_fixed_size_are_filled(size):
    nodes, constants = HEADS["Gemm"]
    fixed = FeatureSpace.from_onnx(model_of(nodes, [size, 8], {"w": W, **constants}))
    free = FeatureSpace.from_onnx(model_of(nodes, ["n", 8], {"w": W, **constants}))
    batch = rand(7, 8, seed=3)
    expected = free.extract(batch, progress=False).features
    found = fixed.extract(batch, batch_size=5, progress=False).features
    assert np.allclose(found, expected, atol=1e-6)
    assert np.allclose(fixed.features(torch.tensor(batch)), expected, atol=1e-5)
    assert fixed.network((8,)).n_hidden == 6


def test_two_heads_are_listed_and_one_is_named():
    nodes = [*BODY, node("Gemm", "z v", "a"), node("Gemm", "z u", "b")]
    constants = {"w": W, "v": V, "u": V[:, :2].copy()}
    model = model_of(nodes, ["n", 8], constants, ("a", "b"))
    message = r"(?s)several heads; name one with head=.*Gemm:a: Gemm, 6 -> 3.*Gemm:b: Gemm, 6 -> 2"
    with pytest.raises(ValueError, match=message):
        FeatureSpace.from_onnx(model)
    for head, n_classes in (("Gemm:a", 3), ("a", 3), ("Gemm:b", 2), ("b", 2)):
        assert FeatureSpace.from_onnx(model, head=head).n_classes == n_classes
    nodes[-1] = node("Gemm", "z u", "logits")
    model = model_of(nodes, ["n", 8], constants, ("a", "logits"))
    assert FeatureSpace.from_onnx(model).head_name == "Gemm:logits"
    model = model_of(nodes, ["n", 8], constants, ("z", "a"))
    assert FeatureSpace.from_onnx(model).head_name == "Gemm:a"


def test_an_earlier_head_is_named():
    nodes = [*BODY, node("MatMul", "z v", "p"), node("Add", "p b", "l"), node("Mul", "l t", "y")]
    model = model_of(nodes, ["n", 8], {"w": W, "v": V, "b": B, "t": np.float32([2.0])})
    message = r"(?s)no affine node gives.*head=. Candidates:\n  MatMul:h: .*8 -> 6\n  Add:l: .*3$"
    with pytest.raises(ValueError, match=message):
        FeatureSpace.from_onnx(model)
    for head in ("Add:l", "l", "MatMul:p"):
        space = FeatureSpace.from_onnx(model, head=head)
        assert (space.head_name, space.n_features) == ("Add:l", 6)
        assert np.allclose(space.head.bias, B)
    assert FeatureSpace.from_onnx(model, head="MatMul:h").n_features == 8
    with pytest.raises(ValueError, match=r"head must be one of .*'MatMul:h', 'Add:l'.*'Mul:y'"):
        FeatureSpace.from_onnx(model, head="Mul:y")


@pytest.mark.parametrize(
    ("nodes", "constants", "message"),
    [
        ([node("Relu", "x", "y")], {}, "has no Gemm, MatMul or Conv of constant weights"),
        ([*POOL, node("Conv", "z v", "y")], {"w": K3, "v": rand(3, 6, 2, 2)},
         "'Conv:y' cannot be used: it is a convolution over space"),
        ([node("Conv", "x w", "y", strides=[2, 2])], {"w": K1}, "no affine node"),
        ([node("Conv", "x w", "y", group=2)], {"w": rand(4, 2, 1, 1)}, "no affine node"),
        ([node("Conv", "x w", "c"), node("GlobalAveragePool", "c", "y")], {"w": K3},
         "no affine node"),
        ([node("Conv", "x w", "c", pads=[1] * 4), node("Flatten", "c", "y")], {"w": K5},
         "no affine node"),
    ],
)  # fmt: skip
def test_graphs_without_a_head(nodes, constants, message):
    with pytest.raises(ValueError, match=message):
        FeatureSpace.from_onnx(model_of(nodes, IMAGE, constants))


def test_an_output_that_is_not_the_heads_is_told():
    constants = {"w": K3, "v": SMALL}
    nodes = [*POOL, node("Conv", "z v", "c")]
    nodes += [node("ReduceMean", "c", "y", axes=[1], keepdims=0)]  # not over space
    message = "output 'y' differs from that of 'Conv:c' by inf"
    with pytest.raises(ValueError, match=message):
        FeatureSpace.from_onnx(model_of(nodes, IMAGE, constants))
    assert FeatureSpace.from_onnx(model_of(nodes, IMAGE, constants), head="c").n_features == 6


def test_open_sizes_are_known_with_the_images():
    nodes, constants = HEADS["1x1 convolution, then pooling"]
    model = model_of(nodes, ["n", 4, "h", "w"], constants)
    space = FeatureSpace.from_onnx(model)
    for size in (5, 8):
        batch = rand(3, 4, size, size)
        found = space.extract(batch, progress=False)
        assert np.allclose(found.logits, run(model, batch), atol=1e-5)
        features = space.features(torch.tensor(batch))
        assert np.allclose(features, found.features, atol=1e-5)
        assert np.allclose(space.network((4, size, size))(batch), found.logits, atol=1e-5)
    nodes, constants = HEADS["whole convolution"]
    with pytest.raises(ValueError, match="depends on its size"):
        FeatureSpace.from_onnx(model_of(nodes, ["n", 4, "h", "w"], constants))


def test_heads_that_cannot_be():
    padded = model_of([node("Conv", "x w", "c", pads=[1] * 4), node("Flatten", "c", "y")], IMAGE,
                      {"w": K5})  # fmt: skip
    with pytest.raises(ValueError, match="head 'c' cannot be used: a strided, padded"):
        FeatureSpace.from_onnx(padded, head="c")
    tokens = model_of([node("MatMul", "x w", "y")], ["n", 5, 8], {"w": W})
    for head in (None, "y"):
        with pytest.raises(ValueError, match=r"several vectors an image, input \(1, 5, 8\)"):
            FeatureSpace.from_onnx(tokens, head=head)


def test_layers_are_nodes_or_tensors(tmp_path):
    nodes, constants = HEADS["1x1 convolution, then pooling"]
    model = model_of(nodes, IMAGE, constants)
    space = FeatureSpace.from_onnx(model)
    batch = rand(5, 4, 5, 5)
    options = {"layers": ["Conv:h", "z", "Conv:c"], "batch_size": 2, "progress": False}
    found = space.extract(batch, labels=[0, 1, 2, 0, 1], **options)
    assert {k: a.shape for k, a in found.layers.items()} == {
        "Conv:h": (5, 54), "z": (5, 54), "Conv:c": (5, 27),
    }  # fmt: skip
    assert np.array_equal(found.layers["z"], np.maximum(found.layers["Conv:h"], 0))
    pooled = space.extract(batch, pool="mean", out=tmp_path / "set", **options)
    assert np.allclose(pooled.layers["Conv:c"], found.logits, atol=1e-5)
    assert np.allclose(FeatureSet.load(tmp_path / "set").layers["z"], found.features, atol=1e-6)
    with pytest.raises(ValueError, match=r"names of the model's layers, got 'Conv:hh'.*'Conv:h'"):
        space.extract(batch, layers=["Conv:hh"], progress=False)
    with pytest.raises(ValueError, match="near to it"):
        space.extract(batch, layers=["x"], progress=False)
    assert [output.name for output in model.graph.output] == ["y"]


def test_what_is_not_piecewise_affine_has_features_but_no_gradients():
    nodes = [node("MatMul", "x w", "h"), node("Tanh", "h", "z"), node("Gemm", "z v", "y")]
    space = FeatureSpace.from_onnx(model_of(nodes, ["n", 8], {"w": W, "v": V}))
    batch = rand(4, 8)
    found = space.extract(batch, progress=False)
    assert np.allclose(found.features, np.tanh(batch @ W), atol=1e-5)
    for action in (lambda: space.features(torch.tensor(batch)), lambda: space.network((8,))):
        with pytest.raises(ValueError, match="Tanh is not piecewise affine"):
            action()


def test_double_precision_is_kept():
    nodes, _ = HEADS["Gemm"]
    constants = {k: v.astype(np.float64) for k, v in {"w": W, "v": V, "b": B}.items()}
    model = model_of(nodes, ["n", 8], constants, kind=onnx.TensorProto.DOUBLE)
    space = FeatureSpace.from_onnx(model)
    batch = rand(4, 8).astype(np.float64)
    found = space.extract(batch, progress=False)
    assert found.features.dtype == np.float64
    assert np.allclose(found.features, np.maximum(batch @ constants["w"], 0), rtol=1e-14)
    for dtype in (torch.float64, torch.float32):
        tensor = torch.tensor(batch, dtype=dtype)
        assert space.placement(tensor) == (torch.device("cpu"), torch.float64)
        assert space.features(tensor).dtype == torch.float64
    assert np.allclose(space.features(torch.tensor(batch)), found.features, rtol=1e-12)


def test_preprocessing_is_done_everywhere():
    nodes, constants = HEADS["Gemm"]
    model = model_of(nodes, ["n", 8], {"w": W, **constants})
    bare, space = (FeatureSpace.from_onnx(model, preprocess=p) for p in (None, lambda x: 2 * x - 1))
    batch = rand(4, 8)
    expected = bare.extract(2 * batch - 1, progress=False)
    assert np.allclose(space.extract(batch, progress=False).features, expected.features, atol=1e-5)
    assert np.allclose(space.features(torch.tensor(batch)), expected.features, atol=1e-5)
    assert np.allclose(space.network((8,))(batch), expected.logits, atol=1e-5)
    whole = np.arange(32, dtype=np.uint8).reshape(4, 8)
    doubled = bare.extract(2.0 * whole - 1, progress=False)
    assert np.allclose(space.extract(whole, progress=False).features, doubled.features, rtol=1e-5)


def test_integers_stay_integers():
    table = rand(5, 8, seed=4)
    nodes = [node("Gather", "t x", "e"), node("ReduceMean", "e", "m", axes=[1], keepdims=0)]
    nodes += [node("MatMul", "m w", "h"), node("Relu", "h", "z"), node("Gemm", "z v b", "y")]
    model = model_of(nodes, ["n", 3], {"t": table, "w": W, "v": V, "b": B})
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    space = FeatureSpace.from_onnx(model)
    tokens = np.array([[4, 0, 1], [2, 2, 3]])
    found = space.extract(tokens, progress=False)
    assert np.allclose(found.logits, run(model, tokens), atol=1e-5)
    with pytest.raises(ValueError, match="must be float16, float32 or float64"):
        space.network((3,))


def test_misuse_is_named(tmp_path):
    nodes, constants = HEADS["Gemm"]
    model = model_of(nodes, ["n", 8], {"w": W, **constants})
    space = FeatureSpace.from_onnx(model.SerializeToString())
    two = model_of(nodes, ["n", 8], {"w": W, **constants})
    two.graph.input.append(helper.make_tensor_value_info("x2", FLOAT, ["n", 8]))
    (tmp_path / "text.onnx").write_text("no model")
    unknown = model_of([*BODY[:1], node("Nothing", "h", "z"), nodes[-1]], ["n", 8],
                       {"w": W, **constants})  # fmt: skip
    cases = [
        (TypeError, "path must be a path, bytes", lambda: FeatureSpace.from_onnx(3)),
        (FileNotFoundError, "absent", lambda: FeatureSpace.from_onnx(tmp_path / "absent.onnx")),
        (ValueError, "not an ONNX model", lambda: FeatureSpace.from_onnx(tmp_path / "text.onnx")),
        (ValueError, "must have one input, got 'x', 'x2'", lambda: FeatureSpace.from_onnx(two)),
        (ValueError, "must have an axis for the batch",
         lambda: FeatureSpace.from_onnx(model_of(nodes, [8], {"w": W, **constants}))),
        (ValueError, r"images must have shape \(n, 8\), got \(2, 9\)",
         lambda: space.extract(rand(2, 9), progress=False)),
        (TypeError, "images must be a tensor", lambda: space.features(rand(2, 8))),
        (ValueError, r"images must have shape \(n, 8\), got \(1, 3, 2\)",
         lambda: space.features(images(2, 3, 2))),
        (ValueError, "onnxruntime cannot run the model",
         lambda: FeatureSpace.from_onnx(unknown).extract(rand(2, 8), progress=False)),
        (ValueError, "not finite", lambda: space.extract(rand(2, 8) * np.nan, progress=False)),
        (ValueError, "must not be empty", lambda: space.extract([], progress=False)),
    ]  # fmt: skip
    for error, message, action in cases:
        with pytest.raises(error, match=message):
            action()
    square = FeatureSpace.from_onnx(model_of(HEADS["whole convolution"][0], ["n", 4, 5, 5],
                                             HEADS["whole convolution"][1]))  # fmt: skip
    with pytest.raises(ValueError, match=r"onnxruntime cannot run images|images must have shape"):
        square.extract(rand(2, 5, 5, 4), progress=False)


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_missing_packages_are_named(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=rf"needs {missing}.*hullspace\[onnx\]"):
        FeatureSpace.from_onnx("model.onnx")


def test_torch_is_not_needed():
    import subprocess
    import textwrap

    nodes, constants = HEADS["Gemm"]
    script = f"""
        import sys
        sys.modules["torch"] = None
        import numpy as np
        from hullspace import FeatureSpace
        model = {model_of(nodes, ["n", 8], {"w": W, **constants}).SerializeToString()!r}
        space = FeatureSpace.from_onnx(model)
        batches = [(np.ones((2, 8)), [0, 1]), (np.zeros((1, 8)), [2])]
        print(space.extract(batches, progress=False))
        print(space.network((8,)))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert "FeatureSet(3 labelled images" in done.stdout
    assert "n_hidden=6" in done.stdout
