"""Networks made from arrays and from stages, and the operators of their stages."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from hullspace import ReluNetwork
from hullspace.networks import Convolution, Dense, Sparse, Stage, Term, identity, pack, unpack
from network_cases import random_network
from network_checks import assert_consistent, assert_operator


def by_hand(weights, biases, x):
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        x = np.maximum(x @ np.transpose(weight) + bias, 0.0)
    return x @ np.transpose(weights[-1]) + biases[-1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 12), min_size=2, max_size=5))
def test_layers_are_evaluated_in_order(seed, widths):
    rng = np.random.default_rng(seed)
    network = random_network(rng, *widths)
    x = rng.standard_normal((5, widths[0]))
    weights = [stage.terms[0].operator.matrix for stage in network.stages]
    biases = [stage.bias for stage in network.stages]
    assert_allclose(network(x), by_hand(weights, biases, x), rtol=1e-12, atol=1e-12)
    assert network.n_hidden == sum(widths[1:-1])
    assert network.input_shape == (widths[0],)
    assert_consistent(network, x)


def test_one_layer_is_affine():
    network = ReluNetwork.from_arrays([[[2.0, 1.0]]], [[3.0]])
    assert repr(network) == "ReluNetwork(input_shape=(2,), n_hidden=0, n_outputs=1)"
    assert network([[1.0, 1.0], [0.0, 0.0]]).tolist() == [[6.0], [3.0]]
    assert network.pattern([[1.0, 1.0]]).shape == (1, 0)
    assert network(np.zeros((0, 2))).shape == (0, 1)


def test_integers_and_single_precision_are_kept_exactly():
    weight = np.float32([[0.1]])
    network = ReluNetwork.from_arrays([weight, [[1]]], [[0], np.array([True])])
    assert network([[1.0]])[0, 0] == 1.0 + np.float64(weight[0, 0])


def test_arrays_are_copied():
    weight, bias = np.ones((1, 1)), np.zeros(1)
    network = ReluNetwork.from_arrays([weight], [bias])
    weight[:], bias[:] = 7.0, 7.0
    assert network([[1.0]]).tolist() == [[1.0]]


def test_a_bit_is_zero_where_its_input_is():
    network = ReluNetwork.from_arrays([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    assert network.bits([[0.0], [1e-300], [-1e-300]]).tolist() == [[False], [True], [False]]


@pytest.mark.parametrize(
    ("weights", "biases", "error", "message"),
    [
        ([], [], ValueError, "at least one"),
        ([[[1.0]]], [], ValueError, "got 1 and 0"),
        ([[1.0]], [[1.0]], ValueError, r"weights\[0\] must be two-dimensional"),
        ([[[1.0]]], [[1.0, 2.0]], ValueError, r"biases\[0\] must have shape \(1,\)"),
        ([[[1.0]], [[1.0, 2.0]]], [[0.0], [0.0]], ValueError, r"weights\[1\] must have 1 columns"),
        ([[[np.nan]]], [[0.0]], ValueError, r"weights\[0\] must be finite"),
        ([[[1.0]]], [[np.inf]], ValueError, r"biases\[0\] must be finite"),
        ([[["a"]]], [[0.0]], TypeError, r"weights\[0\] must hold real numbers"),
        ([[[1j]]], [[0.0]], TypeError, r"weights\[0\] must hold real numbers"),
        ([[[1.0]]], [["a"]], TypeError, r"biases\[0\] must hold real numbers"),
        ([np.zeros((0, 2))], [[]], ValueError, r"weights\[0\] must have at least one row"),
        ([np.zeros((2, 0))], [[0, 0]], ValueError, r"weights\[0\] must have at least one row"),
    ],
)
def test_bad_arrays_are_named(weights, biases, error, message):
    with pytest.raises(error, match=message):
        ReluNetwork.from_arrays(weights, biases)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ([1.0, 2.0], ValueError, "inputs must have shape"),
        ([[1.0]], ValueError, r"inputs must have shape \(n, 2\), got \(1, 1\)"),
        ([[np.nan, 0.0]], ValueError, "inputs must be finite"),
        ([["a", "b"]], TypeError, "inputs must hold real numbers"),
        (1.0, ValueError, "inputs must have shape"),
    ],
)
def test_bad_inputs_are_named(inputs, error, message):
    network = ReluNetwork.from_arrays([[[2.0, 1.0]]], [[3.0]])
    with pytest.raises(error, match=message):
        network(inputs)


def stage(terms, n, slope=1.0):
    return Stage(tuple(terms), np.zeros(n), np.full(n, slope))


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([], "stages must hold"),
        ([stage([Term(1, identity(2))], 2)], "must take earlier stages, got 1"),
        ([stage([Term(-1, identity(2))], 2)], "must take earlier stages, got -1"),
        ([stage([Term(0, identity(3))], 2)], r"operators of shape \(2, 2\), got \(3, 3\)"),
        ([stage([Term(0, identity(2))], 2, 0.0)], "last stage must have units, all of them linear"),
        ([stage([], 0)], "last stage must have units"),
        ([stage([Term(0, Dense(np.full((2, 2), np.nan)))], 2)], "operator on source 0 must be fin"),
        ([stage([Term(0, identity(2))], 2, np.inf)], r"stages\[0\].slopes must be finite"),
        ([Stage((), np.zeros(2), np.ones(3))], "vectors of one length"),
        ([Stage((), np.array([np.inf]), np.ones(1))], r"stages\[0\].bias must be finite"),
    ],
)
def test_stages_must_fit(stages, message):
    with pytest.raises(ValueError, match=message):
        ReluNetwork(stages, (2,))


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (-1, -2)])
def test_input_shape_must_be_positive(shape):
    with pytest.raises(ValueError, match="input_shape must hold positive sizes"):
        ReluNetwork([Stage((), np.zeros(1), np.ones(1))], shape)


def test_a_network_may_ignore_its_input():
    network = ReluNetwork([Stage((), np.array([2.0]), np.ones(1))], (3,))
    assert network(np.zeros((2, 3))).tolist() == [[2.0], [2.0]]
    assert_consistent(network, np.ones((1, 3)))


def test_terms_of_one_source_are_summed_and_slopes_are_per_unit():
    terms = (Term(0, identity(2)), Term(0, Dense(np.array([[0.0, 1.0], [0.0, 0.0]]))))
    first = Stage(terms, np.array([0.0, -1.0]), np.array([-1.0, 1.0]))
    network = ReluNetwork([first, stage([Term(1, identity(2))], 2)], (2,))
    assert network.n_hidden == 1
    assert network([[-3.0, 1.0]]).tolist() == [[2.0, 0.0]]
    assert_consistent(network, np.random.default_rng(0).standard_normal((9, 2)))


def test_inputs_have_the_networks_shape_or_are_rows():
    network = ReluNetwork([stage([Term(0, identity(6))], 6)], (2, 3))
    x = np.arange(12.0).reshape(2, 2, 3)
    assert_array_equal(network(x), network(x.reshape(2, 6)))
    with pytest.raises(ValueError, match=r"shape \(n, 2, 3\), got \(2, 3, 2\)"):
        network(x.reshape(2, 3, 2))


def test_affine_maps_on_a_plane():
    rng = np.random.default_rng(0)
    network = random_network(rng, 6, 9, 4)
    origin, basis = rng.standard_normal(6), rng.standard_normal((6, 2))
    y = 1e-3 * rng.standard_normal(2)
    x = origin + basis @ y
    maps = network.affine_maps(network.bits(x[None])[0], origin, basis)
    for (rows, offsets), a in zip(maps, network.preactivations(x[None]), strict=True):
        assert_allclose(rows @ y + offsets, a[0], atol=1e-12)


def test_bits_must_have_one_for_each_unit():
    network = random_network(np.random.default_rng(0), 2, 3, 1)
    with pytest.raises(ValueError, match=r"bits must have shape \(3,\), got \(2,\)"):
        network.affine_maps(np.zeros(2, dtype=bool))


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 65])
def test_patterns_are_packed_lowest_bit_first(n):
    bits = np.random.default_rng(n).random((5, n)) < 0.5
    packed = pack(bits)
    assert packed.shape == (5, -(-n // 8))
    assert_array_equal(unpack(packed, n), bits)
    if n:
        assert_array_equal(packed[:, 0] & 1, bits[:, 0])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_convolutions_are_the_matrices_that_they_say(data):
    draw = data.draw
    groups, kernel = draw(st.integers(1, 3)), draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    least = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    size = [draw(st.integers(n, n + 3)) for n in least]
    per_group, out = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weight = rng.standard_normal((out * groups, per_group, *kernel))
    padding = draw(st.tuples(*[st.integers(0, 2)] * 4))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    shape = (per_group * groups, size[0], size[1])
    operator = Convolution(weight, shape, stride, padding, dilation, groups)
    assert_operator(operator)
    factors = np.repeat(rng.standard_normal(len(weight)), operator.n_out // len(weight))
    x = rng.standard_normal((3, operator.n_in))
    assert_allclose(operator.scaled(factors).apply(x), factors * operator.apply(x), atol=1e-12)


def test_convolutions_are_scaled_by_channels_only():
    operator = Convolution(np.ones((1, 1, 1, 1)), (1, 1, 2))
    with pytest.raises(ValueError, match="channel by channel"):
        operator.scaled(np.array([1.0, 2.0]))


@pytest.mark.parametrize("shape", [(1, 1), (4, 7), (7, 4)])
def test_matrices_are_what_they_say(shape):
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal(shape) * (rng.random(shape) < 0.4)
    for operator in (Dense(matrix), Sparse(sparse.csr_array(matrix))):
        assert_operator(operator)
        assert_allclose(operator.apply(np.eye(shape[1])).T, matrix)
        factors = rng.standard_normal(shape[0])
        scaled = operator.scaled(factors).apply(np.eye(shape[1])).T
        assert_allclose(scaled, factors[:, None] * matrix)


def test_neither_torch_nor_onnx_is_imported():
    code = (
        "import sys, hullspace\nhullspace.ReluNetwork.from_arrays([[[1.0]]], [[0.0]])\n"
        "assert not {'torch', 'onnx', 'onnxruntime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
