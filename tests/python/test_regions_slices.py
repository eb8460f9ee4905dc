"""Planar slices and decision boundaries."""

import numpy as np
import pytest

import hullspace
from hullspace import ReluNetwork, Status
from hullspace.networks import Convolution, Dense, Stage, Term, identity
from network_cases import arrangement, layers_of, random_network
from region_oracles import as_set


def residual_convolutional_network(seed=0):
    """Two convolutions with a connection around the second, and a linear layer: 96 inputs."""
    generator = np.random.default_rng(seed)
    first = Convolution(generator.normal(size=(4, 2, 3, 3)), (2, 6, 8), (1, 1), (1, 1, 1, 1))
    second = Convolution(generator.normal(size=(4, 4, 3, 3)), (4, 6, 8), (1, 1), (1, 1, 1, 1))
    n = first.n_out
    stages = [
        Stage((Term(0, first),), generator.normal(size=n), np.zeros(n)),
        Stage((Term(1, second), Term(1, identity(n))), generator.normal(size=n), np.full(n, 0.1)),
        Stage((Term(2, Dense(generator.normal(size=(3, n)))),), np.zeros(3), np.ones(3)),
    ]
    return ReluNetwork(stages, (2, 6, 8))


def area(polygon):
    (x, y), (next_x, next_y) = polygon.T, np.roll(polygon, -1, axis=0).T
    return 0.5 * np.sum(x * next_y - next_x * y)


def assert_slice(found):
    """Polygons tile the window, and the network has their patterns and classes inside them."""
    network, generator = found.network, np.random.default_rng(1)
    assert found.status == Status.COMPLETE
    assert len(as_set(found.patterns)) == len(found)
    shares = [generator.dirichlet(np.ones(len(polygon)), 5) for polygon in found.polygons]
    inside = np.array(
        [share @ polygon for share, polygon in zip(shares, found.polygons, strict=True)]
    )
    places = np.repeat(np.arange(len(found)), 5)
    inputs = found.lift(inside.reshape(-1, 2))
    assert np.array_equal(network.pattern(inputs), found.patterns[places])
    assert (found.find(inside.reshape(-1, 2)) == places).all()
    outputs = network(inputs)
    sure = found.labels[places] >= 0
    assert (outputs.argmax(axis=1) == found.labels[places])[sure].all()
    for i, polygon in enumerate(found.polygons):
        assert np.isclose(area(polygon), found.volumes[i], rtol=1e-6, atol=1e-12)
        W, b = found.affine_map(i)
        expected = inputs[5 * i : 5 * i + 5] @ W.T + b
        np.testing.assert_allclose(outputs[5 * i : 5 * i + 5], expected, rtol=1e-9, atol=1e-9)


def assert_boundary(found, n_lines=40):
    """On its pieces two classes tie at the top, and a line meets them just where classes change."""
    network, boundary = found.network, found.boundary
    assert (boundary.classes[:, 0] < boundary.classes[:, 1]).all()
    segments = boundary.segments
    assert len(segments) == len(boundary)
    for ends, classes in zip(segments, boundary.classes, strict=True):
        logits = network(found.lift(np.linspace(ends[0], ends[1], 5)))
        top = logits.max(axis=1, keepdims=True)
        assert np.abs(logits[:, classes] - top).max() <= 1e-9 * np.abs(logits).max()
    generator = np.random.default_rng(2)
    low, high = found.coordinates.min(axis=0), found.coordinates.max(axis=0)
    for _ in range(n_lines):
        a, b = generator.uniform(low, high, (2, 2))
        walk = hullspace.walk_segment(network, *found.lift([a, b]))
        assert np.allclose(np.sort(crossings(segments, a, b)), walk.class_changes, atol=1e-7)


def crossings(segments, a, b):
    """Where a line from a to b meets segments."""
    along = b - a
    normal = np.array([-along[1], along[0]])
    sides = (segments - a) @ normal
    met = sides[:, 0] * sides[:, 1] < 0
    share = sides[met, 0] / (sides[met, 0] - sides[met, 1])
    places = segments[met, 0] + share[:, None] * (segments[met, 1] - segments[met, 0])
    t = (places - a) @ along / (along @ along)
    return t[(t > 0) & (t < 1)]


def test_a_plane_of_a_residual_convolutional_network():
    network = residual_convolutional_network()
    origin, u, v = np.random.default_rng(3).normal(size=(3, *network.input_shape))
    found = hullspace.slice_regions(network, origin, u, v, ((-0.5, 0.5), (-0.25, 0.5)))
    assert len(found) > 50
    assert np.isclose(found.volumes.sum(), 0.75, rtol=1e-12)
    assert_slice(found)
    assert_boundary(found)


def test_a_slice_of_two_inputs_is_the_enumeration():
    network = random_network(np.random.default_rng(4), 2, 12, 10, 3)
    found = hullspace.slice_regions(network, np.zeros(2), [2.0, 0.0], [0.0, 3.0], (-1, 1))
    whole = hullspace.enumerate_regions(network, ([-2.0, -3.0], [2.0, 3.0]))
    assert as_set(found.patterns) == as_set(whole.patterns)
    assert np.isclose(6.0 * found.volumes.sum(), whole.volumes.sum())
    assert_slice(found)
    assert_boundary(found)
    assert found.verify().complete


def test_a_slice_goes_on_and_stays_a_slice(tmp_path):
    network = residual_convolutional_network()
    points = np.random.default_rng(5).normal(size=(3, *network.input_shape))
    names = ("a", "b", "c")
    whole = hullspace.slice_through(network, points, names=names)
    part = hullspace.slice_through(network, points, names=names, max_regions=20)
    assert part.status == Status.LIMIT
    again = part.resume()
    assert isinstance(again, hullspace.RegionSlice)
    assert again.names == names
    assert as_set(again.patterns) == as_set(whole.patterns)
    part.save(tmp_path / "part.npz")
    loaded = hullspace.RegionSlice.load(tmp_path / "part.npz").resume()
    assert as_set(loaded.patterns) == as_set(whole.patterns)
    np.testing.assert_allclose(whole.lift(whole.points), points.reshape(3, -1), atol=1e-12)
    assert whole.points[0].tolist() == [0.0, 0.0]
    assert abs(whole.points[1, 1]) < 1e-12


def test_a_slice_draws_itself():
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    network = random_network(np.random.default_rng(6), 5, 12, 10, 3)
    points = np.random.default_rng(7).normal(size=(3, 5))
    found = hullspace.slice_through(network, points, names=("a", "b", "c"))
    axes = found.plot(classes=("x", "y", "z"))
    texts = {text.get_text() for text in axes.texts}
    assert {"a", "b", "c"} <= texts
    plt.close(axes.figure)


NETWORK = arrangement([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], [0.0, 0.0])
AXES = np.eye(3)


@pytest.mark.parametrize(("name", "arguments"), [
    ("network", (None, AXES[0], AXES[1], AXES[2])),
    ("origin", (NETWORK, np.zeros(2), AXES[1], AXES[2])),
    ("u", (NETWORK, AXES[0], [1.0, np.nan, 0.0], AXES[2])),
    ("v", (NETWORK, AXES[0], AXES[1], "abc")),
    ("u and v", (NETWORK, AXES[0], AXES[1], 2.0 * AXES[1])),
    ("u and v", (NETWORK, AXES[0], AXES[1], np.zeros(3))),
    ("bounds", (NETWORK, *AXES, (1.0, -1.0))),
    ("bounds", (NETWORK, *AXES, (0.0, 1.0, 2.0))),
    ("bounds", (NETWORK, *AXES, (0.0, np.inf))),
    ("bounds", (NETWORK, *AXES, ("a", "b"))),
    ("bounds", (NETWORK, *AXES, ((0.0, 1.0), (0.0, 1.0, 2.0)))),
])  # fmt: skip
def test_bad_planes(name, arguments):
    with pytest.raises((TypeError, ValueError), match=rf"^{name} must"):
        hullspace.slice_regions(*arguments)


def test_points_on_a_line_span_no_plane():
    with pytest.raises(ValueError, match=r"^points must"):
        hullspace.slice_through(NETWORK, [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [2.0, 2.0, 2.0]])
    with pytest.raises(ValueError, match=r"^points must"):
        hullspace.slice_through(NETWORK, AXES[:2])


@pytest.mark.parametrize("margin", [-1.0, np.nan, np.inf, "wide"])
def test_bad_margins(margin):
    with pytest.raises((TypeError, ValueError), match=r"^margin must"):
        hullspace.slice_through(NETWORK, AXES, margin)
    with pytest.raises(TypeError, match=r"^network must"):
        hullspace.slice_through(None, AXES)


# Boundaries in more dimensions


@pytest.mark.parametrize("domain", [(-1.0, 1.0), None])
def test_pieces_in_space_are_ties(domain):
    network = random_network(np.random.default_rng(8), 3, 8, 7, 4, biases=False)
    regions = hullspace.enumerate_regions(network, domain)
    boundary = hullspace.decision_boundary(regions)
    assert len(boundary) > 20
    assert set(boundary.regions.tolist()) >= set(np.flatnonzero(regions.labels < 0).tolist())
    for i in range(len(boundary)):
        corners = boundary.vertices(i)
        logits = network(corners)
        top = logits.max(axis=1, keepdims=True)
        scale = 1.0 + np.abs(logits).max(initial=0.0)
        assert np.abs(logits[:, boundary.classes[i]] - top).max(initial=0.0) <= 1e-9 * scale
        assert boundary.polyhedron(i).contains(corners, 1e-7).all()


def test_every_change_of_class_in_space_crosses_a_piece():
    network = random_network(np.random.default_rng(9), 3, 8, 7, 4, biases=False)
    boundary = hullspace.decision_boundary(hullspace.enumerate_regions(network, (-1, 1)))
    pieces = [boundary.polyhedron(i) for i in range(len(boundary))]
    ends = np.random.default_rng(10).uniform(-1, 1, (30, 2, 3))
    n_changes = 0
    for a, b in ends:
        walk = hullspace.walk_segment(network, a, b)
        n_changes += len(walk.class_changes)
        for place in walk.points(walk.class_changes):
            assert any(piece.contains(place[None], 1e-7)[0] for piece in pieces)
    assert n_changes > 10


def test_boundary_by_programs_is_that_by_vertices():
    network = random_network(np.random.default_rng(11), 7, 6, 3)
    regions = hullspace.enumerate_regions(network, (-1, 1))
    assert regions.method == "lp"
    boundary = hullspace.decision_boundary(regions)
    by_vertices = hullspace.decision_boundary(
        hullspace.enumerate_regions(network, (-1, 1), method="vertices")
    )

    def keys(found):
        regions = found._complex
        return {
            (regions.patterns[r].tobytes(), *pair)
            for r, pair in zip(found.regions, found.classes.tolist(), strict=True)
        }

    assert keys(boundary) == keys(by_vertices)


def test_a_boundary_along_facets_of_regions():
    """Classes that change just where a unit does: relu(x) against relu(-x)."""
    network = ReluNetwork.from_arrays([[[1.0, 0.0], [-1.0, 0.0]], np.eye(2)], [[0, 0], [0, 0]])
    boundary = hullspace.decision_boundary(hullspace.enumerate_regions(network, (-1, 1)))
    assert len(boundary) == 1
    assert boundary.classes.tolist() == [[0, 1]]
    assert sorted(boundary.segments[0].tolist()) == [[0.0, -1.0], [0.0, 1.0]]


def test_a_single_output_changes_class_at_zero():
    layers = [*layers_of(arrangement([[1.0, 0.0], [-1.0, 0.0]], [0.0, 0.0]))]
    (weight, bias), _ = ((w, b) for w, b, _ in layers)
    network = ReluNetwork.from_arrays([weight, [[1.0, 1.0]]], [bias, [-0.5]])  # |x| - 0.5
    regions = hullspace.enumerate_regions(network, (-1, 1))
    boundary = hullspace.decision_boundary(regions)
    assert sorted(boundary.segments[:, 0, 0].tolist()) == [-0.5, 0.5]
    assert regions.labels.tolist() == [-1, -1]
    with pytest.raises(TypeError, match=r"^complex must"):
        hullspace.decision_boundary(network)


def tents(n_inputs, outputs, biases):
    """``relu(x)`` and ``relu(-x)`` of the first of some inputs, and outputs of these."""
    rows = np.zeros((2, n_inputs))
    rows[:, 0] = 1.0, -1.0
    return ReluNetwork.from_arrays([rows, outputs], [[0.0, 0.0], biases])


@pytest.mark.parametrize(("outputs", "biases", "expected"), [
    (np.eye(2), [0.0, 0.0], [[0, 1]]),  # a tie along the facet between both regions
    ([[1.0, -1.0]], [0.0], [[0, 1]]),
    ([[1.0, 1.0], [0.0, 0.0]], [-1.0, 0.0], [[0, 1]] * 2),
    ([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]], [-1.0, -1.0, 0.0], [[0, 2]] * 2),  # the same class twice
    ([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]], [-1.0, 0.0, -1.0], []),
])  # fmt: skip
def test_ties_in_special_position(outputs, biases, expected):
    for n_inputs in (2, 8):
        regions = hullspace.enumerate_regions(tents(n_inputs, outputs, biases), (-2, 2))
        assert hullspace.decision_boundary(regions).classes.tolist() == expected
    # The same in a plane of the eight inputs.
    equalities = np.eye(8)[2:], np.zeros(6)
    box = np.vstack([np.eye(8)[:2], -np.eye(8)[:2]]), np.full(4, 2.0)
    plane = hullspace.Polyhedron(*box, equalities)
    regions = hullspace.enumerate_regions(tents(8, outputs, biases), plane, method="lp")
    assert hullspace.decision_boundary(regions).classes.tolist() == expected


def test_pieces_along_facets_are_facets():
    regions = hullspace.enumerate_regions(tents(8, np.eye(2), [0.0, 0.0]), (-2, 2))
    boundary = hullspace.decision_boundary(regions)
    facet = boundary.polyhedron(0).chebyshev_center()
    assert facet.radius == pytest.approx(2.0)
    assert facet.center[0] == pytest.approx(0.0)


def test_pieces_are_counted_from_the_end_too():
    boundary = hullspace.decision_boundary(
        hullspace.enumerate_regions(tents(2, [[1.0, 1.0]], [-1.0]), (-2, 2))
    )
    assert np.array_equal(boundary.vertices(-1), boundary.vertices(1))
    assert len(boundary.vertices(-1)) == 2
    with pytest.raises(IndexError):
        boundary.vertices(2)
