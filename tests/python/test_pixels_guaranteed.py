"""Guaranteed radii against closed forms, samples and exact nearest boundaries."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullspace import ReluNetwork, Status
from hullspace.bounds.gradients import rounding_factor, unit_gradients
from hullspace.pixels import guaranteed_radius
from hullspace.pixels.deviations import Deviations
from hullspace.regions import nearest_boundary, region_at

METHODS = ("region", "intervals", "bounds")
NORMS = (2, np.inf)


def random_network(*sizes, seed=0):
    generator = np.random.default_rng(seed)
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    return ReluNetwork.from_arrays(
        [generator.normal(size=shape) / np.sqrt(shape[1]) for shape in shapes],
        [0.3 * generator.normal(size=shape[0]) for shape in shapes],
    )


def points_within(x, norm, radius, n=200, seed=0):
    """Points at random, most of them near the sphere, in the box."""
    generator = np.random.default_rng(seed)
    steps = generator.normal(size=(n, x.size))
    if norm == np.inf:
        steps[::2] = np.sign(steps[::2])
    steps /= np.linalg.norm(steps, norm, axis=1, keepdims=True)
    steps *= radius * generator.uniform(0.8, 1.0, size=(n, 1))
    return np.clip(x.reshape(-1) + steps, 0.0, 1.0)


def require_sound(network, images, found):
    """Statuses and orders fit, and no point within a radius has another class."""
    rows = np.reshape(images, (len(images), -1))
    for norm, bracket in found.brackets.items():
        assert (bracket.radii[1:3] >= bracket.radii[: len(bracket.radii[1:3])]).all()
        assert bracket.consistent.all()
        assert (bracket.lower == bracket.radii.max(axis=0)).all()
        for x, label, radius in zip(rows, found.classes, bracket.lower, strict=True):
            reach = min(radius, 2.0 * np.sqrt(len(x)))
            classes = network(points_within(x, norm, 0.999999 * reach)).argmax(axis=1)
            assert (classes == label).all()


def affine(seed=0, n=6, n_classes=4):
    generator = np.random.default_rng(seed)
    W, b = generator.normal(size=(n_classes, n)), generator.normal(size=n_classes)
    return W, b, ReluNetwork.from_arrays([W], [b])


@pytest.mark.parametrize("method", [*METHODS, "exact"])
def test_affine_networks_in_closed_form(method):
    W, b, network = affine()
    images = np.random.default_rng(1).uniform(size=(8, 6))
    found = guaranteed_radius(network, images, methods=[method], bounds=(-50, 50))
    outputs = images @ W.T + b
    labels = outputs.argmax(axis=1)
    assert (found.classes == labels).all()
    for norm, dual in ((2, 2), (np.inf, 1)):
        for i, label in enumerate(labels):
            others = np.delete(np.arange(4), label)
            margins = outputs[i, label] - outputs[i, others]
            truth = (margins / np.linalg.norm(W[label] - W[others], dual, axis=1)).min()
            assert found[norm].lower[i] <= truth
            assert found[norm].lower[i] == pytest.approx(truth, rel=1e-5)
    assert found.margins == pytest.approx(np.diff(np.sort(outputs))[:, -1])


def test_the_box_makes_radii_larger():
    # The straight way to the tie leaves the box, and along its side it is four times as long.
    network = ReluNetwork.from_arrays([[[0.0, 0.0], [4.0, 1.0]]], [[0.0, -5.0]])
    free = guaranteed_radius(network, [[1.0, 0.5]], bounds=None)
    boxed = guaranteed_radius(network, [[1.0, 0.5]])
    assert free[2].lower == pytest.approx([0.5 / np.sqrt(17)])
    assert boxed[2].lower == pytest.approx([0.5], rel=0.05)
    assert boxed[np.inf].lower == pytest.approx([0.5], rel=0.05)
    assert boxed[2].of("region") == pytest.approx(free[2].lower)
    assert boxed[2].method[0] == "bounds"


def test_a_class_that_never_changes_within_the_box():
    network = ReluNetwork.from_arrays([np.eye(2), [[1.0, 1.0], [0.0, 0.0]]], [[0, 0], [1, 0]])
    found = guaranteed_radius(network, [[0.5, 0.5]], methods=[*METHODS, "exact"])
    for norm in NORMS:
        assert np.isinf(found[norm].of("bounds")).all()
        assert np.isinf(found[norm].lower).all()
        assert found[norm].consistent.all()
        assert np.isnan(found[norm].ratio).all()
    assert found[2].statuses[3, 0] == Status.EMPTY


@pytest.mark.parametrize("sizes", [(3, 8, 3), (4, 8, 6, 2)])
def test_radii_stay_below_the_exact_distance(sizes):
    network = random_network(*sizes, seed=sum(sizes))
    images = np.random.default_rng(2).uniform(size=(4, sizes[0]))
    found = guaranteed_radius(network, images, methods=[*METHODS, "exact"])
    require_sound(network, images, found)
    for norm in NORMS:
        assert set(found[norm].statuses[3]) <= {Status.OPTIMAL, Status.EMPTY}
        assert found[norm].of("exact") == pytest.approx(found[norm].upper, rel=1e-5)
        assert (found[norm].radii <= found[norm].upper * (1.0 + 1e-9)).all()
        for i, x in enumerate(images):
            region = region_at(network, x)
            expected = region.class_radius if norm == 2 else region.class_radius_inf
            assert found[norm].of("region")[i] == pytest.approx(expected, rel=1e-12)


def test_bounds_reach_far_where_regions_are_small():
    network = random_network(10, 60, 60, 3, seed=5)
    images = np.random.default_rng(3).uniform(size=(10, 10))
    found = guaranteed_radius(network, images)
    require_sound(network, images, found)
    for bracket in found.brackets.values():
        region, intervals, bounds = np.median(bracket.radii, axis=1)
        assert bounds > 1.2 * intervals
        assert intervals > 2.0 * region


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
    st.integers(1, 5),
    st.integers(2, 4),
)
def test_no_sample_within_a_radius_changes_class(seed, hidden, n_inputs, n_classes):
    network = random_network(n_inputs, *hidden, n_classes, seed=seed)
    images = np.random.default_rng(seed).uniform(size=(2, n_inputs))
    require_sound(network, images, guaranteed_radius(network, images, n_threads=1))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 2.0), st.sampled_from(NORMS))
def test_deviations_hold_units_and_margins(seed, radius, norm):
    network = random_network(4, 9, 9, 3, seed=seed)
    x = np.random.default_rng(seed).uniform(size=4)
    rounding = rounding_factor(network)
    found = unit_gradients(network, x, 2**20, rounding)
    label = int(found.inputs[-1].argmax())
    deviations = Deviations(network, found, norm, label, 4.0 * rounding)
    low, high = deviations.bounds(radius)
    steps = points_within(np.zeros(4), norm, radius)
    generator = np.random.default_rng(seed)
    steps = steps * generator.choice([-1.0, 1.0], size=steps.shape)
    values = network.preactivations(x + np.minimum(steps, radius))
    hidden = np.concatenate(values[:-1], axis=1)
    assert (low <= hidden).all()
    assert (hidden <= high).all()
    margins = values[-1][:, [label]] - np.delete(values[-1], label, axis=1)
    assert (deviations.margins(np.array([radius]))[0] <= margins.min(axis=0)).all()


def leaky(slope):
    """Two units of any slope, by their stages."""
    from hullspace.networks import Dense, Stage, Term

    generator = np.random.default_rng(7)
    first = Stage(
        (Term(0, Dense(generator.normal(size=(6, 3)))),),
        0.2 * generator.normal(size=6),
        np.full(6, slope),
    )
    skip = (Term(1, Dense(generator.normal(size=(2, 6)))), Term(0, Dense(np.eye(2, 3))))
    return ReluNetwork([first, Stage(skip, np.zeros(2), np.ones(2))], (3,))


@pytest.mark.parametrize("slope", [0.1, -1.0, 3.0])
def test_other_slopes_and_skipped_stages(slope):
    network = leaky(slope)
    images = np.random.default_rng(4).uniform(size=(10, 3))
    require_sound(network, images, guaranteed_radius(network, images, methods=[*METHODS, "exact"]))


def test_ties_hyperplanes_and_corners():
    network = ReluNetwork.from_arrays(
        [np.eye(2), [[1.0, 0.0], [0.0, 1.0]]], [[-0.5, -0.5], [0.0, 0.0]]
    )
    images = np.array([[0.75, 0.75], [0.5, 0.75], [1.0, 0.0], [0.0, 1.0]])
    found = guaranteed_radius(network, images, methods=METHODS)
    for norm in NORMS:
        assert found[norm].radii[:, 0].tolist() == [0.0, 0.0, 0.0]
        assert set(found[norm].statuses[:, 0]) == {Status.COMPLETE}
        # On a hyperplane the region ends at once, and the class does not.
        assert found[norm].of("region")[1] == 0.0
        assert found[norm].statuses[0, 1] == Status.UNDECIDED
        assert 0.05 < found[norm].lower[1] <= 0.25
    require_sound(network, images[1:], guaranteed_radius(network, images[1:]))


def test_a_box_of_one_point():
    network = random_network(3, 5, 2)
    found = guaranteed_radius(network, [[0.5, 0.5, 0.5]], bounds=(0.5, 0.5))
    assert np.isinf(found[2].lower).all()


def test_bounds_give_up_where_memory_or_time_end():
    network = random_network(10, 60, 60, 3, seed=5)
    images = np.random.default_rng(3).uniform(size=(2, 10))
    whole = guaranteed_radius(network, images)
    for options in ({"memory": 1.0}, {"time_limit": 1e-9}, {"memory": 24.0 * 123 * 20}):
        found = guaranteed_radius(network, images, **options)
        for norm in NORMS:
            intervals, bounds = found[norm].of("intervals"), found[norm].of("bounds")
            assert set(found[norm].statuses[2]) <= {Status.LIMIT, Status.COMPLETE}
            assert (intervals <= bounds).all()
            assert (bounds <= 1.06 * whole[norm].of("bounds")).all()
        require_sound(network, images, found)
        assert Status.LIMIT in found[np.inf].statuses[2]


def test_rounding_that_grows_beyond_all_margins_is_said():
    # Each pair of layers does nothing, and its absolute values multiply by 15.
    mix, undo = np.array([[8.0, 7.0], [7.0, 8.0]]), np.array([[8.0, -7.0], [-7.0, 8.0]]) / 15.0
    weights = [mix, undo] * 16 + [np.eye(2)]
    network = ReluNetwork.from_arrays(weights, [np.zeros(2)] * len(weights))
    x = [[0.5, 0.75]]
    bounded = guaranteed_radius(network, x)
    left_out = guaranteed_radius(network, x, bound_rounding=False)
    for norm in NORMS:
        assert bounded[norm].lower.tolist() == [0.0]
        assert set(bounded[norm].statuses[:, 0]) == {Status.UNDECIDED}
        assert left_out[norm].lower[0] > 0.0


def test_flips_bracket_the_truth():
    _, _, network = affine()
    images = np.random.default_rng(1).uniform(size=(3, 6))
    lower = guaranteed_radius(network, images, norms=[2], methods=["region"], bounds=None)[2].lower
    distances = np.array([lower[0] * 2.0, np.inf, lower[2] * 0.5])
    for flips in (distances, SimpleNamespace(distances=distances), {2: distances}):
        options = {"norms": [2], "methods": ["region"], "bounds": None}
        found = guaranteed_radius(network, images, flips=flips, **options)[2]
        assert found.upper.tolist() == distances.tolist()
        assert found.consistent.tolist() == [True, True, False]
        assert found.ratio[[0, 2]] == pytest.approx([0.5, 2.0])
        assert np.isnan(found.ratio[1])


def test_the_exact_method_improves_upper_bounds():
    network = random_network(3, 8, 3, seed=1)
    x = np.random.default_rng(0).uniform(size=(1, 3))
    exact = nearest_boundary(network, x[0]).upper
    for flip in (0.5 * exact, 2.0 * exact):
        found = guaranteed_radius(network, x, norms=[2], methods=["exact"], flips=[flip])[2]
        assert found.upper == pytest.approx([min(flip, exact)])
        assert found.lower == pytest.approx([exact], rel=1e-5)
        assert found.method == ["exact"]
        assert found.consistent == [flip > exact]


def test_results_do_not_depend_on_threads_or_company():
    network = random_network(6, 20, 3, seed=8)
    images = np.random.default_rng(0).uniform(size=(5, 6))
    together = guaranteed_radius(network, images, n_threads=2)
    for i in range(5):
        alone = guaranteed_radius(network, images[i : i + 1], n_threads=1, progress=i == 0)
        for norm in NORMS:
            assert (alone[norm].radii[:, 0] == together[norm].radii[:, i]).all()
    assert len(together) == 5
    assert repr(together).startswith("GuaranteedRadius(5 images; norm 2: median ")
    assert together.seconds.shape == (2, 3, 5)


class TestFeatureSpaces:
    torch = pytest.importorskip("torch")

    def space(self, n_outputs=3, preprocess=None, activation=None):
        from hullspace import FeatureSpace

        nn = self.torch.nn
        with self.torch.random.fork_rng(devices=[]):
            self.torch.manual_seed(0)
            model = nn.Sequential(
                nn.Conv2d(1, 4, 3), activation or nn.ReLU(), nn.Flatten(), nn.Linear(64, n_outputs)
            )
        example = self.torch.zeros(1, 1, 6, 6)
        return FeatureSpace.from_torch(model, example, preprocess=preprocess)

    def test_preprocessing_is_part_of_the_model(self):
        images = self.torch.rand(2, 1, 6, 6, generator=self.torch.Generator().manual_seed(1))
        plain = guaranteed_radius(self.space(), images)
        half = guaranteed_radius(self.space(preprocess=lambda x: 0.5 * x), images, bounds=(0, 2))
        doubled = guaranteed_radius(
            self.space(preprocess=lambda x: 0.5 * x), 2 * images, bounds=(0, 2)
        )
        for norm in NORMS:
            assert doubled[norm].of("region") == pytest.approx(2 * plain[norm].of("region"))
            assert doubled[norm].lower == pytest.approx(2 * plain[norm].lower, rel=0.05)
        assert not np.allclose(half[2].lower, plain[2].lower)

    def test_no_sample_within_the_radius_changes_the_models_class(self):
        space = self.space()
        images = np.random.default_rng(0).uniform(size=(3, 1, 6, 6)).astype(np.float32)
        found = guaranteed_radius(space, images)
        for norm in NORMS:
            for x, label, radius in zip(images, found.classes, found[norm].lower, strict=True):
                nearby = points_within(x, norm, 0.999 * radius).reshape(-1, 1, 6, 6)
                with self.torch.no_grad():
                    logits = space.model(self.torch.as_tensor(nearby, dtype=self.torch.float32))
                assert (logits.numpy().argmax(axis=1) == label).all()

    def test_one_logit_is_two_classes(self):
        found = guaranteed_radius(self.space(1), self.torch.rand(4, 1, 6, 6))
        assert set(found.classes) <= {0, 1}
        assert (found[2].lower > 0.0).all()

    def test_models_that_are_not_piecewise_affine(self):
        space = self.space(activation=self.torch.nn.Sigmoid())
        with pytest.raises(ValueError, match=r"space must hold a piecewise affine model.*sigmoid"):
            guaranteed_radius(space, self.torch.rand(1, 1, 6, 6))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"space": 3}, TypeError, "space must be a FeatureSpace or ReluNetwork"),
        ({"space": random_network(3, 1)}, ValueError, "at least two outputs"),
        ({"images": [0.5, 0.5, 0.5]}, ValueError, r"images must have shape \(n, ...\)"),
        ({"images": np.zeros((0, 3))}, ValueError, "images must have shape"),
        ({"images": [[0.5, 0.5]]}, ValueError, "images must have shape"),
        ({"images": [[0.5, 0.5, np.nan]]}, ValueError, "images must be finite"),
        ({"images": [[0.5, 0.5, 1.5]]}, ValueError, "images must be within bounds"),
        ({"bounds": (1, 0)}, ValueError, "bounds must have lower ends"),
        ({"norms": ()}, TypeError, "norms must be"),
        ({"norms": [1]}, ValueError, "norm must be 2 or"),
        ({"methods": "region"}, TypeError, "methods must be a tuple or list"),
        ({"methods": ["regions"]}, ValueError, "methods must be of region, intervals"),
        ({"flips": [1.0]}, TypeError, "flips must be a mapping"),
        ({"flips": {1: [1.0]}}, ValueError, "flips must have keys among"),
        ({"flips": {2: [1.0, 2.0]}}, ValueError, r"flips\[2\] must have shape \(1,\)"),
        ({"flips": {2: [np.nan]}}, ValueError, "not NaN"),
        ({"tolerance": 0.0}, ValueError, "tolerance must be positive"),
        ({"time_limit": "long"}, TypeError, "time_limit must be a number"),
        ({"memory": -1}, ValueError, "memory must be positive"),
        ({"n_threads": 0}, ValueError, "n_threads must be"),
    ],
)
def test_misuse_is_named(arguments, error, message):
    given_ = {"space": random_network(3, 4, 2), "images": [[0.5, 0.5, 0.5]]} | arguments
    with pytest.raises(error, match=message):
        guaranteed_radius(given_.pop("space"), given_.pop("images"), **given_)
