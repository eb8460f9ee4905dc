"""Numbers of linear regions: published formulas, known networks, brute force over all patterns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hullspace
from exact_oracles import exact_patterns
from hullspace import Status
from network_cases import (
    COUNTS,
    arrangement,
    central_count,
    generic_count,
    generic_rows,
    integer_network,
    leaky,
    partly_linear,
    random_network,
    torch_network,
)
from region_oracles import ReferenceSearch, as_set, brute_force, packed_set

BOX = (-1.0, 1.0)


def regions(network, domain=None, **options):
    """All regions, found completely, each once."""
    found = hullspace.enumerate_regions(network, domain, **options)
    assert found.status == Status.COMPLETE
    assert len(found.too_thin) == 0
    assert len(as_set(found.patterns)) == len(found)
    return found


@pytest.mark.parametrize("widths", COUNTS)
def test_slow_oracle_finds_the_known_counts(widths):
    everywhere, in_box = COUNTS[widths]
    network = torch_network(*widths)
    if everywhere is not None and everywhere < 1000:
        assert len(exact_patterns(network)) == everywhere
    if in_box < 1000:
        assert len(exact_patterns(network, BOX)) == in_box


def test_slow_oracles_agree():
    network = torch_network(2, 10, 5, 1)
    for domain in (None, BOX):
        exact = packed_set(exact_patterns(network, domain))
        assert as_set(ReferenceSearch(network, domain).patterns) == exact
    generator = np.random.default_rng(3)
    for widths in ((1, 4, 3, 1), (2, 4, 3, 2), (3, 6, 1)):
        for make in (random_network, integer_network):
            network = make(generator, *widths)
            for domain in (None, BOX):
                exact = packed_set(exact_patterns(network, domain))
                assert packed_set(brute_force(network, domain)) == exact


@pytest.mark.parametrize("method", ["auto", "vertices", "lp"])
@pytest.mark.parametrize("widths", [(2, 10, 5, 1), (2, 16, 16, 1)])
def test_small_networks(widths, method):
    everywhere, in_box = COUNTS[widths]
    network = torch_network(*widths)
    assert len(regions(network, method=method)) == everywhere
    assert len(regions(network, BOX, method=method)) == in_box


@pytest.mark.parametrize("widths", COUNTS)
def test_larger_networks(widths):
    everywhere, in_box = COUNTS[widths]
    network = torch_network(*widths)
    assert len(regions(network, BOX)) == in_box
    if everywhere is not None:
        assert len(regions(network)) == everywhere


@pytest.mark.slow
@pytest.mark.parametrize("widths", [w for w in COUNTS if w[1] == 16 or w[0] == 2])
def test_larger_networks_by_programs(widths):
    everywhere, in_box = COUNTS[widths]
    network = torch_network(*widths)
    assert len(regions(network, BOX, method="lp")) == in_box
    assert len(regions(network, method="lp")) == everywhere


@pytest.mark.parametrize("widths", [(2, 16, 16, 1), (3, 16, 16, 1)])
def test_patterns_of_larger_networks(widths):
    network = torch_network(*widths)
    assert as_set(regions(network, BOX).patterns) == packed_set(exact_patterns(network, BOX))


GENERIC = [
    (1, 1), (1, 60), (2, 1), (2, 2), (2, 10), (2, 60), (3, 2), (3, 12), (3, 40), (4, 4), (4, 20),
    (5, 3), (5, 14), (6, 6), (6, 12), (8, 8), (12, 7),
]  # fmt: skip
SLOW_GENERIC = [(3, 60), (4, 40), (5, 20), (6, 18)]
SLOWEST_GENERIC = [(4, 60), (5, 40)]


def assert_generic_count(d, n):
    network = arrangement(*generic_rows(np.random.default_rng([d, n]), n, d))
    assert len(regions(network)) == generic_count(n, d)


@pytest.mark.parametrize(("d", "n"), GENERIC)
def test_one_layer_in_general_position(d, n):
    assert_generic_count(d, n)


@pytest.mark.parametrize(("d", "n"), SLOW_GENERIC)
def test_one_larger_layer_in_general_position(d, n):
    assert_generic_count(d, n)


@pytest.mark.slow
@pytest.mark.parametrize(("d", "n"), SLOWEST_GENERIC)
def test_one_large_layer_in_general_position(d, n):
    assert_generic_count(d, n)


@pytest.mark.parametrize(("d", "n"), [(2, 8), (3, 10), (4, 9), (6, 9)])
def test_one_layer_in_general_position_by_programs(d, n):
    network = arrangement(*generic_rows(np.random.default_rng([d, n]), n, d))
    assert len(regions(network, method="lp")) == generic_count(n, d)


@pytest.mark.parametrize(("d", "n"), [
    (1, 1), (1, 7), (2, 1), (2, 10), (2, 60), (3, 3), (3, 20), (4, 12), (5, 10), (6, 10)
])  # fmt: skip
def test_one_layer_without_biases(d, n):
    normals, _ = generic_rows(np.random.default_rng([d, n]), n, d)
    network = arrangement(normals, np.zeros(n))
    assert len(regions(network)) == central_count(n, d)
    # All hyperplanes pass through the middle of the box: it has as many.
    assert len(regions(network, BOX)) == central_count(n, d)


def test_hyperplanes_in_general_position_within_a_small_box_far_away():
    normals, _ = generic_rows(np.random.default_rng(5), 9, 3)
    center = np.array([1e4, -2e4, 3e4])
    points = center + 1e-3 * np.random.default_rng(6).uniform(-1, 1, size=(9, 3))
    network = arrangement(normals, -np.einsum("ij,ij->i", normals, points))
    box = (center - 1e-2, center + 1e-2)
    assert as_set(regions(network, box).patterns) == packed_set(exact_patterns(network, box))


SMALL = [(1, 5, 1), (1, 3, 3, 1), (2, 6, 1), (2, 3, 3, 1), (2, 2, 2, 2, 1), (3, 4, 2, 2), (4, 6, 1)]


@pytest.mark.parametrize("block", range(8))
def test_random_small_networks_against_all_patterns(block):
    """Fifty networks a block, 400 in all; every fourth without biases, every other in a box."""
    for k in range(50 * block, 50 * block + 50):
        generator = np.random.default_rng([7, k])
        network = random_network(generator, *SMALL[k % len(SMALL)], biases=k % 4 != 3)
        box = BOX if k % 2 else None
        expected = packed_set(brute_force(network, box))
        found = regions(network, box, method=("vertices", "lp", "auto")[k % 3])
        assert as_set(found.patterns) == expected, k


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([random_network, integer_network]),
    st.lists(st.integers(1, 6), min_size=1, max_size=3),
    st.integers(1, 4),
    st.sampled_from([None, 0.1, -0.5]),
    st.booleans(),
    st.sampled_from([None, (-1.0, 1.0), (0.0, 1.0), (-3.0, 2.5)]),
    st.sampled_from(["vertices", "lp"]),
    st.integers(0, 2**32 - 1),
)
def test_networks_of_any_shape(make, widths, n_inputs, slope, mixed, box, method, seed):
    generator = np.random.default_rng(seed)
    network = make(generator, n_inputs, *widths, 2)
    if slope is not None:
        # A slope of 0.1 parts lines of integer networks by a rounding error, which is exact, but
        # nothing that a linear program could see.
        network = leaky(network, 0.125 if (slope, method) == (0.1, "lp") else slope)
    if mixed:
        network = partly_linear(network, generator)
    expected = packed_set(exact_patterns(network, box))
    if box is None and method == "vertices":
        method = "auto"  # where linear units pass on what no hyperplane depends on
    assert as_set(regions(network, box, method=method).patterns) == expected
