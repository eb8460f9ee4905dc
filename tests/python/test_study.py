"""The study against hand-made data and brute force, and its tables and page."""

import base64
import re

import numpy as np
import pytest

from data import data_file
from hullspace import FeatureSet, FeatureSplit, Head, Hull, Proof, Status, datasets, study_features
from hullspace.studies.chapters.extrapolation.find import nearest_class
from hullspace.studies.page import render

HEAD = Head(np.eye(3))


def make_split(train, test, train_labels=None, test_labels=None, names=None):
    train, test = FeatureSet.of(train, HEAD), FeatureSet.of(test, HEAD)
    train_labels = train.predictions if train_labels is None else train_labels
    test_labels = test.predictions if test_labels is None else test_labels
    return FeatureSplit(
        FeatureSet.of(train.features, HEAD, train_labels),
        FeatureSet.of(test.features, HEAD, test_labels),
        names,
    )


@pytest.fixture(scope="module")
def known():
    """Two triangles, for classes 0 and 1; class 2 has no training feature."""
    train = [[4.0, 0, 0], [6, 0, 0], [4, 2, 0], [0, 4, 0], [0, 6, 0], [2, 4, 0]]
    test = [[4.5, 0.5, 0], [8, 0, 0], [2.5, 3, 0], [0, 0, 5]]
    return study_features(make_split(train, test, test_labels=[0, 1, 1, 2]), progress=False)


def test_known_memberships(known):
    assert known.training.inside.tolist() == [True, False, True, False]
    assert known.training.outside.tolist() == [False, True, False, True]
    assert known.classes.own.inside.tolist() == [True, False, False, False]
    assert known.training.proven.all()
    assert known.classes.own.proven.all()
    assert known.classes.sizes.tolist() == [3, 3, 0]


def test_known_distances(known):
    assert known.training.distances == pytest.approx([0, 2, 0, 33**0.5], abs=1e-8)
    assert known.classes.distances[1] == pytest.approx([2, 52**0.5, np.inf])
    assert known.classes.distances[2] == pytest.approx([3.25**0.5, 1.25**0.5, np.inf])
    assert known.classes.own.distances == pytest.approx([0, 2, 1.25**0.5, np.inf], abs=1e-8)
    # The last image is equally far from both triangles, and its own class has no hull.
    assert known.classes.nearest.tolist() == [0, 0, 1, -1]
    assert known.boundaries.nearest[1] == pytest.approx(8 / 2**0.5)
    assert known.correct.tolist() == [True, False, True, True]


def test_known_extremes_gauges_and_pairs(known):
    assert known.training.extreme.tolist() == [True, True, False, True, True, False]
    # The mean is (8/3, 8/3, 0); the hull is the polygon (4, 0), (6, 0), (0, 6), (0, 4).
    gauge = known.training.gauge
    assert gauge[:3] == pytest.approx([13 / 16, 4.0, 1 / 4], abs=1e-8)
    assert gauge[3] == np.inf
    assert known.classes.pair_distances[:2, :2] == pytest.approx(
        np.array([[0, 8**0.5], [8**0.5, 0]])
    )
    assert np.isnan(known.classes.pair_distances[2]).all()
    assert known.classes.disjoint.tolist() == [
        [False, True, False],
        [True, False, False],
        [False] * 3,
    ]
    assert known.training.exact.tolist() == [1, 2, 1, 2]
    assert known.classes.own.exact.tolist() == [1, 2, 2, 2]


def test_findings_say_what_the_geometry_is(known):
    text = " ".join(map(str, known.findings()))
    assert "4 (66.7%) of the training images are extreme points" in text
    assert "1 of the 1 pairs of class hulls are separated by a hyperplane" in text
    assert "8 (100.0%) of the memberships are proven in exact arithmetic" in text
    rows = known.tables()["pairs"].rows
    assert rows[0] == ("0", "3", "1", "2.83", "1 of 1")
    assert rows[2] == ("2", "0", "-", "-", "0 of 0")


def test_brute_force_on_the_digits(digits, digits_study):
    split, _ = digits
    queries = split.test.features[:40]
    for c in range(10):
        points = split.train.features[split.train.predictions == c]
        assert np.array_equal(
            Hull(points).project(queries).distances, digits_study.classes.distances[:40, c]
        )
    expected = Hull(split.train.features).contains(queries).status
    assert np.array_equal(expected, digits_study.training.status[:40])
    everyone = np.arange(len(split.test))
    own = digits_study.classes.distances[everyone, split.test.predictions]
    assert np.array_equal(own, digits_study.classes.own.distances)
    assert (digits_study.classes.own.distances >= digits_study.training.distances - 1e-6).all()


def test_digits_network_is_good(digits):
    split, images = digits
    assert split.test.accuracy >= 0.97
    assert 16 <= split.head.n_features <= 64
    assert (split.train.features >= 0).all()
    assert len(split.train) + len(split.test) == 1797
    assert images.test_images.shape == (450, 1, 8, 8)


def test_ties_between_class_hulls_are_undecided():
    distances = np.array([[1.0, 1.0, 2.0], [1.0, 1.1, 2.0], [0.0, 0.0, 1.0], [np.inf] * 3])
    gaps = np.array([[0.0] * 3, [0.0, 0.2, 0.0], [0.0] * 3, [0.0] * 3])
    assert nearest_class(distances, gaps).tolist() == [-1, -1, -1, -1]
    assert nearest_class(distances, 0.1 * gaps).tolist() == [-1, 0, -1, -1]


def test_tables_count_every_image_once(known, digits_study):
    for result in (known, digits_study):
        n = len(result.split.test)
        made = result.tables()
        assert all(len(row) == len(t.columns) for t in made.values() for row in t.rows)
        for name in ("accuracy", "hulls", "training distances", "nearest"):
            assert made[name].rows[0][0] == "all"
        per_class = [int(row[3].replace(",", "")) for row in made["accuracy"].rows]
        assert per_class[0] == sum(per_class[1:]) == n
        nearest = made["nearest"].rows[0]
        counts = [int(cell.split()[0].replace(",", "")) for cell in nearest[1:]]
        assert counts[0] == sum(counts[1:]) == n
        members = [int(row[1].replace(",", "")) for row in made["trust"].rows]
        assert sum(members[:3]) == sum(members[3:]) == n


def test_undecided_is_counted_apart(known):
    from dataclasses import replace

    status = np.array([Status.INSIDE, Status.UNDECIDED, Status.OUTSIDE, Status.UNDECIDED], np.int8)
    training = replace(known.training, status=status)
    hulls = replace(known.hulls, training=training)
    changed = replace(known, results=known.results | {"hulls": hulls})
    row = changed.tables()["hulls"].rows[0]
    assert row[1:3] == ("1 (25.0%)", "2")
    assert "2 undecided" in " ".join(map(str, changed.findings()))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ([[1.0, 0, 0]], [[1.0, 0, 0]]),
        ([[1.0, 0, 0]] * 5, [[2.0, 0, 0], [0, 1, 0]]),
        ([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]], [[1.0, 1, 1]]),
    ],
)
def test_small_and_degenerate_studies_render(train, test):
    names = ("<a>", "b & c", "d")
    result = study_features(make_split(train, test, names=names), progress=False)
    page = render(result)
    assert "&lt;a&gt;" in page
    assert "b &amp; c" in page
    assert "<a>" not in page


@pytest.mark.parametrize("names", [("[red]a", "[/b]", "c"), ("$x_$", "a$b", "$\\bad{$")])
def test_names_of_classes_are_plain_text(names, capsys):
    train = [[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]
    result = study_features(make_split(train, train, names=names), progress=False)
    render(result)
    result.print()
    printed = capsys.readouterr().out
    assert all(name in printed for name in names)


def test_many_classes_render():
    n_classes = 100
    head = Head(np.eye(n_classes))
    features = FeatureSet.of(np.eye(n_classes), head, np.arange(n_classes))
    result = study_features(FeatureSplit(features, features), progress=False)
    assert len(render(result)) < 2_000_000


def test_competitors_of_each_class(known):
    rows = known.tables()["boundary distances"].rows
    assert [row[-1] for row in rows] == ["-", "1 (100.0%)", "0 (100.0%)", "0 (100.0%)"]


def test_infinite_distances_are_said_to_be_left_out(known):
    note = known.tables()["class distances"].note
    assert note.endswith("1 infinite ones are left out.")
    assert "left out" not in known.tables()["training distances"].note


def test_findings_relate_extrapolation_to_error(known, digits_study):
    text = " ".join(map(str, known.findings()))
    assert "inside the training hull 100.0% are predicted right, of those outside 50.0%" in text
    assert "the farthest fifth" in " ".join(map(str, digits_study.findings()))


def test_training_leaves_the_generators_alone(digits, monkeypatch):
    import torch

    _, images = digits
    before = torch.random.get_rng_state()
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    datasets.train_digits_network(images, epochs=1, progress=False)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not seeded


def test_page_is_self_contained(digits_study, tmp_path):
    path = tmp_path / "report.html"
    digits_study.save(path)
    page = path.read_text()
    sources = re.findall(r'src="([^"]*)"', page)
    assert len(sources) >= 7
    assert all(source.startswith("data:image/") for source in sources)
    assert all(len(base64.b64decode(source.partition(",")[2])) > 60 for source in sources)
    assert not re.search(r'(href|src)="(?!data:|#)', page)
    assert "http" not in re.sub(r'"http://www.w3.org[^"]*"', "", page)
    for sentence in (f.text for f in digits_study.findings()):
        assert sentence.replace("'", "&#39;") in page
    assert all(
        table.title.replace("'", "&#39;") in page for table in digits_study.tables().values()
    )


def test_rendering_leaves_matplotlib_alone(digits_study):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    render(digits_study)
    assert dict(mpl.rcParams) == before


def test_images_must_fit(digits):
    split, _ = digits
    with pytest.raises(ValueError, match=r"images must have shape \(450, 1 or 3, height, width\)"):
        study_features(split, images=np.zeros((3, 1, 8, 8)), progress=False)


def test_real_features_take_seconds():
    split = FeatureSplit.load(data_file("cifar10_resnet20/features.npz"))
    result = study_features(split, progress=False)
    assert result.training.proven.all()
    assert result.classes.own.proven.all()
    assert (result.training.exact == Proof.PROVEN_OUTSIDE).all()
    assert (result.classes.own.exact == Proof.PROVEN_OUTSIDE).all()
    assert result.training.extreme.all()
    assert np.count_nonzero(result.classes.disjoint) == 90
    assert np.median(result.training.gauge) == pytest.approx(2.126, abs=0.01)
    assert split.test.accuracy == pytest.approx(0.81, abs=0.005)
    assert np.median(result.training.distances) == pytest.approx(0.713, abs=0.01)
