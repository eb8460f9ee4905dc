"""Regions of arrangements that are not in general position, and of networks that are not generic.

What a network's doubles mean exactly decides: cells however thin count, and nothing else does.
"""

from math import factorial

import numpy as np
import pytest

import hullspace
from exact_oracles import exact_cells, exact_patterns
from hullspace import ReluNetwork, Status
from hullspace.networks import Dense, Stage, Term, unpack
from network_cases import (
    arrangement,
    braid,
    generic_count,
    generic_rows,
    hyperoctahedral,
    integer_network,
    layers_of,
    leaky,
    partly_linear,
    random_network,
    resonance,
    scaled,
    shifted_braid,
    torch_network,
    trained_on_moons,
)
from region_oracles import as_set, packed_set

METHODS = pytest.mark.parametrize("method", ["vertices", "lp"])
BOX = (-1.0, 1.0)


def regions(network, domain=None, method="auto"):
    """All regions, each once, none left open."""
    found = hullspace.enumerate_regions(network, domain, method=method)
    assert found.status == Status.COMPLETE
    assert len(found.too_thin) == 0
    assert len(as_set(found.patterns)) == len(found)
    assert_patterns_hold(network, found)
    return found


def assert_patterns_hold(network, found):
    """The network has the patterns at the points, except where rounding hides a zero."""
    bits = unpack(found.patterns, network.n_hidden)
    first = 0
    for a, stage in zip(network.preactivations(found.interior_points), network.stages, strict=True):
        last = first + len(stage.hidden)
        inputs = a[:, stage.hidden]
        zero = np.abs(inputs) <= 1e-14 * np.abs(a).max(initial=0.0)
        assert (((inputs > 0.0) == bits[:, first:last]) | zero).all()
        first = last


def assert_exact(network, box=None, method="auto"):
    """Compare with integer arithmetic; return how many regions there are."""
    expected = packed_set(exact_patterns(network, box))
    found = regions(network, box, method)
    assert as_set(found.patterns) == expected
    return len(expected)


def lines(*rows):
    """Lines ``a x + b y + c = 0``."""
    rows = np.array(rows, float)
    return arrangement(rows[:, :2], rows[:, 2])


CENTRAL = {
    "three concurrent lines": (np.array([[1, 0], [0, 1], [1, 1]]), 6),
    "many concurrent lines": (np.column_stack([np.arange(-8, 9), np.full(17, 4)]), 34),
    "braid A2 in R^3": (braid(3), 6),
    "braid A3 in R^4": (braid(4), 24),
    "braid A4 in R^5": (braid(5), 120),
    "B2": (hyperoctahedral(2), 8),
    "B3": (hyperoctahedral(3), 48),
    "B4": (hyperoctahedral(4), 384),
    "identity of 1": (np.eye(1), 2),
    "identity of 2": (np.eye(2), 4),
    "identity of 6": (np.eye(6), 64),
    "two of three coordinates": (np.eye(3)[:2], 4),
    "resonance of 3": (resonance(3), 32),
    "resonance of 4": (resonance(4), 370),
}


@METHODS
@pytest.mark.parametrize("name", CENTRAL)
def test_arrangements_through_zero(name, method):
    normals, count = CENTRAL[name]
    network = arrangement(normals, np.zeros(len(normals)))
    assert len(regions(network, method=method)) == count
    assert len(regions(network, BOX, method)) == count


@METHODS
@pytest.mark.parametrize("name", ["braid A3 in R^4", "B3"])
def test_arrangements_through_another_point(name, method):
    normals, count = CENTRAL[name]
    point = np.arange(1.0, 1.0 + normals.shape[1])
    network = arrangement(normals, -normals @ point)
    assert len(regions(network, method=method)) == count
    assert len(regions(network, (0.0, 9.0), method)) == count


@METHODS
def test_shifted_braid_arrangements(method):
    """Shi: (n + 1)^(n - 1) regions; Catalan: n! times the Catalan number (Stanley 1996)."""
    assert len(regions(shifted_braid(3, [0, 1]), method=method)) == 4**2
    assert len(regions(shifted_braid(4, [0, 1]), method=method)) == 5**3
    assert len(regions(shifted_braid(3, [-1, 0, 1]), method=method)) == factorial(3) * 5
    assert len(regions(shifted_braid(4, [-1, 0, 1]), method=method)) == factorial(4) * 14


@METHODS
def test_grids(method):
    steps = [-0.5, 0.0, 0.5]
    for d, count in ((1, 4), (2, 16), (3, 64)):
        normals = np.repeat(np.eye(d), 3, axis=0)
        network = arrangement(normals, np.tile(steps, d))
        assert len(regions(network, method=method)) == count
        assert len(regions(network, BOX, method)) == count


@METHODS
@pytest.mark.parametrize("d", [2, 3, 4])
def test_a_copy_counts_once(d, method):
    normals, offsets = generic_rows(np.random.default_rng([1, d]), 7, d)
    for factor in (1.0, 2.0, -1.0, -0.25, 1024.0):
        network = arrangement(
            np.vstack([normals, factor * normals[[2, 5]]]),
            np.append(offsets, factor * offsets[[2, 5]]),
        )
        found = regions(network, method=method)
        assert len(found) == generic_count(7, d)
        bits = np.unpackbits(found.patterns, axis=1, bitorder="little").astype(bool)
        assert ((bits[:, 7:9] == bits[:, [2, 5]]) == (factor > 0)).all()


@METHODS
@pytest.mark.parametrize("factor", [3.0, -0.1, 1 / 3])
def test_a_multiple_up_to_rounding(factor, method):
    """The two hyperplanes differ by rounding: wedges that hardly hold a double lie between."""
    normals, offsets = generic_rows(np.random.default_rng(2), 6, 2)
    network = arrangement(
        np.vstack([normals, factor * normals[1:2]]), np.append(offsets, factor * offsets[1])
    )
    cells = exact_cells(network, BOX)
    found = hullspace.enumerate_regions(network, BOX, method=method)
    assert found.status == Status.COMPLETE
    assert as_set(found.patterns) == packed_set([cell.bits for cell in cells])


@METHODS
@pytest.mark.parametrize("place", [0.0, 1.0 / 3.0])
@pytest.mark.parametrize("gap", [1e-4, 1e-8, 1e-12])
def test_parallel_lines_close_together(gap, place, method):
    crossing = [(0.3, 1.0, 0.1), (-0.7, 1.0, -0.2), (0.05, 1.0, 0.6)]
    network = lines((1, 0, -place), (1, 0, -place - gap), *crossing)
    # Lines, their crossings and one: the thin strip has as many cells as its neighbours.
    assert assert_exact(network, None, method) == 1 + 5 + 6 + 3
    found = regions(network, BOX, method)
    assert as_set(found.patterns) == packed_set(exact_patterns(network, BOX))
    bits = np.unpackbits(found.patterns, axis=1, bitorder="little").astype(bool)
    thin = bits[:, 0] & ~bits[:, 1]
    assert thin.sum() == 4
    assert (found.inradii[thin] < gap).all()
    assert (found.inradii[thin] > 0.4 * gap).all()


@METHODS
@pytest.mark.parametrize("gap", [1e-8, 1e-12])
def test_parallel_planes_close_together(gap, method):
    normals, offsets = generic_rows(np.random.default_rng(3), 4, 3)
    network = arrangement(
        np.vstack([normals, np.eye(3)[[0, 0, 1]]]), np.append(0.2 * offsets, [0.0, gap, gap])
    )
    assert_exact(network, None, method)
    assert_exact(network, BOX, method)


@METHODS
@pytest.mark.parametrize("gap", [1e-6, 1e-10])
def test_lines_that_are_nearly_concurrent(gap, method):
    network = lines((1, 0, 0), (0, 1, 0), (1, 1, gap), (1, -1, 0))
    assert assert_exact(network, None, method) == 10
    assert assert_exact(network, BOX, method) == 10


@METHODS
def test_thin_wedges(method):
    network = lines((1, 0, 0), (1, 1e-9, 0), (1, -1e-9, 0), (0, 1, -0.5))
    assert assert_exact(network, None, method) == 10
    assert assert_exact(network, BOX, method) == 10


@METHODS
def test_rows_of_zeros(method):
    for bias, on in ((1.0, True), (-1.0, False), (0.0, False), (-0.0, False)):
        network = lines((1, 0, 0), (0, 0, bias), (0, 1, 0), (-0.0, 0, bias))
        found = regions(network, method=method)
        assert len(found) == 4
        bits = np.unpackbits(found.patterns, axis=1, bitorder="little").astype(bool)
        assert (bits[:, [1, 3]] == on).all()
    network = lines((0, 0, 1), (0, 0, 0))
    assert regions(network, method=method).patterns.tolist() == [[1]]
    assert regions(network, BOX, method).patterns.tolist() == [[1]]


@METHODS
def test_units_that_never_switch_in_the_box(method):
    network = lines((1, 0, 2), (0, 1, -2), (1, 1, 0), (1, 1, 5))
    found = regions(network, BOX, method)
    assert sorted(found.patterns.ravel().tolist()) == [0b1001, 0b1101]


@METHODS
def test_hyperplanes_along_faces_and_through_corners_of_the_box(method):
    assert len(regions(lines((1, 0, -1), (-1, 0, -1), (0, 1, 1), (2, 0, 2)), BOX, method)) == 1
    assert len(regions(lines((1, 1, -2), (1, -1, 2), (1, 2, 3)), BOX, method)) == 1
    assert len(regions(lines((1, 1, 0), (1, -1, 0)), BOX, method)) == 4
    assert len(regions(lines((1, 1, 0), (1, -1, 0), (1, 0, 0), (0, 1, 0)), BOX, method)) == 8
    # Through a corner and the middle of an edge.
    assert len(regions(lines((2, 1, 1), (1, 2, -1)), BOX, method)) == 3
    planes = arrangement(np.vstack([braid(3), np.eye(3)]), [0, 0, 0, 1, -1, 1])
    assert len(regions(planes, BOX, method)) == 6
    assert_exact(arrangement(hyperoctahedral(3), [1, 1, 1, 0, 0, 0, 0, 2, -2]), BOX, method)


@METHODS
def test_hyperplanes_along_faces_and_through_corners_of_a_polyhedron(method):
    triangle = hullspace.Polyhedron([[-1, 0], [0, -1], [1, 1]], [0, 0, 1])
    network = lines((1, 0, 0), (0, 1, 0), (1, 1, -1), (1, -1, 0), (2, 1, -1), (1, 2, -1))
    # The three medians.
    assert len(regions(network, triangle, method)) == 6


@METHODS
@pytest.mark.parametrize("largest", [1, 2, 5])
@pytest.mark.parametrize("widths", [(1, 6, 4, 1), (2, 8, 4, 1), (2, 5, 5, 5, 2), (3, 6, 5, 1)])
def test_integer_weights(widths, largest, method):
    for seed in range(4):
        network = integer_network(np.random.default_rng([seed, largest]), *widths, largest=largest)
        assert_exact(network, None, method)
        assert_exact(network, BOX, method)


@METHODS
def test_integer_weights_in_four_dimensions(method):
    for seed in range(3):
        assert_exact(integer_network(np.random.default_rng(seed), 4, 5, 3, 1), BOX, method)


@METHODS
def test_second_layer_copies_the_first(method):
    """Units of the second layer vanish exactly where those of the first do, or nowhere inside."""
    normals, offsets = generic_rows(np.random.default_rng(4), 5, 2)
    eye = np.eye(5)
    for weight in (eye, -eye, eye - np.roll(eye, 1, axis=1)):
        network = ReluNetwork.from_arrays(
            [normals, weight, np.ones((1, 5))], [offsets, np.zeros(5), [0.0]]
        )
        count = assert_exact(network, None, method)
        if np.abs(weight).sum() == 5:
            assert count == generic_count(5, 2)


@METHODS
def test_functions_that_cancel_to_zero(method):
    """``relu(x) - relu(-x) - x`` and the like are zero or linear, up to nothing."""
    first = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
    second = np.array([[1, -1, 0, 0], [1, -1, -1, 1], [1, 1, -1, -1], [1, -1, 1, -1]])
    third = np.array([[1, 0, 0, -1], [1, -1, -1, 1], [1, 1, 1, 1]])
    network = ReluNetwork.from_arrays(
        [first, second, third, np.ones((1, 3))], [np.zeros(4), np.zeros(4), np.zeros(3), [0.0]]
    )
    assert_exact(network, None, method)
    assert_exact(network, BOX, method)


@METHODS
def test_whole_layers_off(method):
    normals, offsets = generic_rows(np.random.default_rng(5), 6, 2)
    generator = np.random.default_rng(6)
    second = -np.abs(generator.normal(size=(4, 6)))
    weights = [normals, second, generator.normal(size=(3, 4)), np.ones((1, 3))]
    network = ReluNetwork.from_arrays(weights, [offsets, np.full(4, -1.0), [1, -1, 0], [0.0]])
    found = regions(network, method=method)
    assert len(found) == generic_count(6, 2)
    bits = np.unpackbits(found.patterns, axis=1, bitorder="little").astype(bool)
    assert not bits[:, 6:10].any()
    assert (bits[:, 10:13] == [True, False, False]).all()
    assert not any(found.affine_map(i)[0].any() for i in range(len(found)))


@METHODS
def test_layers_that_are_off_in_some_regions(method):
    """A narrow second layer is off on large parts, on which the third has rows of zeros."""
    for seed in range(6):
        generator = np.random.default_rng(seed)
        network = random_network(generator, 2, 6, 2, 6, 1)
        assert_exact(network, None, method)
        biased = ReluNetwork.from_arrays(
            [w for w, _, _ in layers_of(network)],
            [b if k != 2 else np.array([1, 0, -1, 0, 0, 2.0])
             for k, (_, b, _) in enumerate(layers_of(network))],
        )  # fmt: skip
        assert_exact(biased, BOX, method)


FACTORS = [
    (1e150, 1.0, 1.0),
    (1e-150, 1.0, 1.0),
    (1e150, 1e-150, 1.0),
    (1e-150, 1e150, 1.0),
    (1e-150, 1e-150, 1.0),
    (1e120, 1e120, 1.0),
    (1.0, 1.0, 1e300),
]


# Squares of the others' rows leave the range of doubles, in which linear programs work.
MILD = [factors for factors in FACTORS if 1e-200 < factors[0] * factors[1] < 1e200]


@pytest.mark.parametrize(
    ("factors", "method"),
    [*((f, "vertices") for f in FACTORS), *((f, "lp") for f in MILD)],
)
def test_scales_of_weights(factors, method):
    network = scaled(random_network(np.random.default_rng(7), 2, 6, 4, 1, biases=False), factors)
    assert_exact(network, None, method)
    assert_exact(network, BOX, method)


@METHODS
@pytest.mark.parametrize("size", [1e-150, 1e-30, 1e30, 1e150])
def test_scales_of_inputs(size, method):
    """Inputs in other units: the same regions, larger or smaller."""
    network = random_network(np.random.default_rng(8), 2, 6, 4, 1)
    (first, *rest), biases = zip(*((w, b) for w, b, _ in layers_of(network)), strict=True)
    other = ReluNetwork.from_arrays([first / size, *rest], biases)
    expected = assert_exact(other, (-size, size), method)
    assert expected == assert_exact(network, BOX, method)
    assert assert_exact(other, None, method) == assert_exact(network, None, method)


@METHODS
def test_units_of_very_different_scales(method):
    normals, offsets = generic_rows(np.random.default_rng(9), 7, 3)
    sizes = 10.0 ** np.arange(-120, 121, 40)
    network = arrangement(sizes[:, None] * normals, sizes * offsets)
    assert len(regions(network, method=method)) == generic_count(7, 3)


@METHODS
def test_coordinates_of_very_different_scales(method):
    network = random_network(np.random.default_rng(10), 3, 6, 3, 1)
    sizes = np.array([1e-8, 1.0, 1e8])
    (first, *rest), biases = zip(*((w, b) for w, b, _ in layers_of(network)), strict=True)
    other = ReluNetwork.from_arrays([first / sizes, *rest], biases)
    assert_exact(other, (-sizes, sizes), method)


@METHODS
def test_small_boxes_far_away(method):
    """Regions near a point far from zero, at the resolution that doubles have there."""
    network = random_network(np.random.default_rng(11), 2, 8, 6, 1)
    for center in ([1e3, -1e3], [1e6, 2e6]):
        box = (np.array(center) - 1.0, np.array(center) + 1.0)
        assert_exact(network, box, method)


@METHODS
@pytest.mark.parametrize("slope", [0.01, 0.3, -0.5, 2.0, 1e-100])
def test_leaky_relu(slope, method):
    network = leaky(random_network(np.random.default_rng(12), 2, 5, 4, 1), slope)
    assert_exact(network, None, method)
    assert_exact(network, BOX, method)
    whole = leaky(integer_network(np.random.default_rng(13), 2, 5, 4, 1), slope)
    assert_exact(whole, BOX, method)


@METHODS
def test_linear_units_among_others(method):
    generator = np.random.default_rng(14)
    for _ in range(5):
        network = partly_linear(random_network(generator, 2, 6, 5, 1), generator)
        assert_exact(network, None, method)


@pytest.mark.parametrize(("domain", "method"), [
    (None, "auto"), (None, "lp"), (BOX, "vertices"), (BOX, "lp")
])  # fmt: skip
def test_no_hidden_units(domain, method):
    linear = ReluNetwork.from_arrays([[[1.0, 2.0], [3.0, 4.0]]], [[5.0, 6.0]])
    stages = [Stage((Term(0, Dense(np.eye(2))),), np.zeros(2), np.ones(2)), *linear.stages[:0]]
    for network in (linear, ReluNetwork([*stages, *stages_after(linear)], (2,))):
        found = hullspace.enumerate_regions(network, domain, method=method)
        assert found.status == Status.COMPLETE
        assert len(found) == 1
        assert found.patterns.shape == (1, 0)
        matrix, offset = found.affine_map(0)
        assert matrix.tolist() == [[1.0, 2.0], [3.0, 4.0]]
        assert offset.tolist() == [5.0, 6.0]
        assert found.polyhedron(0).n_constraints == (0 if domain is None else 4)
        assert found.find([[0.5, 0.25]]).tolist() == [0]


def stages_after(network):
    """The stages of a network as those after one more stage."""
    return [
        Stage(tuple(Term(t.source + 1, t.operator) for t in stage.terms), stage.bias, stage.slopes)
        for stage in network.stages
    ]


@METHODS
def test_one_input(method):
    places = np.array([-3.0, 0.0, 0.25, 0.25, 0.250000001, 7.0, 1e9])
    signs = np.array([1.0, -2.0, 1.0, 4.0, -1.0, 0.5, 1.0])
    network = arrangement(signs[:, None], -signs * places)
    assert len(regions(network, method=method)) == 7
    found = regions(network, BOX, method)
    ends = np.sort([np.sort(found.vertices(i).ravel()) for i in range(len(found))], axis=0)
    assert ends.tolist() == [[-1, 0], [0, 0.25], [0.25, 0.250000001], [0.250000001, 1]]
    for seed in range(5):
        deep = random_network(np.random.default_rng(seed), 1, 8, 8, 8, 1)
        assert_exact(deep, None, method)
        assert_exact(deep, BOX, method)


@METHODS
def test_more_inputs_than_units(method):
    generator = np.random.default_rng(15)
    network = random_network(generator, 9, 4, 3, 1)
    found = regions(network, method=method if method == "lp" else "auto")
    # In the coordinates that the first layer's four units are, the same network.
    square = ReluNetwork.from_arrays(
        [np.eye(4), *(w for w, _, _ in layers_of(network)[1:])],
        [b for _, b, _ in layers_of(network)],
    )
    assert as_set(found.patterns) == packed_set(exact_patterns(square))


@METHODS
def test_trained_networks(method):
    for widths in ((8, 8), (16,)):
        network = trained_on_moons(*widths)
        assert_exact(network, None, method)
        assert_exact(network, (-2.0, 3.0), method)


def test_a_larger_trained_network():
    network = trained_on_moons(32, 32)
    assert assert_exact(network, (-2.0, 3.0)) > 300
    found = regions(network, (-2.0, 3.0))
    assert abs(found.volumes.sum() - 25.0) <= 1e-9 * 25.0


def test_a_network_of_torch_with_one_layer_off():
    network = torch_network(2, 10, 5, 1)
    arrays = [(w, b) for w, b, _ in layers_of(network)]
    arrays[1] = (arrays[1][0], arrays[1][1] - 100.0)
    off = ReluNetwork.from_arrays(*zip(*arrays, strict=True))
    assert_exact(off, BOX)
