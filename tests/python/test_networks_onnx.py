"""Import of ONNX models, against onnxruntime."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from data import data_file
from hullspace import FeatureSpace, ReluNetwork, extras
from network_checks import assert_consistent

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
helper, FLOAT, DOUBLE = onnx.helper, onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE


def rand(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def ints(*values):
    return np.array(values, dtype=np.int64)


def model_of(nodes, shape, constants=None, *, opset=13, kind=FLOAT, output="y", entry=None):
    """Make a model with input x and output y."""
    inputs = [helper.make_tensor_value_info("x", kind if entry is None else entry, shape)]
    outputs = [helper.make_tensor_value_info(output, kind, None)]
    tensors = [onnx.numpy_helper.from_array(v, k) for k, v in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(kind, *inputs, **attributes):
    output = attributes.pop("output", "y")
    name = "it" if output == "y" else output
    return helper.make_node(kind, ["x", *inputs], [output], name=name, **attributes)


def run(model, x):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


def assert_imported(model, shape, n_hidden=None):
    """Import a model and compare, input by input."""
    network = ReluNetwork.from_onnx(model)
    x = rand(6, *network.input_shape, seed=1)
    for one, ours in zip(x, network(x), strict=True):
        theirs = run(model, one.reshape(shape)).ravel()
        assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert_consistent(network, x)
    assert n_hidden is None or network.n_hidden == n_hidden
    return network


W34, IMAGE = rand(3, 4), [1, 2, 6, 7]

OPERATORS = {
    "Gemm": (node("Gemm", "w", "b"), [1, 3], {"w": W34, "b": rand(4)}, 0),
    "Gemm scaled": (
        node("Gemm", "w", "b", alpha=2.0, beta=0.5, transB=1),
        [1, 4],
        {"w": W34, "b": rand(1, 3)},
        0,
    ),
    "Gemm of the transposed": (node("Gemm", "w", transA=1), [3, 2], {"w": W34}, 0),
    "MatMul": (node("MatMul", "w"), [1, 3], {"w": W34}, 0),
    "MatMul by vector": (node("MatMul", "w"), [1, 3], {"w": rand(3)}, 0),
    "MatMul of rows": (node("MatMul", "w"), [1, 5, 3], {"w": W34}, 0),
    "MatMul from a matrix": (node("MatMul", "w"), [3], {"w": W34}, 0),
    "Add": (node("Add", "c"), [1, 3, 2], {"c": rand(3, 1)}, 0),
    "Add wider": (node("Add", "c"), [1, 3, 1], {"c": rand(2, 3, 5)}, 0),
    "Sub": (node("Sub", "c"), [1, 3], {"c": rand(3)}, 0),
    "Mul": (node("Mul", "c"), [1, 3], {"c": rand(1)}, 0),
    "Div": (node("Div", "c"), [1, 3], {"c": rand(3)}, 0),
    "Neg": (node("Neg"), [1, 3], {}, 0),
    "Conv": (
        node("Conv", "w", "b", strides=[2, 1], pads=[1, 0, 2, 1], dilations=[1, 2], group=2),
        IMAGE,
        {"w": rand(4, 1, 3, 2), "b": rand(4)},
        0,
    ),
    "Conv same upper": (
        node("Conv", "w", auto_pad="SAME_UPPER", strides=[2, 2]),
        IMAGE,
        {"w": rand(3, 2, 3, 2)},
        0,
    ),
    "Conv same lower": (
        node("Conv", "w", auto_pad="SAME_LOWER"),
        IMAGE,
        {"w": rand(3, 2, 2, 4)},
        0,
    ),
    "Conv valid": (node("Conv", "w", auto_pad="VALID"), IMAGE, {"w": rand(3, 2, 2, 4)}, 0),
    "Conv over one axis": (node("Conv", "w", pads=[1, 1]), [1, 2, 6], {"w": rand(3, 2, 3)}, 0),
    "BatchNormalization": (
        node("BatchNormalization", "s", "b", "m", "v", epsilon=0.01),
        IMAGE,
        {"s": rand(2), "b": rand(2), "m": rand(2), "v": np.abs(rand(2))},
        0,
    ),
    "AveragePool": (node("AveragePool", kernel_shape=[3, 2], pads=[1, 1, 1, 0]), IMAGE, {}, 0),
    "AveragePool of padding": (
        node("AveragePool", kernel_shape=[2, 2], strides=[2, 2], pads=[1] * 4, count_include_pad=1),
        IMAGE,
        {},
        0,
    ),
    "GlobalAveragePool": (node("GlobalAveragePool"), IMAGE, {}, 0),
    "MaxPool": (node("MaxPool", kernel_shape=[2, 2], strides=[2, 2]), [1, 1, 4, 6], {}, 18),
    "MaxPool padded": (node("MaxPool", kernel_shape=[3, 3], pads=[1] * 4), IMAGE, {}, None),
    "MaxPool ceiling": (
        node("MaxPool", kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1),
        IMAGE,
        {},
        None,
    ),
    "GlobalMaxPool": (node("GlobalMaxPool"), [1, 2, 3, 3], {}, 16),
    "Flatten": (node("Flatten", axis=2), [1, 2, 3, 4], {}, 0),
    "Reshape": (node("Reshape", "s"), [1, 2, 3], {"s": ints(0, -1)}, 0),
    "Squeeze": (node("Squeeze", "a"), [1, 1, 3], {"a": ints(1)}, 0),
    "Unsqueeze": (node("Unsqueeze", "a"), [1, 3], {"a": ints(1, 3)}, 0),
    "Transpose": (node("Transpose", perm=[0, 2, 1]), [1, 2, 3], {}, 0),
    "Slice": (
        node("Slice", "a", "b", "c", "d"),
        [1, 2, 7],
        {"a": ints(-1, 1), "b": ints(-99, 2), "c": ints(2, 1), "d": ints(-2, 1)},
        0,
    ),
    "Pad": (node("Pad", "p", "v"), [1, 3], {"p": ints(0, 1, 0, 2), "v": rand(1)[0]}, 0),
    "Pad by reflection": (node("Pad", "p", mode="reflect"), [1, 3], {"p": ints(0, 1, 0, 2)}, 0),
    "Concat after constants": (
        helper.make_node("Concat", ["c", "x", "e", "c"], ["y"], axis=1),
        [1, 3],
        {"c": rand(1, 2), "e": rand(1, 0)},
        0,
    ),
    "Concat": (node("Concat", "c", "x", axis=1), [1, 3], {"c": rand(1, 2)}, 0),
    "Gather": (node("Gather", "i", axis=1), [1, 3], {"i": ints(2, 0, 2, -1)}, 0),
    "Split": (node("Split", "s", axis=1), [1, 3], {"s": ints(3)}, 0),
    "Expand": (node("Expand", "s"), [1, 3], {"s": ints(2, 1, 3)}, 0),
    "Relu": (node("Relu"), [1, 3], {}, 3),
    "LeakyRelu": (node("LeakyRelu", alpha=0.2), [1, 3], {}, 3),
    "PRelu": (node("PRelu", "s"), IMAGE, {"s": rand(2, 1, 1)}, 84),
    "PRelu of slope 1": (node("PRelu", "s"), [1, 3], {"s": np.float32([1, 0, 1])}, 1),
    "Clip": (node("Clip", "a", "b"), [1, 3], {"a": np.float32(-0.3), "b": np.float32(0.4)}, 6),
    "Clip below": (node("Clip", "a"), [1, 3], {"a": np.float32(-0.3)}, 3),
    "Clip above": (node("Clip", "", "b"), [1, 3], {"b": np.float32(-0.3)}, 3),
    "Abs": (node("Abs"), [1, 3], {}, 3),
    "Max": (node("Max", "c"), [1, 3], {"c": rand(3)}, 3),
    "Min": (node("Min", "c", "x"), [1, 3], {"c": rand(3)}, None),
    "ReduceMean": (node("ReduceMean", axes=[2, 3]), IMAGE, {}, 0),
    "ReduceSum": (node("ReduceSum", "a", keepdims=0), IMAGE, {"a": ints(1)}, 0),
    "ReduceMax": (node("ReduceMax", axes=[1]), IMAGE, {}, 42),
    "Identity": (node("Identity"), [1, 3], {}, 0),
    "Dropout": (node("Dropout"), [1, 3], {}, 0),
    "Sum": (node("Sum", "c", "x"), [1, 3], {"c": rand(3)}, 0),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_mean_what_onnxruntime_computes(name):
    one, shape, constants, n_hidden = OPERATORS[name]
    assert_imported(model_of([one], shape, constants), shape, n_hidden)


@pytest.mark.parametrize("name", ["Conv", "MaxPool padded", "BatchNormalization", "Gemm", "Concat"])
def test_operators_follow_others(name):
    """Behind a unit, and behind a sum that is no plain stage."""
    one, shape, constants, _ = OPERATORS[name]
    inputs = ["z" if k == "x" else k for k in one.input]
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Mul", ["x", "half"], ["h"]),
        helper.make_node("Add", ["r", "h"], ["z"]),
        helper.make_node(one.op_type, inputs, ["w2"]),
        helper.make_node("Relu", ["w2"], ["y"]),
    ]
    nodes[3].attribute.extend(one.attribute)
    assert_imported(model_of(nodes, shape, {**constants, "half": np.float32([0.5])}), shape)


def test_old_opsets_have_attributes_for_inputs():
    nodes = [
        node("Clip", output="a", min=-0.5, max=0.5),
        helper.make_node("Pad", ["a"], ["b"], pads=[0, 1, 0, 0], value=2.0),
        helper.make_node("Unsqueeze", ["b"], ["c"], axes=[1]),
        helper.make_node("Slice", ["c"], ["d"], axes=[2], starts=[0], ends=[3]),
        helper.make_node("Dropout", ["d"], ["y"], ratio=0.5),
    ]
    assert_imported(model_of(nodes, [1, 3], opset=9), [1, 3], 6)


def test_shapes_are_computed():
    """A flattening as torch writes it."""
    nodes = [
        node("Shape", output="s"),
        helper.make_node("Gather", ["s", "zero"], ["n"], axis=0),
        helper.make_node("Unsqueeze", ["n", "axis"], ["n1"]),
        helper.make_node("Concat", ["n1", "rest"], ["shape"], axis=0),
        node("Reshape", "shape"),
    ]
    constants = {"zero": np.array(0), "axis": ints(0), "rest": ints(-1)}
    model = model_of(nodes, ["n", 2, 3], constants)
    assert ReluNetwork.from_onnx(model).input_shape == (2, 3)


def test_double_precision_is_kept():
    weight = np.random.default_rng(0).standard_normal((2, 3))
    model = model_of([node("MatMul", "w")], [1, 2], {"w": weight}, kind=DOUBLE)
    x = np.array([[0.1, 0.2]])
    assert_allclose(ReluNetwork.from_onnx(model)(x), x @ weight, rtol=1e-15)


def test_what_onnxruntime_lacks_is_checked_by_the_reference():
    """It has no convolutions in double precision."""
    weight = np.random.default_rng(0).standard_normal((2, 1, 3, 3))
    model = model_of([node("Conv", "w", pads=[1] * 4)], [1, 1, 4, 4], {"w": weight}, kind=DOUBLE)
    network = ReluNetwork.from_onnx(model)
    assert network.n_outputs == 32
    assert_consistent(network, rand(2, 1, 4, 4))


def test_models_that_onnxruntime_refuses():
    model = model_of([node("Relu")], [1, 3])
    model.ir_version = 999
    with pytest.raises(RuntimeError, match="check=False imports it unchecked"):
        ReluNetwork.from_onnx(model)


@pytest.mark.parametrize(
    ("shape", "found"),
    [([1, 3], (3,)), (["n", 3], (3,)), ([3], (3,)), ([1], (1,)), ([4, 3], (4, 3)), ([1, 1], (1,))],
)
def test_the_batch_is_the_first_of_several_axes(shape, found):
    network = ReluNetwork.from_onnx(model_of([node("Relu")], shape))
    assert network.input_shape == found


def test_open_shapes_are_given():
    model = model_of([node("Relu")], ["n", 3, "width"])
    with pytest.raises(ValueError, match=r"'x' has no fixed shape: \(0, 3, 0\)"):
        ReluNetwork.from_onnx(model)
    assert ReluNetwork.from_onnx(model, input_shape=(3, 2)).n_hidden == 6
    with pytest.raises(ValueError, match="input_shape must fit"):
        ReluNetwork.from_onnx(model, input_shape=(4, 2))
    with pytest.raises(ValueError, match="no fixed shape"):
        ReluNetwork.from_onnx(model_of([node("Relu")], ["n"]))


def test_what_the_output_does_not_need_is_left_out():
    nodes = [
        node("Relu"),
        node("Sigmoid", output="unused"),
        node("Abs", output="unused too"),
    ]
    assert ReluNetwork.from_onnx(model_of(nodes, [1, 3])).n_hidden == 3


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (node("Sigmoid"), r"node 'it' \(Sigmoid\): Sigmoid is not piecewise affine"),
        (node("Tanh"), "Tanh is not piecewise affine"),
        (node("Softmax"), "Softmax is not piecewise affine.*logits"),
        (node("LogSoftmax"), "LogSoftmax is not piecewise affine.*logits"),
        (node("Exp"), "Exp is not piecewise affine"),
        (node("Floor"), "Floor is not piecewise affine"),
        (node("Mul", "x"), r"\(Mul\): the product of two values"),
        (node("MatMul", "x"), "the product of two values"),
        (node("Gemm", "x"), "the product of two values"),
        (node("Div", "x"), "a division by values"),
        (node("Div", "zero"), "a division by zero"),
        (node("Conv", "x"), "the kernels depend on the input"),
        (node("Cast", to=onnx.TensorProto.INT64), "not continuous"),
        (node("MaxPool", kernel_shape=[9, 9]), "does not fit"),
        (node("Add", "nothing"), "its input 'nothing' is not computed"),
        (node("Add", "nan"), "must be finite"),
        (helper.make_node("Relu", ["x"], ["y"], domain="my.domain"), "domain 'my.domain'"),
        (helper.make_node("RandomNormal", [], ["y"], shape=[1]), "random numbers"),
        (helper.make_node("Identity", ["zero"], ["y"]), "'y' does not depend on the input"),
        (helper.make_node("MaxPool", ["x"], ["y", "i"], kernel_shape=[1, 1]), "output 'i'"),
    ],
)
def test_what_is_not_piecewise_affine_is_refused(one, message):
    constants = {"zero": np.float32([0]), "nan": np.float32([np.nan])}
    model = model_of([one], [1, 1, 2, 2], constants)
    with pytest.raises(ValueError, match=message):
        ReluNetwork.from_onnx(model, check=False)


def test_models_that_are_none():
    with pytest.raises(TypeError, match="source must be a path"):
        ReluNetwork.from_onnx(3)
    with pytest.raises(ValueError, match="not an ONNX model"):
        ReluNetwork.from_onnx(b"no model")
    with pytest.raises(FileNotFoundError, match=r"no such file\.onnx"):
        ReluNetwork.from_onnx("no such file.onnx")
    with pytest.raises(ValueError, match="opset 7 or later, got 6"):
        ReluNetwork.from_onnx(model_of([node("Relu")], [1, 3], opset=6))
    with pytest.raises(ValueError, match="must be float16, float32 or float64"):
        ReluNetwork.from_onnx(model_of([node("Relu")], [1, 3], entry=onnx.TensorProto.INT64))
    two = model_of([node("Relu")], [1, 3])
    two.graph.output.append(helper.make_tensor_value_info("z", FLOAT, None))
    with pytest.raises(ValueError, match="must have one output, got 'y', 'z'"):
        ReluNetwork.from_onnx(two)


def test_paths_and_bytes(tmp_path):
    model = model_of([node("Relu")], [1, 3])
    onnx.save(model, tmp_path / "model.onnx")
    for source in (
        tmp_path / "model.onnx",
        str(tmp_path / "model.onnx"),
        model.SerializeToString(),
    ):
        assert ReluNetwork.from_onnx(source).n_hidden == 3


def test_weights_outside_of_the_file(tmp_path):
    model = model_of([node("MatMul", "w")], [1, 40], {"w": rand(40, 40)})
    path = tmp_path / "model.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    assert (tmp_path / "weights").exists()
    assert ReluNetwork.from_onnx(path).n_outputs == 40


@pytest.mark.parametrize("content", [b"", b"no model"])
@pytest.mark.parametrize("read", [ReluNetwork.from_onnx, FeatureSpace.from_onnx])
def test_files_that_are_no_models_are_named(tmp_path, read, content):
    (tmp_path / "other.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"(source|path) '.*other\.onnx' is not an ONNX model"):
        read(tmp_path / "other.onnx")


def test_weights_in_another_file(tmp_path):
    weights = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    model = model_of([node("MatMul", "w")], [1, 3], {"w": weights})
    options = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0}
    onnx.save_model(model, tmp_path / "model.onnx", **options)
    network = ReluNetwork.from_onnx(tmp_path / "model.onnx")
    np.testing.assert_array_equal(network(np.eye(3)), weights)
    without = (tmp_path / "model.onnx").read_bytes()
    with pytest.raises(ValueError, match=r"'w' in another file; pass the model's path"):
        ReluNetwork.from_onnx(without)


def test_disagreement_is_an_error(monkeypatch):
    from hullspace.networks import onnx_operations

    monkeypatch.setitem(onnx_operations.OPERATIONS, "Relu", lambda inputs, _: inputs[0].leaky(0.01))
    model = model_of([node("Relu")], [1, 3])
    with pytest.raises(RuntimeError, match=r"differs from onnxruntime's result by up to 0\.\d+"):
        ReluNetwork.from_onnx(model)
    ReluNetwork.from_onnx(model, check=False)


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_missing_packages_are_named(monkeypatch, missing):
    original = extras.importlib.import_module

    def without(name, *rest):
        if name == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return original(name, *rest)

    model = model_of([node("Relu")], [1, 3])
    monkeypatch.setattr(extras.importlib, "import_module", without)
    with pytest.raises(ImportError, match=rf"needs {missing}.*pip install 'hullspace\[onnx\]'"):
        ReluNetwork.from_onnx(model)
    if missing == "onnxruntime":
        assert ReluNetwork.from_onnx(model, check=False).n_hidden == 3


@pytest.mark.parametrize(
    ("name", "input_shape", "n_hidden", "n_outputs", "n_stages"),
    [
        ("acasxu/ACASXU_run2a_1_1_batch_2000.onnx", (1, 1, 5), 300, 5, 7),
        ("acasxu/ACASXU_run2a_3_3_batch_2000.onnx", (1, 1, 5), 300, 5, 7),
        ("acasxu/test_nano.onnx", (1,), 1, 1, 2),
        ("acasxu/test_tiny.onnx", (1,), 1, 1, 2),
        ("acasxu/test_small.onnx", (1,), 4, 1, 3),
        ("mnist/mnist-net_256x2.onnx", (784, 1), 512, 10, 3),
        ("cifar10_resnet20/resnet20.onnx", (3, 32, 32), 188_416, 10, 21),
    ],
)
def test_real_models(name, input_shape, n_hidden, n_outputs, n_stages):
    network = ReluNetwork.from_onnx(data_file(name))
    assert network.input_shape == input_shape
    assert (network.n_hidden, network.n_outputs) == (n_hidden, n_outputs)
    assert len(network.stages) == n_stages
    if n_hidden < 1000:
        assert_consistent(network, rand(3, *input_shape))
