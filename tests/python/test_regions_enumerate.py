"""What a complex of linear regions tells of them."""

import numpy as np
import pytest
from scipy import sparse

import hullspace
from exact_oracles import exact_patterns
from hullspace import Polyhedron, ReluNetwork, Status
from hullspace.networks import unpack
from network_cases import (
    COUNTS,
    arrangement,
    generic_count,
    generic_rows,
    integer_network,
    leaky,
    random_network,
    residual_network,
    torch_network,
    trained_on_moons,
)
from region_oracles import adjacent, as_set, packed_set, rows_of

enumerate_regions = getattr(hullspace, "enumerate_regions", None)
BOX = (-1.0, 1.0)


def networks():
    """Small networks of several kinds, each with a box."""
    generator = np.random.default_rng(0)
    return {
        "one input": (random_network(generator, 1, 6, 5, 2), BOX),
        "plane": (random_network(generator, 2, 6, 5, 3), BOX),
        "space": (random_network(generator, 3, 5, 3, 3), BOX),
        "four inputs": (random_network(generator, 4, 5, 2), BOX),
        "integers": (integer_network(generator, 2, 7, 4, 3), BOX),
        "leaky": (leaky(random_network(generator, 2, 6, 5, 3), 0.1), BOX),
        "long box": (random_network(generator, 2, 6, 5, 3), ([-3.0, 0.5], [2.0, 0.75])),
    }


CASES = pytest.mark.parametrize("name", networks())


@pytest.fixture(params=["vertices", "lp"])
def method(request):
    """The way of searching, both of which must give the same."""
    return request.param


def points_of(box, n, d, seed=1):
    """Random points of a box."""
    return np.random.default_rng(seed).uniform(*box, size=(n, d))


@CASES
def test_patterns_and_interior_points(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    assert found.status == Status.COMPLETE
    assert found.method == method
    assert found.network is network
    assert found.patterns.dtype == np.uint8
    assert found.patterns.shape == (len(found), -(-network.n_hidden // 8))
    assert found.interior_points.shape == (len(found), network.n_inputs)
    assert found.interior_points.dtype == np.float64
    assert np.array_equal(network.pattern(found.interior_points), found.patterns)
    for i, point in enumerate(found.interior_points):
        region = found.polyhedron(i)
        assert (region.A @ point < region.b).all()
    assert as_set(found.patterns) == packed_set(exact_patterns(network, box))


@CASES
def test_inradii(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    expected = [found.polyhedron(i).chebyshev_center().radius for i in range(len(found))]
    assert found.inradii.shape == (len(found),)
    np.testing.assert_allclose(found.inradii, expected, rtol=1e-8)


def test_inradii_of_unbounded_regions(method):
    network = arrangement([[1, 0], [1, 0], [0, 1]], [0, 1, 0])
    found = enumerate_regions(network, method=method)
    assert sorted(found.inradii.tolist()) == [0.5, 0.5, *[np.inf] * 4]
    assert np.isfinite(found.interior_points).all()


@CASES
def test_affine_maps(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    for i, point in enumerate(found.interior_points):
        matrix, offset = found.affine_map(i)
        assert matrix.shape == (network.n_outputs, network.n_inputs)
        assert offset.shape == (network.n_outputs,)
        np.testing.assert_allclose(matrix @ point + offset, network(point[None])[0], atol=1e-9)


@CASES
def test_polyhedra_hold_exactly_the_points_with_their_pattern(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    points = points_of(box, 300, network.n_inputs)
    patterns = network.pattern(points)
    for i in range(len(found)):
        region = found.polyhedron(i)
        assert region.irredundant().indices.tolist() == list(range(region.n_constraints))
        same = (patterns == found.patterns[i]).all(axis=1)
        assert np.array_equal(region.contains(points, tolerance=0.0), same)


@CASES
def test_vertices(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    for i in range(len(found)):
        region, vertices = found.polyhedron(i), found.vertices(i)
        assert region.contains(vertices).all()
        expected = region.vertices()
        assert len(vertices) == len(expected)
        distances = np.linalg.norm(vertices[:, None] - expected[None], axis=2)
        assert distances.min(axis=1).max() < 1e-7
        assert distances.min(axis=0).max() < 1e-7


@CASES
def test_volumes_add_up(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    whole = np.prod(np.broadcast_to(np.subtract(*box[::-1]), network.n_inputs))
    assert found.volumes.shape == (len(found),)
    assert (found.volumes > 0).all()
    assert abs(found.volumes.sum() - whole) <= 1e-9 * whole


@pytest.mark.parametrize("widths", [(2, 16, 16, 1), (3, 16, 16, 1)])
def test_volumes_of_larger_networks_add_up(widths):
    found = enumerate_regions(torch_network(*widths), BOX)
    assert abs(found.volumes.sum() - 2.0 ** widths[0]) <= 1e-9 * 2.0 ** widths[0]


@CASES
def test_adjacency(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    graph = found.adjacency()
    assert sparse.issparse(graph)
    assert graph.format == "csr"
    assert graph.shape == (len(found), len(found))
    bits = unpack(found.patterns, network.n_hidden)
    assert np.array_equal(graph.toarray().astype(bool), adjacent(network, bits, box))


def test_adjacency_in_all_space(method):
    network = random_network(np.random.default_rng(2), 2, 5, 3, 1)
    found = enumerate_regions(network, method=method)
    bits = unpack(found.patterns, network.n_hidden)
    assert np.array_equal(found.adjacency().toarray().astype(bool), adjacent(network, bits))


def test_adjacency_of_a_grid(method):
    """A 3 x 3 grid of lines: corners do not count, copies of a line do not hide facets."""
    normals = np.repeat(np.eye(2), 3, axis=0)
    network = arrangement(np.vstack([normals, -normals]), np.tile([-0.5, 0.0, 0.5], 4))
    graph = enumerate_regions(network, BOX, method=method).adjacency()
    assert graph.shape == (16, 16)
    assert sorted(graph.astype(int).sum(axis=1).tolist()) == [2] * 4 + [3] * 8 + [4] * 4


@CASES
def test_labels(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    assert found.labels.dtype == np.int64
    for i, label in enumerate(found.labels):
        matrix, offset = found.affine_map(i)
        values = found.vertices(i) @ matrix.T + offset
        best = values >= values.max(axis=1, keepdims=True) - 1e-9
        if label >= 0:
            assert best[:, label].all()
        else:
            assert not best.all(axis=0).any()
    points = points_of(box, 500, network.n_inputs)
    labels = found.labels[found.find(points)]
    assert np.array_equal(labels[labels >= 0], network(points).argmax(axis=1)[labels >= 0])


def test_labels_of_a_classifier(method):
    network = trained_on_moons(8, 8)
    found = enumerate_regions(network, (-2.0, 3.0), method=method)
    assert set(found.labels) == {-1, 0, 1}
    labels = found.labels[found.find(points_of((-2.0, 3.0), 2000, 2))]
    assert (labels >= 0).mean() > 0.3


@CASES
def test_find(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    assert found.find(found.interior_points).tolist() == list(range(len(found)))
    points = points_of(box, 500, network.n_inputs)
    places = found.find(points)
    assert np.issubdtype(places.dtype, np.integer)
    assert np.array_equal(found.patterns[places], network.pattern(points))
    assert found.find(points[:1] + 100.0).tolist() == [-1]
    assert found.find(np.zeros((0, network.n_inputs))).shape == (0,)


def test_find_in_an_incomplete_complex(method):
    network = torch_network(2, 16, 16, 1)
    found = enumerate_regions(network, BOX, max_regions=20, method=method)
    points = points_of(BOX, 500, 2)
    known = {bytes(row): i for i, row in enumerate(found.patterns)}
    expected = [known.get(bytes(row), -1) for row in network.pattern(points)]
    assert found.find(points).tolist() == expected
    assert -1 in expected


def test_forms_of_the_domain(method):
    network = torch_network(2, 10, 5, 1)
    sides = Polyhedron(*rows_of(BOX, 2))
    domains = [
        BOX, (-1, 1), ([-1, -1], [1, 1]), (np.full(2, -1.0), 1.0), [-1.0, 1.0], sides,
        (np.float32(-1), np.ones(2, np.float32)),
    ]  # fmt: skip
    for domain in domains:
        found = enumerate_regions(network, domain, method=method)
        assert len(found) == COUNTS[2, 10, 5, 1][1]
        assert isinstance(found.domain, Polyhedron)
        assert found.domain.contains([[0.99, -0.99], [1.01, 0.0]]).tolist() == [True, False]
    assert enumerate_regions(network, method=method).domain is None


@pytest.mark.parametrize(("A", "b"), [
    ([[-1, 0], [0, -1], [1, 1]], [1, 1, 1]),  # a triangle
    ([[-1, 0.2], [0.1, -1]], [0.3, 0.2]),  # a wedge, unbounded
    ([[1, 0], [-1, 0]], [0.5, 0.25]),  # a strip, without vertices
    ([[1, 1]], [0.1]),  # a half-plane
    ([[1, 0], [1, 0], [1, 1], [0, 0], [-1, 0], [0, 1], [0, -1]], [1, 2, 50, 0, 1, 1, 1]),
    (np.zeros((0, 2)), []),
])  # fmt: skip
def test_polyhedral_domains(A, b, method):
    """As many regions as of the network with the domain's rows for units, where these are off."""
    first, second = generic_rows(np.random.default_rng(4), 7, 2)
    network = arrangement(first, second)
    found = enumerate_regions(network, Polyhedron(A, b), method=method)
    assert found.status == Status.COMPLETE
    A, b = np.asarray(A, float), np.asarray(b, float)
    more = arrangement(np.vstack([first, A]), np.append(second, -b))
    bits = exact_patterns(more)
    inside = bits[~bits[:, 7:].any(axis=1), :7]
    assert as_set(found.patterns) == packed_set(inside)
    for i, point in enumerate(found.interior_points):
        assert (A @ point <= b).all()
        region = found.polyhedron(i)
        assert region.irredundant().indices.tolist() == list(range(region.n_constraints))
        assert (region.A @ point < region.b).all()


def test_domain_with_equalities(method):
    """A plane of R^3: the regions are those of the network of the plane's coordinates."""
    network = random_network(np.random.default_rng(5), 3, 6, 4, 2)
    A, b = rows_of(BOX, 3)
    domain = Polyhedron(A, b, ([[0.0, 0.0, 2.0]], [0.5]))
    found = enumerate_regions(network, domain, method=method)
    first = network.stages[0].terms[0].operator.matrix
    arrays = [[s.terms[0].operator.matrix, s.bias] for s in network.stages]
    arrays[0] = [first[:, :2], network.stages[0].bias + 0.25 * first[:, 2]]
    plane = ReluNetwork.from_arrays(*zip(*arrays, strict=True))
    assert as_set(found.patterns) == packed_set(exact_patterns(plane, BOX))
    assert np.allclose(found.interior_points[:, 2], 0.25, rtol=0, atol=1e-12)
    assert np.array_equal(network.pattern(found.interior_points), found.patterns)
    assert len(found.polyhedron(0).E) == 1


def test_all_space(method):
    network = random_network(np.random.default_rng(6), 3, 5, 3, 1)
    found = enumerate_regions(network, method=method)
    assert as_set(found.patterns) == packed_set(exact_patterns(network))
    assert np.array_equal(network.pattern(found.interior_points), found.patterns)
    points = 10.0 * np.random.default_rng(7).normal(size=(500, 3))
    assert np.array_equal(found.patterns[found.find(points)], network.pattern(points))


def test_methods_agree_on_networks_with_skips(method):
    network = residual_network(np.random.default_rng(8), 2, 6)
    found = enumerate_regions(network, BOX, method=method)
    assert np.array_equal(network.pattern(found.interior_points), found.patterns)
    assert abs(found.volumes.sum() - 4.0) <= 4e-9
    other = enumerate_regions(network, BOX, method="lp" if method == "vertices" else "vertices")
    assert as_set(found.patterns) == as_set(other.patterns)


def test_more_inputs_than_vertices_can_serve():
    network = arrangement(*generic_rows(np.random.default_rng(9), 9, 16))
    found = enumerate_regions(network, BOX)
    assert found.method == "lp"
    assert len(found) <= generic_count(9, 16)
    everywhere = enumerate_regions(network)
    assert len(everywhere) == 2**9
    assert as_set(found.patterns) <= as_set(everywhere.patterns)
