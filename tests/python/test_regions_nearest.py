"""Nearest points where the class changes, against one problem for each pattern."""

from __future__ import annotations

import numpy as np
import pytest

import hullspace
from data import data_file
from hullspace.networks import unpack
from hullspace.regions import count_regions, nearest_boundary
from hullspace.status import Status
from network_cases import integer_network, residual_network, usual_network
from region_oracles import brute_force, cell_rows, distance_to, nearest_change

NETWORKS = {
    "2-4-3-3": lambda seed: usual_network(seed, 2, 4, 3, 3),
    "3-4-3-3": lambda seed: usual_network(seed, 3, 4, 3, 3),
    "integers": lambda seed: integer_network(seed, 2, 4, 3, 2),
    "leaky": lambda seed: residual_network(seed, 2, 4, 3, [0.0, 0.1, 1.5, -0.2]),
}
BOX = LOWER, UPPER = -2.0, 2.0


def case(name, seed):
    """A network and a point."""
    network = NETWORKS[name](seed)
    return network, np.random.default_rng(seed).uniform(-1.0, 1.0, network.n_inputs)


@pytest.mark.parametrize("norm", [2, np.inf])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", NETWORKS)
def test_distance_is_that_of_the_nearest_of_all_regions(name, seed, norm):
    network, x = case(name, seed)
    found = nearest_boundary(network, x, norm, BOX, n_threads=1)
    expected = nearest_change(network, x, BOX, norm)
    if np.isinf(expected):
        assert found.status == Status.EMPTY
        assert found.upper == found.lower == np.inf
        assert np.isnan(found.point).all()
        return
    assert found.status == Status.OPTIMAL
    assert found.upper == pytest.approx(expected, rel=1e-5, abs=1e-7)
    assert found.lower <= expected * (1.0 + 1e-6)
    assert found.gap <= 1e-6
    outputs = network(found.point[None])[0]
    label, other = found.classes
    assert outputs[label] - outputs[other] <= 1e-8
    assert np.linalg.norm(found.point - x, norm) == pytest.approx(found.upper)
    assert ((found.point >= LOWER) & (found.point <= UPPER)).all()


def test_a_target_is_reached_even_where_another_class_is_nearer():
    network, x = case("2-4-3-3", 0)
    label = int(network(x[None])[0].argmax())
    for target in sorted({0, 1, 2} - {label}):
        found = nearest_boundary(network, x, 2, BOX, target=target)
        expected = nearest_change(network, x, BOX, 2, [target])
        assert found.upper == pytest.approx(expected, rel=1e-5)
        assert np.isinf(expected) or found.classes == (label, target)


def test_a_tie_is_its_own_nearest_point():
    network = hullspace.ReluNetwork.from_arrays([np.eye(2), np.eye(2)], [[0, 0], [0, 0]])
    found = nearest_boundary(network, [1.0, 1.0], domain=None)
    assert found.status == Status.OPTIMAL
    assert found.upper == found.lower == found.gap == 0.0


def test_space_without_a_box():
    network = hullspace.ReluNetwork.from_arrays([np.eye(2), np.eye(2)], [[0, 0], [0, 0]])
    for distance in (1.0, 30.0):
        found = nearest_boundary(network, [1.0 + distance, 1.0], domain=None)
        assert found.status == Status.OPTIMAL
        assert found.upper == pytest.approx(distance / np.sqrt(2.0))
        largest = nearest_boundary(network, [1.0 + distance, 1.0], np.inf, domain=None)
        assert largest.upper == pytest.approx(distance / 2.0)


def test_a_network_without_hidden_units():
    network = hullspace.ReluNetwork.from_arrays([[[1.0, 0.0], [0.0, 1.0]]], [[0.0, -3.0]])
    found = nearest_boundary(network, [0.0, 0.0], domain=(-9, 9))
    assert found.upper == pytest.approx(3.0 / np.sqrt(2.0))


def test_a_class_that_never_changes():
    network = hullspace.ReluNetwork.from_arrays([np.eye(2), np.eye(2)], [[0, 0], [9, 0]])
    assert nearest_boundary(network, [0.5, 0.5]).status == Status.EMPTY


def test_time_that_runs_out_leaves_bounds():
    network = usual_network(5, 20, 40, 40, 5)
    found = nearest_boundary(network, np.full(20, 0.5), time_limit=1e-3)
    assert found.status == Status.LIMIT
    assert 0.0 <= found.lower <= found.upper
    whole = nearest_boundary(network, np.full(20, 0.5), time_limit=20.0)
    assert found.lower <= whole.upper * (1.0 + 1e-6)
    assert whole.history[-1][1:] == (whole.lower, whole.upper)


def test_an_interruption_is_raised(monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("hullspace.regions.nearest.branching.Branching.step", interrupt)
    network = usual_network(0, 20, 40, 40, 5)
    with pytest.raises(KeyboardInterrupt):
        nearest_boundary(network, np.full(20, 0.5), n_threads=1)


def test_errors_name_the_argument():
    network, x = case("2-4-3-3", 0)
    with pytest.raises(ValueError, match="norm"):
        nearest_boundary(network, x, 1, domain=None)
    with pytest.raises(ValueError, match="x must be in the domain"):
        nearest_boundary(network, x, domain=(5, 6))
    with pytest.raises(ValueError, match="domain"):
        nearest_boundary(network, x, domain=(1, 0))
    with pytest.raises(TypeError, match="domain"):
        nearest_boundary(network, x, domain=3)
    with pytest.raises(ValueError, match="time_limit"):
        nearest_boundary(network, x, domain=None, time_limit=0)
    with pytest.raises(ValueError, match="target"):
        nearest_boundary(network, x, domain=None, target=7)
    with pytest.raises(TypeError, match="network"):
        nearest_boundary(None, x)
    with pytest.raises(ValueError, match="two outputs"):
        nearest_boundary(usual_network(0, 2, 3, 1), x)


def test_an_image_of_mnist():
    onnx = pytest.importorskip("onnx")
    path = data_file("mnist/mnist-net_256x2.onnx")
    arrays = [onnx.numpy_helper.to_array(a) for a in onnx.load(path).graph.initializer]
    network = hullspace.ReluNetwork.from_arrays(
        [a for a in arrays if a.ndim == 2], [a for a in arrays if a.ndim == 1]
    )
    with np.load(data_file("mnist/images.npz")) as file:
        image = file["test_images"][0].reshape(-1) / 255.0
    found = nearest_boundary(network, image)
    assert found.status == Status.OPTIMAL
    assert found.upper == pytest.approx(0.258854622, rel=1e-6)


@pytest.mark.parametrize("norm", [2, np.inf])
@pytest.mark.parametrize("name", NETWORKS)
def test_counts_are_those_of_all_patterns(name, norm):
    for seed in range(2):
        network, x = case(name, seed)
        radius = 0.5 + 0.7 * seed
        found = count_regions(network, x, radius, norm, BOX)
        if norm == 2:
            expected = {
                bits.tobytes()
                for bits in brute_force(network, BOX)
                if distance_to(*cell_rows(network, bits, BOX), x, 2) < radius
            }
        else:
            ends = np.maximum(LOWER, x - radius), np.minimum(UPPER, x + radius)
            expected = {bits.tobytes() for bits in brute_force(network, ends)}
        assert found.status == Status.OPTIMAL
        bits = unpack(found.patterns, network.n_hidden)
        assert {row.tobytes() for row in bits} == expected
        assert found.count == len(bits) == len(expected)
        assert (np.linalg.norm(found.points - x, norm, axis=1) < radius).all()
        assert (network.bits(found.points) == bits).all()


def test_counts_stop_at_limits_and_know_polyhedra():
    network = usual_network(0, 3, 8, 8, 2)
    x = np.zeros(3)
    whole = count_regions(network, x, 1.0)
    some = count_regions(network, x, 1.0, max_regions=5)
    assert some.status == Status.LIMIT
    assert some.count == 5 < whole.count
    assert count_regions(network, x, 1.0, max_regions=whole.count).status == Status.OPTIMAL
    assert count_regions(network, x, 1.0, time_limit=1e-9).status == Status.LIMIT
    half = hullspace.Polyhedron([[1.0, 0.0, 0.0]], [0.0])
    assert 0 < count_regions(network, x, 1.0, domain=half).count < whole.count
    assert count_regions(network, x, 1.0, domain=(5, 6)).count == 0


def test_units_that_are_the_same_or_never_change_cut_once():
    weights = [[[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]], np.ones((1, 4))]
    network = hullspace.ReluNetwork.from_arrays(weights, [[0, 0, 0, 0], [0]])
    for norm in (2, np.inf):
        assert count_regions(network, [0.0, 0.0], 1.0, norm).count == 2
        assert count_regions(network, [2.0, 0.0], 1.0, norm).count == 1
