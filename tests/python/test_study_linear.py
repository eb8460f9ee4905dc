"""The chapter about linear regions against direct calls, and the gallery of slices."""

import importlib.util
import re
from itertools import pairwise

import numpy as np
import pytest

from data import ROOT
from hullspace import FeatureSet, FeatureSplit, Head, ReluNetwork, Status, regions, study_features
from hullspace.studies import Basis
from hullspace.studies.chapters.linear import find as linear
from hullspace.studies.chapters.linear import plane as linear_plane
from hullspace.studies.chapters.linear.tables import tabulate
from hullspace.studies.page import render

SIDE, N_CLASSES = 3, 4
NAMES = ("<zero>", "one", "$two", "three")
CHAPTER = "Linear regions in image space"


def make_network(generator, widths):
    sizes = (SIDE * SIDE, *widths, N_CLASSES)
    weights = [generator.normal(size=(n, m)) for m, n in pairwise(sizes)]
    return weights, [0.3 * generator.normal(size=n) for n in sizes[1:]]


def make_study(weights, biases, pixels, **options):
    """Study a network of dense layers: its features are the last hidden layer."""
    network = ReluNetwork.from_arrays(weights, biases)
    x = pixels.reshape(len(pixels), -1).astype(float)
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        x = np.maximum(x @ weight.T + bias, 0.0)
    head = Head(weights[-1], biases[-1])
    labels = FeatureSet.of(x, head).predictions
    features = FeatureSet.of(x, head, labels)
    split = FeatureSplit(features, features, NAMES)
    options = {"images": pixels, "network": network} | options
    return study_features(split, progress=False, **options)


@pytest.fixture(scope="module")
def parts():
    generator = np.random.default_rng(0)
    images = generator.uniform(size=(60, 1, SIDE, SIDE))
    weights, biases = make_network(generator, (12, 8))
    # All classes have images.
    biases[-1] -= np.median(ReluNetwork.from_arrays(weights, biases)(images.reshape(60, -1)), 0)
    return weights, biases, images


@pytest.fixture(scope="module")
def small(parts):
    return make_study(*parts)


def test_the_plane_is_a_slice_through_three_images(small, parts):
    found, images = small.linear, parts[-1]
    plane = found.plane
    assert plane.whole
    assert plane.complete
    assert len(set(plane.classes.tolist())) == 3
    assert np.array_equal(plane.classes, small.split.test.predictions[plane.images])
    direct = regions.slice_through(found.network, images[plane.images].reshape(3, -1))
    assert len(direct) == len(plane.cut)
    assert direct.volumes.sum() == pytest.approx(plane.cut.volumes.sum())
    assert plane.points == pytest.approx(direct.points)
    assert plane.covered == pytest.approx(1.0)
    lifted = plane.cut.lift(plane.points)
    assert lifted == pytest.approx(images[plane.images].reshape(3, -1))
    # Each image lies in a region of its class, or in one that several classes share.
    labels = plane.cut.labels[plane.cut.find(plane.points)]
    assert ((labels == plane.classes) | (labels < 0)).all()


def test_the_grid_has_the_networks_classes(small):
    plane = small.linear.plane
    n = len(plane.grid)
    (s0, s1), (t0, t1) = plane.window
    xy = [[s0 + (j + 0.5) / n * (s1 - s0), t0 + (i + 0.5) / n * (t1 - t0)] for i, j in [(0, n - 1)]]
    expected = small.linear.network(plane.cut.lift(np.array(xy))).argmax(axis=1)
    assert plane.grid[0, n - 1] == expected[0]


def test_ways_and_radii_are_those_of_direct_calls(small, parts):
    found, x = small.linear, parts[-1].reshape(60, -1)
    ways, radii = found.ways, found.radii
    assert len(ways.pairs) == ways.n_planned
    assert ways.same.any()
    assert (~ways.same).any()
    walks = regions.walk_segment(found.network, x[ways.pairs[:, 0]], x[ways.pairs[:, 1]])
    assert np.array_equal(ways.n_regions, walks.n_regions)
    assert np.array_equal(ways.n_changes, walks.n_changes)
    predictions = small.split.test.predictions[ways.pairs]
    assert np.array_equal(ways.same, predictions[:, 0] == predictions[:, 1])
    assert radii.images.tolist() == list(range(60))
    around = [regions.region_at(found.network, row) for row in x]
    assert np.array_equal(radii.affine, [(r.radius, r.radius_inf) for r in around])
    assert np.array_equal(radii.class_, [(r.class_radius, r.class_radius_inf) for r in around])
    row = tabulate(small)["linear radii"].rows[0]
    assert row[3] == f"{np.median(radii.affine[:, 0]):.3g}"


def test_a_part_of_a_window_with_too_many_regions(parts, monkeypatch):
    monkeypatch.setattr(linear_plane, "_UNITS", 20 * 8)
    limited = make_study(*parts)
    plane = limited.linear.plane
    assert not plane.whole
    assert plane.complete
    assert plane.covered == pytest.approx(1.0)
    assert 1 < len(plane.cut) <= 4 * 8
    assert np.ptp(plane.part, axis=1).max() < np.ptp(plane.window, axis=1).min()
    assert len(plane.cut.boundary) > 0
    assert "Right: the exact regions in the square" in render(limited)
    assert "too many regions to draw them all" in tabulate(limited)["linear slice"].note


def test_ways_that_there_is_no_time_to_check_are_not_proven(parts, small, monkeypatch):
    assert small.linear.ways.checked.all()
    monkeypatch.setattr(linear, "_CHECKING", 0.0)
    hurried = make_study(*parts, chapters=["linear", "methods"])
    assert not hurried.linear.ways.checked.any()
    text = "The straight way between two test images"
    bases = [f.basis for f in hurried.findings() if f.text.startswith(text)]
    assert bases == [Basis.MEASURED] * 2
    n = len(hurried.linear.ways.pairs)
    row = next(r for r in hurried.tables()["proofs"].rows if r[0] == "regions on a straight way")
    assert row[1:3] == (f"{n}", "0 (0.0%)")


def test_page_has_the_chapter_with_alt_texts(small):
    page = render(small)
    chapter = page[page.index(f"<h2>{CHAPTER}</h2>") :]
    alts = re.findall(r'<img src="data:[^"]*" alt="([^"]+)"', chapter)
    assert len(alts) == 3
    assert alts[0].startswith("Slice of image space through test image")
    assert "&lt;zero&gt;" in page
    assert "<zero>" not in page
    assert "none is left out" in chapter
    assert "Proven: the radii are rounded down" in chapter
    assert "proven to be affine within" in " ".join(map(str, small.findings()))
    made = small.tables()
    assert all(len(row) == len(t.columns) for t in made.values() for row in t.rows)
    counts = [int(row[1].replace(",", "")) for row in made["linear slice"].rows]
    assert counts[0] == sum(counts[1:]) == len(small.linear.plane.cut)


def test_no_chapter_without_a_network(parts):
    for missing in ("network", "images"):
        without = make_study(*parts, **{missing: None})
        assert without.linear is None
        page = render(without)
        assert f"<h2>{CHAPTER}</h2>" not in page
        assert re.search(rf"Left out: [\w\s,]*{CHAPTER}[\w\s,]*, as [^.]*images", page)
        assert "linear slice" not in without.tables()


def test_limits_are_said(parts, monkeypatch):
    for module in (linear, linear_plane):
        monkeypatch.setattr(module, "_SECONDS", 1e-9)
    monkeypatch.setattr(linear_plane, "MOST_BREAKPOINTS", 2)
    limited = make_study(*parts)
    found = limited.linear
    assert len(found.radii.images) < found.radii.n_planned
    made = tabulate(limited)
    assert "The time limit was reached" in made["linear ways"].note
    assert "The time limit was reached" in made["linear radii"].note
    assert "left at a limit of breakpoints" in made["linear ways"].note
    assert found.plane.cut.status == Status.LIMIT
    assert not found.plane.complete
    assert "Incomplete: a limit was reached" in made["linear slice"].note
    assert "Incomplete: where nothing is drawn" in render(limited)


@pytest.mark.parametrize("kind", ["one class", "equal images", "one image", "affine"])
def test_degenerate_images_and_networks(parts, kind):
    weights, biases, images = parts
    if kind == "one class":
        weights, biases = [*weights[:-1], 0.0 * weights[-1]], [*biases[:-1], np.arange(4.0)]
    if kind == "equal images":
        images = np.repeat(images[:1], 20, axis=0)
    if kind == "one image":
        images = images[:1]
    if kind == "affine":  # all units are on
        weights, biases = [np.eye(9), weights[0][:4]], [np.full(9, 9.0), np.zeros(4)]
        biases[1] = -weights[1] @ (images.mean(axis=0).ravel() + 9.0)
    found = make_study(weights, biases, images)
    assert (found.linear.plane is None) == (kind in {"one class", "equal images", "one image"})
    assert CHAPTER in render(found)


def test_network_must_fit(parts):
    weights, biases, images = parts
    other = ReluNetwork.from_arrays([weights[0] + 1.0, *weights[1:]], biases)
    with pytest.raises(ValueError, match="network must map images to the logits"):
        make_study(weights, biases, images, network=other)
    wrong = ReluNetwork.from_arrays([np.eye(4)], [np.zeros(4)])
    with pytest.raises(ValueError, match=r"network must take images of shape \(1, 3, 3\)"):
        make_study(weights, biases, images, network=wrong)
    short = ReluNetwork.from_arrays([np.ones((2, 9))], [np.zeros(2)])
    with pytest.raises(ValueError, match="network must have 4 outputs, got 2"):
        make_study(weights, biases, images, network=short)


def test_choice_of_images():
    logits = np.array([[9.0, 0, 0], [3, 0, 0], [0, 3.5, 0], [0, 0, 2], [0, 1, 0]])
    right = np.array([True, True, True, True, False])
    assert linear.median_margins(logits, right).tolist() == [1, 2, 3]
    assert linear.median_margins(logits, ~right).tolist() == [4]
    assert linear.median_margins(logits, np.zeros(5, bool)).tolist() == []


def test_gallery(tmp_path, monkeypatch, capsys):
    path = ROOT / "examples" / "gallery_of_slices.py"
    spec = importlib.util.spec_from_file_location("gallery_of_slices", path)
    gallery = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gallery)
    monkeypatch.setattr(linear_plane, "_UNITS", 6688 * 10)
    drawn = gallery.main(["--out", str(tmp_path / "made"), "--epochs", "1", "--slices", "1"])
    assert [p.name for p in drawn] == ["digits-1.png"]
    assert drawn[0].read_bytes().startswith(b"\x89PNG")
    assert "regions" in capsys.readouterr().out
