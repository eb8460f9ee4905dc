"""Walks along segments: against exact arithmetic, dense samples, and degenerate by design."""

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy import sparse

from data import data_file
from exact_oracles import exact_walk
from hullspace.networks import (
    Convolution,
    Dense,
    ReluNetwork,
    Sparse,
    Stage,
    Term,
    identity,
    unpack,
)
from hullspace.regions import SegmentWalks, walk_segment
from hullspace.regions.plots import plot_polygons
from hullspace.regions.segments import walker
from network_cases import degenerate_matrix, usual_network

mpl.use("Agg")


def degenerate_network(rng):
    """Return small integers, skipped stages, leaky and linear units, and repeated rows."""
    sizes, stages = [int(rng.integers(1, 4))], []
    for k in range(rng.integers(1, 4)):
        sources = [k, *([int(rng.integers(k))] if k and rng.random() < 0.4 else [])]
        width = int(rng.integers(1, 6))
        terms = [Term(s, Dense(degenerate_matrix(rng, width, sizes[s]))) for s in sources]
        slopes = rng.choice([0.0, 0.0, 0.0, 0.25, 1.0, -0.5], width)
        stages.append(Stage(tuple(terms), rng.integers(-2, 3, width).astype(float), slopes))
        sizes.append(width)
    width = int(rng.integers(1, 4))
    outputs = Term(len(stages), Dense(degenerate_matrix(rng, width, sizes[-1])))
    bias = rng.integers(-2, 3, width).astype(float)
    return ReluNetwork([*stages, Stage((outputs,), bias, np.ones(width))], (sizes[0],))


def convolutional_network(rng):
    """Return a residual network with a convolution, a maximum of pairs and an average."""
    first = Convolution(rng.normal(size=(4, 2, 3, 3)), (2, 6, 6), padding=(1, 1, 1, 1))
    second = Convolution(0.3 * rng.normal(size=(4, 4, 3, 3)), (4, 6, 6), padding=(1, 1, 1, 1))
    n = first.n_out
    left = Sparse(sparse.csr_array(sparse.eye_array(n).tocsr()[0::2]))
    right = Sparse(sparse.csr_array(sparse.eye_array(n).tocsr()[1::2]))
    half = n // 2
    stages = [
        Stage((Term(0, first),), np.repeat(rng.normal(size=4), 36), np.zeros(n)),
        Stage((Term(1, second), Term(1, identity(n))), rng.normal(size=n), np.full(n, 0.1)),
        # max(x, y) = y + relu(x - y)
        Stage(
            (Term(2, left), Term(2, right.scaled(np.full(half, -1.0)))),
            np.zeros(half),
            np.zeros(half),
        ),
        Stage((Term(2, right), Term(3, identity(half))), np.zeros(half), np.ones(half)),
        Stage((Term(4, Dense(rng.normal(size=(5, half)))),), rng.normal(size=5), np.ones(5)),
    ]
    return ReluNetwork(stages, (2, 6, 6))


def layer(weights, biases, slopes=0.0):
    """Return one hidden layer, with the sum of the units as output."""
    matrix = np.asarray(weights, dtype=float)
    hidden = Stage(
        (Term(0, Dense(matrix)),),
        np.asarray(biases, float),
        np.broadcast_to(np.asarray(slopes, float), (len(matrix),)).copy(),
    )
    total = Stage((Term(1, Dense(np.ones((1, len(matrix))))),), np.zeros(1), np.ones(1))
    return ReluNetwork([hidden, total], (matrix.shape[1],))


def listed(walk):
    """Return breakpoints with their units."""
    return list(zip(walk.breakpoints.tolist(), [u.tolist() for u in walk.units], strict=True))


def check_exactly(network, a, b):
    """Compare a walk with the one in rational arithmetic."""
    breakpoints, units, patterns, changes, classes, logits = exact_walk(network, a, b)
    walk = walk_segment(network, a, b)
    assert [u.tolist() for u in walk.units] == units
    assert np.abs(walk.breakpoints - np.array(breakpoints, float)).max(initial=0.0) < 1e-12
    bits = unpack(walk.patterns, network.n_hidden)
    assert (bits == np.reshape(patterns, bits.shape)).all()
    assert walk.classes.tolist() == classes
    assert np.abs(walk.class_changes - np.array(changes, float)).max(initial=0.0) < 1e-12
    assert np.abs(walk.logits - np.array(logits, float)).max() < 1e-11
    assert walk.n_regions == len(breakpoints) + 1


def check_samples(network, walk, n_samples=400):
    """Compare a walk with evaluations of the network."""
    knots = walk.knots
    assert (np.diff(knots) > 0.0).all()
    middles = (knots[1:] + knots[:-1]) / 2
    sure = np.diff(knots) > 1e-9
    found = np.array([walk.pattern(i) for i in range(walk.n_regions)])
    assert (found == walk.patterns).all()
    assert (network.pattern(walk.points(middles))[sure] == found[sure]).all()
    assert (np.bitwise_count(found[1:] ^ found[:-1]).sum(axis=1) == np.diff(walk.indptr)).all()
    t = np.linspace(0.0, walk.end, n_samples)
    logits = network(walk.points(t))
    scale = np.abs(logits).max()
    assert np.abs(walk.at(t) - logits).max() < 1e-11 * scale
    assert np.abs(network(walk.points(knots)) - walk.logits).max() < 1e-11 * scale
    if logits.shape[1] == 1:
        logits = np.column_stack([np.zeros_like(logits), logits])
    classes = walk.classes[np.searchsorted(walk.class_changes, t)]
    behind = logits.max(axis=1) - np.take_along_axis(logits, classes[:, None], axis=1)[:, 0]
    assert behind.max() < 1e-11 * scale


@pytest.mark.parametrize("seed", range(6))
def test_exact_in_general_position(seed):
    rng = np.random.default_rng(seed)
    check_exactly(usual_network(rng, 3, 7, 6, 5, 4), *(3 * rng.normal(size=(2, 3))))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_exact_on_degenerate_networks(seed):
    rng = np.random.default_rng(seed)
    network = degenerate_network(rng)
    check_exactly(network, *rng.integers(-4, 5, (2, network.n_inputs)).astype(float))


@pytest.mark.parametrize("sizes", [(2, 40, 40, 3), (30, 60, 60, 60, 10), (8, 200, 2)])
def test_patterns_logits_and_classes_against_samples(sizes):
    rng = np.random.default_rng(1)
    network = usual_network(rng, *sizes)
    for walk in walk_segment(network, *(4 * rng.normal(size=(2, 5, sizes[0])))):
        check_samples(network, walk)
        assert walk.complete


def test_many_classes_take_turns():
    # Tangents of a parabola: each class has its interval.
    slopes = np.arange(-6.0, 7.0)
    network = ReluNetwork.from_arrays([slopes[:, None]], [-(slopes**2) / 2])
    walk = walk_segment(network, [-8.0], [8.0])
    assert walk.classes.tolist() == list(range(13))
    assert np.allclose(walk.points(walk.class_changes)[:, 0], np.arange(-5.5, 6.0), atol=1e-13)
    assert walk.n_regions == 1
    assert walk.units == []


@pytest.mark.parametrize("block", [1, 2**20])
def test_blocks_change_nothing_but_rounding(monkeypatch, block):
    monkeypatch.setattr(walker, "_BLOCK", block)
    rng = np.random.default_rng(2)
    network = convolutional_network(rng)
    walk = walk_segment(network, *rng.normal(size=(2, *network.input_shape)))
    assert walk.n_regions > 50
    check_samples(network, walk)
    check_exactly(degenerate_network(rng), [-2.0, 1.0, 1.0], [3.0, 1.0, -2.0])
    for walk in walk_segment(usual_network(rng, 4, 30, 30, 3), *rng.normal(size=(2, 9, 4))):
        check_samples(walk.network, walk)


@pytest.mark.parametrize("block", [1, 2**20])
@pytest.mark.parametrize("most", [0, 1, 7, 10**6])
def test_limit(monkeypatch, block, most):
    rng = np.random.default_rng(3)
    network = usual_network(rng, 4, 30, 30, 3)
    a, b = 3 * rng.normal(size=(2, 6, 4))
    whole = walk_segment(network, a, b)
    monkeypatch.setattr(walker, "_BLOCK", block)
    for walk, full in zip(walk_segment(network, a, b, max_breakpoints=most), whole, strict=True):
        k = min(most, len(full.breakpoints))
        assert walk.complete == (k == len(full.breakpoints))
        assert abs(walk.end - full.knots[k + 1]) < 1e-13
        assert np.abs(walk.breakpoints - full.breakpoints[:k]).max(initial=0.0) < 1e-13
        assert (walk.indices == full.indices[: full.indptr[k]]).all()
        assert (walk.patterns == full.patterns[: k + 1]).all()
        check_samples(network, walk)
        assert "end=" in repr(walk) or walk.complete


def test_units_that_change_together():
    network = layer([[1], [1], [-2], [3]], [-1, -1, 2, -4])
    assert listed(walk_segment(network, [0.0], [2.0])) == [(0.5, [0, 1, 2]), (2 / 3, [3])]


def test_near_parallel_units_stay_apart():
    network = layer([[1.0], [1.0], [1.0]], [0.0, -1e-8, -1e-12])
    walk = walk_segment(network, [-1.0], [1.0])
    assert [u for _, u in listed(walk)] == [[0], [2], [1]]
    assert np.allclose(walk.points(walk.breakpoints)[:, 0], [0, 1e-12, 1e-8], rtol=0, atol=1e-15)
    merged = walk_segment(layer([[1.0], [1.0]], [0.0, -1e-17]), [-1.0], [1.0])
    assert listed(merged) == [(0.5, [0, 1])]


def test_end_points_and_touches_are_no_breakpoints():
    network = layer([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], [0.0, 1.0, 0.0])
    walk = walk_segment(network, [0.0, 0.0], [1.0, 0.0])
    # Zero at the start and rising, zero at the end and falling, zero all along.
    assert listed(walk) == []
    assert unpack(walk.patterns, 3).tolist() == [[True, True, False]]
    # |x| touches zero; x lifts it from zero.
    hidden = Stage((Term(0, Dense(np.array([[1.0], [-1.0]]))),), np.zeros(2), np.zeros(2))
    second = Dense(np.array([[1.0, 1.0], [1.0, 0.0], [-1.0, -1.0]]))
    stages = [
        hidden,
        Stage((Term(1, second),), np.zeros(3), np.zeros(3)),
        Stage((Term(2, Dense(np.ones((1, 3)))),), np.zeros(1), np.ones(1)),
    ]
    walk = walk_segment(ReluNetwork(stages, (1,)), [-1.0], [3.0])
    assert listed(walk) == [(0.25, [0, 1, 3])]
    assert unpack(walk.patterns, 5).tolist() == [
        [False, True, True, False, False],
        [True, False, True, True, False],
    ]


def test_segment_in_a_hyperplane_with_rounding():
    rng = np.random.default_rng(4)
    normal = rng.normal(size=5)
    along = rng.normal(size=5)
    along -= normal * (normal @ along) / (normal @ normal)
    a = normal / (normal @ normal)
    network = layer([normal, -3 * normal], [-1.0, 3.0])
    walk = walk_segment(network, a, a + along)
    assert listed(walk) == []
    assert not walk.patterns.any()


def test_segments_without_length():
    rng = np.random.default_rng(5)
    network = usual_network(rng, 3, 10, 10, 4)
    x = rng.normal(size=3)
    walk = walk_segment(network, x, x)
    assert walk.n_regions == 1
    assert walk.breakpoints.shape == walk.indices.shape == walk.class_changes.shape == (0,)
    assert (walk.patterns == network.pattern(x[None, :])).all()
    assert walk.logits.shape == (2, 4)
    assert walk.classes.tolist() == [network(x[None, :])[0].argmax()]


def test_leaky_and_linear_units():
    network = layer([[1.0], [1.0], [2.0]], [0.0, -1.0, 1.0], [0.1, 1.0, -1.0])
    walk = walk_segment(network, [-2.0], [2.0])
    # The second unit is linear, hence no hidden one.
    assert listed(walk) == [(0.375, [1]), (0.5, [0])]
    check_samples(network, walk)


def test_equal_classes_count_as_the_lowest():
    rng = np.random.default_rng(6)
    hidden, bias = rng.normal(size=(12, 3)), rng.normal(size=12)
    rows = rng.normal(size=(3, 12))[[0, 1, 0, 2, 1, 2]]
    network = ReluNetwork.from_arrays([hidden, rows], [bias, np.zeros(6)])
    walks = walk_segment(network, *(3 * rng.normal(size=(2, 40, 3))))
    assert walks.n_changes.max() > 1
    for walk in walks:
        assert set(walk.classes.tolist()) <= {0, 1, 3}
        assert (walk.classes[1:] != walk.classes[:-1]).all()


def test_networks_without_hidden_units():
    network = ReluNetwork.from_arrays([[[1.0], [-1.0]]], [[0.0, 0.5]])
    walk = walk_segment(network, [0.0], [1.0])
    assert (walk.n_regions, walk.patterns.shape) == (1, (1, 0))
    assert walk.class_changes.tolist() == [0.25]
    assert walk.classes.tolist() == [1, 0]


def test_one_or_many():
    rng = np.random.default_rng(7)
    network = convolutional_network(rng)
    a, b = rng.normal(size=(2, 70, 2, 6, 6))
    walks = walk_segment(network, a, b.reshape(70, -1), n_threads=2, max_breakpoints=20)
    assert isinstance(walks, SegmentWalks)
    assert len(walks) == len(list(walks)) == 70
    alone = walk_segment(network, a, b, n_threads=1, max_breakpoints=20)
    for walk, same in zip(walks, alone, strict=True):
        assert (walk.breakpoints == same.breakpoints).all()
        assert (walk.logits == same.logits).all()
    single = walk_segment(network, a[3], b[3], max_breakpoints=20)
    assert np.allclose(single.breakpoints, walks[3].breakpoints, rtol=0, atol=1e-13)
    fan = walk_segment(network, a[3], b[:4], max_breakpoints=20)
    assert np.allclose(fan[3].breakpoints, walks[3].breakpoints, rtol=0, atol=1e-13)
    assert isinstance(walks[2:4], SegmentWalks)
    assert walks[-1] is walks[69]
    assert (walks.n_regions == [walk.n_regions for walk in walks]).all()
    assert "70 segments" in repr(walks)
    assert len(walk_segment(network, a[:0], b[:0])) == 0
    assert single.points([[0.0, 1.0]]).shape == (1, 2, 2, 6, 6)
    assert (single.points(1.0) == b[3]).all()
    assert single.at(0.0).shape == (5,)


@pytest.mark.parametrize(
    ("model", "images", "most"),
    [
        ("mnist/mnist-net_256x2.onnx", "mnist/images.npz", None),
        ("cifar10_resnet20/resnet20.onnx", "cifar10_resnet20/images.npz", 60),
    ],
)
def test_between_real_images(model, images, most):
    if not hasattr(ReluNetwork, "from_onnx"):
        pytest.skip("needs ReluNetwork.from_onnx")
    network = ReluNetwork.from_onnx(data_file(model))
    with np.load(data_file(images)) as file:
        pixels = file["test_images"][:2] / 255.0
    if pixels.ndim == 4:
        pixels = np.moveaxis(pixels, 3, 1)
    pixels = pixels.reshape(2, -1)
    # Neighbours of the first image in the residual network: it has tens of thousands of regions.
    stop = pixels[1] if most is None else 0.999 * pixels[0] + 0.001 * pixels[1]
    walk = walk_segment(network, pixels[0], stop, max_breakpoints=most)
    assert walk.n_regions > 10
    check_samples(network, walk, 40)


def test_progress(capfd):
    network = layer([[1.0]], [0.0])
    walk_segment(network, [[-1.0]], [[1.0]], progress=True)
    assert "100%" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("a", "b", "options", "error", "message"),
    [
        ([[0.0]], [1.0, 2.0], {}, ValueError, "a must have shape"),
        ([0.0, np.nan], [1.0, 2.0], {}, ValueError, "a must be finite"),
        ([0.0, 1.0], ["x", "y"], {}, TypeError, "b must hold real numbers"),
        (np.zeros((2, 2)), np.zeros((3, 2)), {}, ValueError, "b must have one row or 2"),
        ([0, 0], [1, 1], {"max_breakpoints": -1}, ValueError, "max_breakpoints"),
        ([0, 0], [1, 1], {"max_breakpoints": 1.5}, TypeError, "max_breakpoints"),
        ([0, 0], [1, 1], {"n_threads": 0}, ValueError, "n_threads"),
    ],
)
def test_misuse(a, b, options, error, message):
    network = usual_network(0, 2, 3, 2)
    with pytest.raises(error, match=message):
        walk_segment(network, a, b, **options)


def test_misuse_of_results():
    network = usual_network(0, 2, 30, 2)
    walk = walk_segment(network, [-5, -5], [5, 5], max_breakpoints=1)
    with pytest.raises(IndexError, match="i must be below 2"):
        walk.pattern(2)
    with pytest.raises(ValueError, match="t must be between 0 and"):
        walk.at(1.0)
    with pytest.raises(ValueError, match="t must be between 0 and 1"):
        walk.points([0.5, np.nan])
    with pytest.raises(TypeError, match="t must hold"):
        walk.points(["x"])
    with pytest.raises(TypeError, match="network must be"):
        walk_segment([], [0], [1])


def test_plot_of_a_walk():
    rng = np.random.default_rng(8)
    walk = walk_segment(usual_network(rng, 3, 20, 20, 9), *(5 * rng.normal(size=(2, 3))))
    ax = Figure().subplots()
    assert walk.plot(ax) is ax
    assert len(ax.lines) == 9
    assert len(ax.patches) == len(walk.classes)
    names = [f"${c}" for c in range(9)]
    ax = walk.plot(Figure().subplots(), classes=names)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == names
    ax.figure.canvas.draw()
    with pytest.raises(ValueError, match="classes must have 9 names"):
        walk.plot(Figure().subplots(), classes=["a"])


def test_plot_makes_its_own_axes():
    from matplotlib import pyplot as plt

    walk = walk_segment(layer([[1.0]], [0.0]), [-1.0], [1.0])
    ax = walk.plot()
    assert ax.get_xlim() == (0.0, 1.0)
    plt.close(ax.figure)


def test_plot_of_polygons():
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    at = np.stack(np.meshgrid(np.arange(30.0), np.arange(30.0)), axis=-1).reshape(-1, 2)
    polygons = [corners + offset for offset in at] + [np.array([[0, 30], [30, 30], [15, 40.0]])]
    labels = np.append(at[:, 0].astype(int) // 3 - 1, 2)
    boundary = np.array([[[3.0, 0.0], [3.0, 30.0]]])
    ax = plot_polygons(
        Figure().subplots(),
        polygons,
        labels,
        boundary=boundary,
        points=[[1, 2], [20, 20]],
        names=["$a", "b"],
        classes=list("ABCDEFGHI"),
    )
    drawn = [c for c in ax.collections if type(c).__name__ == "PolyCollection"]
    assert sum(len(c.get_paths()) for c in drawn) == len(polygons)
    assert ax.get_ylim() == (0.0, 40.0)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["several classes", *"ABCDEFGHI"]
    assert [text.get_text() for text in ax.texts] == ["$a", "b"]
    ax.figure.canvas.draw()
    empty = Figure().subplots()
    assert plot_polygons(empty, [], []) is empty
    with pytest.raises(ValueError, match="labels must have one element"):
        plot_polygons(empty, polygons, [1])
    with pytest.raises(ValueError, match="names must have 0"):
        plot_polygons(empty, [], [], names=["a"])
    with pytest.raises(ValueError, match="classes must have"):
        plot_polygons(empty, polygons, labels, classes=["a"])


def test_a_single_output_is_that_of_class_one():
    network = ReluNetwork.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0, 0], [-1]])
    walk = walk_segment(network, [-3.0], [3.0])  # |x| - 1
    np.testing.assert_allclose(walk.class_changes, [1 / 3, 2 / 3])
    assert walk.classes.tolist() == [1, 0, 1]
