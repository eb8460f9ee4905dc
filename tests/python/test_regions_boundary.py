"""The decision boundary where outputs tie all over regions, against exact splitting."""

import numpy as np
import pytest

import hullspace
from exact_oracles import exact_boundary
from hullspace import ReluNetwork
from network_cases import integer_network, layers_of, random_network

# The smallest boundary along a region in which both classes are the same, and one of four classes.
TWO_CLASSES = ([[[1, -2], [0, 1]], [[0, -1], [-2, 0]]], [[-1, 1], [1, 1]])
FOUR_CLASSES = (
    [
        [[2, -1], [0, 0], [1, -2]],
        [[1, -2, 2], [1, -2, 0]],
        [[1, 0], [-1, -1], [2, 0], [-1, 0]],
        [[-2, 2, -1, -2], [-2, 0, 1, 2], [1, -2, 1, -2], [-1, 2, -1, 2]],
    ],
    [[0, 0, 0], [-1, 1], [-1, -1, 0, -1], [1, 0, 1, 1]],
)


def with_unused_inputs(network, n_more):
    layers = layers_of(network)
    first = np.hstack([layers[0][0], np.zeros((len(layers[0][0]), n_more))])
    weights = [first, *(weight for weight, _, _ in layers[1:])]
    return ReluNetwork.from_arrays(weights, [bias for _, bias, _ in layers])


def pairs(network, box):
    boundary = hullspace.decision_boundary(hullspace.enumerate_regions(network, box))
    assert len(boundary.regions) == len(boundary.classes) == len(boundary)
    return sorted(map(tuple, boundary.classes.tolist()))


@pytest.mark.parametrize("box", [(-2.0, 2.0), None])
@pytest.mark.parametrize("layers", [TWO_CLASSES, FOUR_CLASSES])
def test_classes_that_tie_all_over_a_region(layers, box):
    network = ReluNetwork.from_arrays(*layers)
    expected = exact_boundary(network, box)
    assert len(expected) == 3
    assert pairs(network, box) == expected
    assert pairs(with_unused_inputs(network, 5), box) == expected


@pytest.mark.parametrize("seed", range(60))
def test_integer_networks(seed):
    widths = [(2, 2, 2), (2, 3, 2, 3), (2, 3, 2, 4, 4), (3, 3, 2, 3), (2, 2, 1)][seed % 5]
    network = integer_network(seed, *widths)
    box = (-2.0, 2.0) if seed % 2 else None
    expected = exact_boundary(network, box)
    assert pairs(network, box) == expected
    if seed % 3 == 0:
        assert pairs(with_unused_inputs(network, 7 - widths[0]), box) == expected


@pytest.mark.parametrize("seed", range(5))
def test_generic_networks(seed):
    network = random_network(seed, 2, 4, 4, 3)
    expected = exact_boundary(network, (-1.0, 1.0))
    assert pairs(network, (-1.0, 1.0)) == expected
    assert pairs(with_unused_inputs(network, 5), (-1.0, 1.0)) == expected


def test_a_class_between_two_others_has_no_piece():
    """The middle output is the mean of the others: it ties on their boundary and is never ahead."""
    network = ReluNetwork.from_arrays([[[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]]], [[0.0, 0.0, 0.0]])
    assert pairs(network, (-1.0, 1.0)) == exact_boundary(network, (-1.0, 1.0)) == [(0, 2)]
    assert pairs(with_unused_inputs(network, 5), (-1.0, 1.0)) == [(0, 2)]
