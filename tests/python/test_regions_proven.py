"""Both methods against exact splitting, with a proof of each answer, for networks of all kinds."""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import hullspace
from exact_oracles import exact_patterns
from hullspace import ReluNetwork, Status
from network_cases import network_of_layers
from region_oracles import as_set, packed_set

sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))

from regions import KINDS, case, outcome, with_unused_inputs

METHODS = pytest.mark.parametrize("method", ["vertices", "lp"])


@METHODS
@pytest.mark.parametrize("kind", KINDS)
def test_networks_of_all_kinds(kind, method):
    if KINDS[kind] is None:
        pytest.importorskip("torch")
    for k in range(10):
        number = list(KINDS).index(kind) + len(KINDS) * k
        _, network, box = case(0, number)
        expected = packed_set(exact_patterns(network, box))
        assert outcome(network, box, method, expected) == "right and proven", number


# Where vertices were computed anew after their values, and where rays were next to opposite ones.
@pytest.mark.parametrize("number", [14, 194, 714, 1414])
@METHODS
def test_units_that_are_parallel_up_to_rounding(number, method):
    _, network, box = case(0, number)
    expected = packed_set(exact_patterns(network, box))
    assert outcome(network, box, method, expected) == "right and proven"


@METHODS
def test_a_layer_that_is_off(method):
    """The slopes of the units after it are zero, whatever was added and taken away before."""
    network = ReluNetwork.from_arrays(
        [
            [[0.677], [-0.626], [1.107]],
            [[0.539, 0.829, -0.602], [-0.557, -0.822, -0.541]],
            np.eye(2),
        ],
        [[-1.298, 0.117, -1.192], [-0.02, -1.6], [0, 0]],
    )
    assert hullspace.enumerate_regions(network, (-1, 1), method=method, verify=True).check


@METHODS
def test_default_weights(method):
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    widths = (2, 4, 4, 4, 4, 2)
    layers = [torch.nn.Linear(n, m) for n, m in pairwise(widths)]
    found = hullspace.enumerate_regions(
        network_of_layers(layers), (-1, 1), method=method, verify=True
    )
    assert len(found) == 14
    assert found.check


@pytest.mark.parametrize("gap", [1e-9, 1e-12, 1e-15])
def test_units_that_nearly_coincide(gap):
    W = np.zeros((3, 2))
    W[:, 0] = 1.0
    W[:, 1] = [1.0, 1.0 + gap, 1.0]
    network = ReluNetwork.from_arrays([W, [[1, 1, 1]]], [[0, 0, gap], [0]])
    expected = exact_patterns(network, (-1.0, 1.0))
    assert len(expected) == 6
    for each in (network, with_unused_inputs(network, 5)):
        found = hullspace.enumerate_regions(each, (-1, 1), verify=True)
        assert found.status == Status.COMPLETE
        assert len(found.too_thin) == 0
        assert as_set(found.patterns) == packed_set(expected)
        assert found.check


def test_a_domain_that_is_thin():
    """Between two faces that are one unit in the last place apart, in seven features."""
    rows = np.vstack([np.eye(7), -np.eye(7)])
    bounds = np.ones(14)
    bounds[7] = -(1.0 - 2.0**-53)
    domain = hullspace.Polyhedron(rows, bounds)
    network = with_unused_inputs(ReluNetwork.from_arrays([[[0, 1]], [[1]]], [[0], [0]]), 5)
    found = hullspace.enumerate_regions(network, domain, method="lp", verify=True)
    assert len(found) == 2
    assert found.check


def test_what_stays_open_is_said():
    """A search that has doubts left is not complete."""
    network = ReluNetwork.from_arrays([[[1.0], [1.0]], [[1.0, 1.0]]], [[0.0, -1.0], [0.0]])
    found = hullspace.enumerate_regions(network)
    from hullspace.regions.found import Doubt

    nothing = np.zeros(0, np.int32), np.zeros(0)
    found._search.found.doubts.append(
        Doubt(np.array([0], np.uint8), 0, True, np.zeros(1), *nothing)
    )
    again = type(found)(found._search)
    assert again.status == Status.UNDECIDED
    assert len(again.too_thin) == 1
    assert "UNDECIDED" in repr(again)
