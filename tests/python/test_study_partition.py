"""The partition chapter against hand-made data, brute force and degenerate heads."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from data import data_file
from hullspace import DecisionPartition, FeatureSet, FeatureSplit, Head, Status, study_features
from hullspace.studies import Settings
from hullspace.studies.chapters import CHAPTERS
from hullspace.studies.chapters.partition.slices import area, clip, make_slice
from hullspace.studies.page import render
from hullspace.studies.plane import Plane
from hullspace.studies.samples import choose_samples
from hullspace.studies.scope import Scope

SETTINGS = Settings(1e-9, None)
SQUARE = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])
# Class 0 where x is large, class 1 where y is, class 2 near zero; all three tie at (1, 1).
HEAD = Head([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], [0.0, 0.0, 3.0])
TRAIN = [[2.0, 0], [4, 0], [4, 2], [0, 2], [0, 4], [2, 4], [0, 0], [1, 0], [0, 1]]
TEST = [[3.5, 0.5], [4, 0], [0, 0], [0.5, 3], [1, 1.2]]
LABELS = [0, 0, 2, 0, 1]


def make_split(head, train, test, labels=None, names=None):
    train, test = FeatureSet.of(train, head), FeatureSet.of(test, head)
    labels = test.predictions if labels is None else labels
    return FeatureSplit(
        FeatureSet.of(train.features, head, train.predictions),
        FeatureSet.of(test.features, head, labels),
        names,
    )


def analyse(split, **options):
    return study_features(split, chapters=["partition"], progress=False, **options).partition


@pytest.fixture(scope="module")
def known():
    return study_features(make_split(HEAD, TRAIN, TEST, LABELS), progress=False)


@pytest.fixture(scope="module")
def many():
    """Seven classes in six dimensions, with hulls that planes through means cut."""
    generator = np.random.default_rng(0)
    head = Head(generator.normal(size=(7, 6)), generator.normal(size=7))
    features = np.abs(generator.normal(size=(460, 6)))
    return make_split(head, features[:400], features[400:])


def test_known_regions(known):
    found = known.partition
    lower, upper = found.partition.domain.lower, found.partition.domain.upper
    assert lower.tolist() == [0.0, 0.0]
    assert upper == pytest.approx([4.4, 4.4])
    assert found.domain_radius == pytest.approx(2.2)
    # In the corner of class 2 the ball touches both walls and both boundaries.
    assert found.balls.radii[2] == pytest.approx(3.0 / (3.0 + 5.0**0.5))
    assert found.adjacency.matrix.sum() == 6
    assert found.adjacency.radii[0, 1] == pytest.approx(3.4 / 2**0.5)
    assert found.adjacency.radii[0, 2] == pytest.approx(1.25**0.5 / 2)
    # Two triangles of area 1.5 / 2 each make up class 2's quarter of the square.
    assert found.volumes.values[2] == pytest.approx(1.5 / 4.4**2, abs=0.01)


def test_known_flips(known):
    flips = known.partition.flips
    # From (4, 0) the wall is in the way: the hyperplane of classes 0 and 2 is nearest at (2, -1).
    assert flips.nearest[1] == pytest.approx(2.5)
    assert flips.closed_form[1] == pytest.approx(5**0.5)
    assert flips.targets.tolist()[1:3] == [2, 0]
    assert flips.distances[1] == pytest.approx([np.inf, 8**0.5, 2.5])
    assert flips.nearest[2] == pytest.approx(3 / 5**0.5)
    # From the images 0 and 3 one would leave the domain on the way, too.
    assert flips.farther.tolist() == [True, True, False, True, False]
    medians = flips.pair_medians(3)
    assert medians[0, 1] == pytest.approx((3 / 2**0.5 + 8**0.5) / 2)
    assert np.isnan(np.diag(medians)).all()


def test_known_coverage_and_ambiguity(known):
    found = known.partition
    assert found.coverage.inside.tolist() == [True, True, True, False, False]
    assert found.coverage.distances[4] == pytest.approx(0.9 * 2**0.5)
    pairs, triples = found.ambiguity[2], found.ambiguity[3]
    assert pairs.distances == pytest.approx(found.flips.nearest)
    assert triples.distances[1:3] == pytest.approx([10**0.5, 2**0.5])
    assert triples.distances[4] == pytest.approx(0.2)
    assert triples.most_ambiguous(1).tolist() == [4]


def test_known_tables_and_findings(known):
    made = known.tables()
    assert made["regions"].rows[0] == ("all", "5", "", "2.2", "100.0%")
    assert made["regions"].rows[3][:4] == ("2", "1", "2", "0.573")
    assert made["neighbours"].rows[0] == ("0", "2", "none", "1", "2.4", "2", "0.559")
    assert made["flips"].rows[0][-2:] == ("3 (60.0%)", "-")
    assert made["flip pairs"].rows[2][-1] == "none"
    assert made["guaranteed"].rows[0][4] == "3 (60.0%)"
    assert made["guaranteed"].rows[2] == ("1", "3", "100.0%", "1", "0 (0.0%)", "1.27", "1.27")
    assert ("3 classes", "4", "1", "1", "0, 1, 2", "0.2") in made["ambiguous"].rows
    text = " ".join(map(str, known.findings()))
    assert "3 of the 3 classes have a region of some volume in the domain, and 3 of the 3" in text
    assert "for 3 (60.0%) of the test images it is farther than the nearest hyperplane" in text
    assert "Test image 4 is 0.2 from a tie between 0, 1 and 2" in text


def test_clipping():
    assert area(SQUARE) == 4.0
    half = clip(SQUARE, np.array([[1.0, 1.0]]), np.array([2.0]))
    assert area(half) == pytest.approx(2.0)
    corner = clip(SQUARE, np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.5, 1.0]))
    assert area(corner) == pytest.approx(0.5)
    assert np.array_equal(clip(SQUARE, np.array([[1.0, 0.0]]), np.array([2.0])), SQUARE)
    assert len(clip(SQUARE, np.array([[1.0, 0.0]]), np.array([-1.0]))) == 0
    # A half-plane without a direction is everything or nothing.
    assert len(clip(SQUARE, np.zeros((1, 2)), np.array([0.0]))) == 4
    assert len(clip(SQUARE, np.zeros((1, 2)), np.array([-1.0]))) == 0


def test_plane_through_three_points():
    points = np.array([[1.0, 0.0, 0.0], [3.0, 0.0, 0.0], [1.0, 0.0, 2.0]])
    plane = Plane.through(points)
    assert plane.coordinates(points) == pytest.approx(np.array([[0, 0], [2, 0], [0, 2]]))
    assert plane.lift(plane.coordinates(points)) == pytest.approx(points)
    assert plane.away(np.array([[5.0, 7.0, 1.0]])) == pytest.approx(np.array([[0, 7, 0]]))
    assert Plane.through(points[[0, 1, 1]]) is None
    assert Plane.through(points[[0, 0, 0]]) is None
    assert Plane.through(points[:2]) is None
    assert Plane.through(points[:, :1]) is None


def test_slices_tile_the_domain_and_agree_with_predictions(many, known):
    for found in (analyse(many), known.partition):
        assert len(found.slices) == 3
        for cut in found.slices:
            pieces = [area(region) for region in cut.regions.values()]
            assert min(pieces) > 0.0
            assert sum(pieces) == pytest.approx(area(cut.domain), rel=1e-9)
            generator = np.random.default_rng(0)
            xy = generator.uniform(cut.window.min(axis=0), cut.window.max(axis=0), (2000, 2))
            z = cut.plane.lift(xy)
            inside = found.partition.domain.polyhedron.contains(z)
            assert np.array_equal(inside, is_within(xy, cut.domain))
            predictions = found.partition.head.predict(z)
            for c, region in cut.regions.items():
                assert np.array_equal(is_within(xy, region), inside & (predictions == c))


def test_balls_of_slices(many):
    found = analyse(many)
    for cut in found.slices:
        z = cut.plane.lift(cut.points)
        flips = found.partition.boundary_points(z)
        assert cut.radii == pytest.approx(flips.distances)
        assert cut.classes.tolist() == found.partition.head.predict(z).tolist()
        for c, (x, y, radius) in cut.balls.items():
            lifted = cut.plane.lift(np.array([[x, y], [x + radius, y]]))
            distances = np.linalg.norm(lifted - found.balls.centers[c], axis=1)
            assert distances[1] == pytest.approx(found.balls.radii[c])
            assert distances[0] ** 2 == pytest.approx(
                found.balls.radii[c] ** 2 - radius**2, abs=1e-9
            )
    assert set(found.slices[2].classes.tolist()) <= set(found.slices[2].balls)


def test_hulls_of_slices_agree_with_linear_programs(many):
    found = analyse(many)
    checked = 0
    for cut in found.slices:
        for c, outline in cut.hulls.items():
            points = found.guaranteed.hull(c).points if found.guaranteed.n_points[c] else None
            if points is None:
                assert cut.hull_status[c] == Status.OUTSIDE
                continue
            away = cut.plane.away(points.astype(float))
            convex = (np.vstack([away.T, np.ones(len(points))]), np.append(np.zeros(6), 1.0))
            met = linprog(np.zeros(len(points)), A_eq=convex[0], b_eq=convex[1]).status == 0
            assert met == (cut.hull_status[c] == Status.INSIDE) == (len(outline) > 0)
            if not met:
                continue
            xy = cut.plane.coordinates(points.astype(float))
            middle = outline.mean(axis=0)
            for corner in outline[::45]:
                direction = (corner - middle) / np.linalg.norm(corner - middle)
                # The farthest point of the hull in the plane from the middle, along the direction.
                sideways = np.array([-direction[1], direction[0]])
                A = np.vstack([convex[0], (xy - middle) @ sideways])
                best = linprog(-(xy - middle) @ direction, A_eq=A, b_eq=np.append(convex[1], 0.0))
                assert -best.fun == pytest.approx(np.linalg.norm(corner - middle), abs=1e-6)
                checked += 1
    assert checked >= 24


def test_slice_of_a_cube():
    corners = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, -1).T.astype(float)
    partition = DecisionPartition(np.eye(2, 3), [2.0, 0.0], domain=(0.0, 2.0))
    guaranteed = partition.guaranteed(corners)
    points = np.array([[0.0, 0.0, 0.5], [1.0, 0.0, 0.5], [0.0, 1.0, 0.5]])
    up = np.array([0.0, 0.0, 1.0])
    arguments = (partition, guaranteed, partition.chebyshev(), "point")
    cut = make_slice(*arguments, points, ["a", "b", "c"], SETTINGS)
    assert cut.hull_status[0] == Status.INSIDE
    assert area(cut.hulls[0]) == pytest.approx(1.0, abs=1e-3)
    missed = make_slice(*arguments, points + 0.75 * up, ["a", "b", "c"], SETTINGS)
    assert missed.hull_status[0] == Status.OUTSIDE
    assert len(missed.hulls[0]) == 0
    touched = make_slice(*arguments, points + 0.5 * up, ["a", "b", "c"], SETTINGS)
    assert area(touched.hulls[0]) == pytest.approx(1.0, abs=1e-3)


def test_samples_are_around_a_tie(many):
    found = analyse(many)
    z = many.test.features
    logits = found.partition.head.logits(z)
    right = np.ones(len(z), bool)
    rows = choose_samples(z, logits, found.flips.nearest, right, found.ambiguity[3])
    best = found.ambiguity[3].most_ambiguous(1)[0]
    assert logits[rows].argmax(axis=1).tolist() == found.ambiguity[3].classes[best].tolist()
    # The three classes tie inside the triangle of the three images.
    cut = found.slices[0]
    logits = found.partition.head.logits(cut.plane.lift(cut.points))[:, rows_classes(found, best)]
    weights = np.linalg.solve(np.vstack([logits.T[1:] - logits.T[0], np.ones(3)]), [0, 0, 1.0])
    assert (weights > 0.0).all()
    assert set(rows_classes(found, best)) <= set(cut.regions)


def rows_classes(found, row):
    return found.ambiguity[3].classes[row].tolist()


def test_samples_without_ties_are_far_apart():
    z = np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0], [2.0, 3.0]])
    logits = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    radii = np.array([0.5, 0.1, 2.0, 3.0])
    assert choose_samples(z, logits, radii, np.ones(4, bool), None).tolist() == [1, 2, 3]
    assert choose_samples(z[:2], logits[:2], radii[:2], np.ones(2, bool), None).tolist() == [0, 1]


def test_scope():
    assert Scope.of(10, 64, 10_000).ties == (2, 3)
    assert Scope.of(10, 64, 10_000).pairs
    assert len(Scope.of(10, 64, 10_000).images) == 10_000
    assert Scope.of(2, 64, 5).ties == (2,)
    assert Scope.of(1, 64, 5).ties == ()
    assert not Scope.of(60, 64, 100).pairs
    assert Scope.of(60, 64, 100).ties == ()
    wide = Scope.of(10, 512, 10_000)
    assert wide.pairs
    assert 200 < len(wide.images) < 1000
    assert np.all(np.diff(wide.images) > 0)
    assert wide.images[-1] < 10_000
    assert Scope.of(1000, 2048, 10_000) is None
    assert len(Scope.of(1, 1, 1).images) == 1


def random_head(n_classes, n_features, seed=0):
    return Head(np.random.default_rng(seed).normal(size=(n_classes, n_features)))


POINTS = np.abs(np.random.default_rng(1).normal(size=(40, 4)))
DEGENERATE = {
    "one class": (Head(np.ones((1, 4))), POINTS, POINTS[:5]),
    "two classes": (random_head(2, 4), POINTS, POINTS[:5]),
    "one feature": (Head([[1.0], [-1.0], [0.0]]), POINTS[:, :1], POINTS[:5, :1]),
    "an empty region": (Head(np.eye(3, 4), [0.0, 0.0, -100.0]), POINTS, POINTS[:5]),
    "equal classes": (Head(np.eye(4)[[0, 1, 1, 2]]), POINTS, POINTS[:5]),
    "one test image": (random_head(3, 4), POINTS, POINTS[:1]),
    "one feature vector": (random_head(3, 4), POINTS[:1], POINTS[:1]),
    "equal test images": (random_head(3, 4), POINTS, POINTS[[0, 0, 0, 0]]),
    "a flat domain": (random_head(3, 4), POINTS * [1, 1, 0, 0], POINTS[:5] * [1, 1, 0, 0]),
    "a domain that is a line": (random_head(3, 4), POINTS * [1, 0, 0, 0], np.eye(1, 4)),
    "a class without training images": (Head(np.eye(3, 4)), POINTS * [9, 1, 0, 1], np.eye(3, 4)),
}  # fmt: skip


@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_studies_render(case, capsys):
    head, train, test = DEGENERATE[case]
    images = np.zeros((len(test), 1, 4, 4))
    result = study_features(make_split(head, train, test), images=images, progress=False)
    page = render(result)
    result.print()
    assert all(table.title in page for table in CHAPTERS["partition"].tabulate(result).values())
    assert "Decision regions" in capsys.readouterr().out


def test_empty_flat_and_equal_regions_are_named():
    head = Head(np.eye(4)[[0, 1, 1, 2]], [0.0, 0.0, 0.0, -100.0])
    split = make_split(head, POINTS, POINTS[:5], names=("a", "b", "c", "d"))
    result = study_features(split, progress=False)
    made = result.tables()
    assert made["regions"].rows[4][3] == "empty"
    assert "b, c have the same weights and bias" in made["regions"].note
    assert made["neighbours"].rows[3] == ("d", "0", "a, b, c", "-", "-", "-", "-")
    for cut in result.partition.slices:
        assert sum(map(area, cut.regions.values())) == pytest.approx(area(cut.domain))


def test_too_many_classes_are_said_to_be_left_out():
    n_classes = 60
    head = Head(np.eye(n_classes))
    split = make_split(head, np.eye(n_classes), np.eye(n_classes))
    result = study_features(split, progress=False)
    made = result.tables()
    for name in ("neighbours", "flip pairs", "ambiguity", "ambiguous"):
        assert not made[name].rows
        assert "Left out: " in made[name].note
    assert len(made["regions"].rows) == n_classes + 1
    assert result.partition.flips.distances is None
    assert "Left out: " in render(result)
    why = "there are too many classes and features"
    others = {name: found for name, found in result.results.items() if name != "partition"}
    without = replace(result, results=others, missing={"partition": why})
    assert f"Left out: The partition of feature space, Ambiguity, as {why}." in render(without)


def test_a_partition_that_is_too_large_is_left_out(monkeypatch):
    monkeypatch.setattr("hullspace.studies.scope._PROJECTIONS", 0)
    result = study_features(make_split(HEAD, TRAIN, TEST, LABELS), progress=False)
    assert result.partition is None
    assert result.missing["partition"] == "there are too many classes and features"
    assert "as there are too many classes and features." in render(result)


def test_a_part_of_the_images_is_said_to_be_one(monkeypatch, many):
    monkeypatch.setattr("hullspace.studies.scope._PROJECTIONS", 7 * 20)
    monkeypatch.setattr("hullspace.studies.scope._FEWEST_IMAGES", 20)
    result = study_features(many, progress=False)
    assert result.partition.scope.images.tolist() == list(range(0, 60, 3))
    assert len(result.partition.flips.nearest) == 20
    assert "about 20 of the 60 test images" in result.tables()["regions"].note
    render(result)


def test_results_do_not_depend_on_the_number_of_threads(many):
    one, two = (analyse(many, n_threads=n) for n in (1, 2))
    assert np.array_equal(one.flips.distances, two.flips.distances)
    assert np.array_equal(one.coverage.distances, two.coverage.distances)
    for first, second in zip(one.slices, two.slices, strict=True):
        assert first.names == second.names
        assert all(np.array_equal(first.hulls[c], second.hulls[c]) for c in first.hulls)


def test_page_has_the_chapter(digits_study):
    page = render(digits_study)
    chapter = page.index("<h2>The partition of feature space</h2>")
    end = page.index("<h2>Guaranteed regions</h2>")
    places = [
        page.index(f"<h3>{t.title}</h3>")
        for t in CHAPTERS["partition"].tabulate(digits_study).values()
    ]
    assert sorted(places) == places
    assert chapter < places[0] < places[-1] < end
    for word in ("Region", "Chebyshev ball", "Flip point", "Guaranteed region", "Ambiguity"):
        assert f"<dt>{word}</dt>" in page
    assert page[chapter:end].count("<figure>") == 7
    assert "The test images nearest to a tie of 3 classes." in page[chapter:]


def test_real_features():
    split = FeatureSplit.load(data_file("cifar10_resnet20/features.npz"))
    part = FeatureSplit(
        split.train, FeatureSet.of(split.test.features[:500], split.head, split.test.labels[:500])
    )
    found = analyse(part)
    assert found.adjacency.matrix.sum() == 90
    assert 0.4 < found.flips.farther.mean() < 0.6
    assert np.isfinite(found.flips.nearest).all()
    assert all(status == Status.INSIDE for status in found.slices[1].hull_status.values())
    for cut in found.slices:
        assert sum(map(area, cut.regions.values())) == pytest.approx(area(cut.domain))


def is_within(xy, polygon):
    """Tell which points are in a convex, counterclockwise polygon."""
    sides = np.roll(polygon, -1, axis=0) - polygon
    steps = xy[:, None] - polygon
    return (sides[:, 0] * steps[..., 1] - sides[:, 1] * steps[..., 0] >= 0.0).all(axis=1)
