"""Studies of models: what they are given, what they hold, and what they say without some of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import hullspace
from hullspace import FeatureSet, FeatureSpace, FeatureSplit, Status, study, study_features
from hullspace.features import Images, normalization
from hullspace.studies import Basis, StudyInterrupted
from hullspace.studies.chapters import CHAPTERS

N_TRAIN, N_TEST = 90, 30


def make_model(activation=nn.ReLU):
    """Return a small network that has images of all its classes."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(1, 2, 2), activation(), nn.Flatten(), nn.Linear(18, 6), activation(),
            nn.Linear(6, 3),
        )  # fmt: skip
    with torch.no_grad():
        model[5].weight *= 5.0
        model[5].bias -= model(torch.from_numpy(make_images(N_TRAIN, 0).images)).median(0).values
    return model


def make_images(n, seed, model=None):
    generator = np.random.default_rng(seed)
    pixels = generator.uniform(size=(n, 1, 4, 4)).astype(np.float32)
    return Images(pixels, None if model is None else generator.integers(0, 3, n))


@pytest.fixture(scope="module")
def labelled():
    model = make_model()
    train, test = make_images(N_TRAIN, 0, model), make_images(N_TEST, 1, model)
    return study(model, train, test, sample=6, layers=("0",), progress=False), model, train, test


def test_every_chapter_is_written(labelled):
    found, *_ = labelled
    assert found.missing == {}
    page = found.to_html()
    for title in ("Data and model", "Guaranteed regions", "Ambiguity", "Adversarial", "Morphing"):
        assert f"<h2>{title}" in page
    assert "Left out: The" not in page
    assert {finding.basis for finding in found.findings()} == set(Basis)
    assert [name for name, table in found.tables().items() if not table.rows] == []


def test_features_are_those_of_the_model(labelled):
    found, model, train, test = labelled
    with torch.no_grad():
        logits = model(torch.from_numpy(test.images)).numpy()
    assert found.split.test.logits == pytest.approx(logits, abs=1e-5)
    assert np.array_equal(found.split.train.labels, train.labels)
    assert found.subject.network.n_hidden == 18 + 6
    assert np.array_equal(found.subject.test.rows, np.arange(N_TEST))


def test_flips_and_radii_bracket_the_truth(labelled):
    found, model, *_ = labelled
    flips = found.adversarial.flips["2-norm"]
    reached = flips.status == Status.REACHED
    assert reached.any()
    assert found.adversarial.radii[2].consistent.all()
    z = found.split.test.features[found.adversarial.rows]
    with torch.no_grad():
        moved = model[:5](torch.from_numpy(np.asarray(flips.images)[reached])).numpy()
    expected = np.linalg.norm(moved - z[reached], axis=1)
    assert found.adversarial.travels[reached] == pytest.approx(expected, abs=1e-4)


def test_arrays_tables_and_files(labelled, tmp_path):
    found, *_ = labelled
    arrays = found.arrays()
    assert len(arrays["hulls/training/status"]) == N_TEST
    assert np.array_equal(arrays["adversarial/rows"], found.adversarial.rows)
    found.save(tmp_path / "all")
    saved = json.loads((tmp_path / "all" / "study.json").read_text())
    assert saved["accuracy"] == found.split.test.accuracy
    assert saved["tables"].keys() == found.tables().keys()
    with np.load(tmp_path / "all" / "arrays.npz") as file:
        assert set(file.files) == set(arrays)
        assert np.array_equal(file["boundaries/nearest"], found.boundaries.nearest)
    found.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == (tmp_path / "all" / "report.html").read_text()


def test_frames(labelled):
    pytest.importorskip("pandas")
    found, *_ = labelled
    frame = found.to_frame()
    assert len(frame) == N_TEST
    assert np.array_equal(frame["training_hull_distance"], found.training.distances)
    table = found.tables()["accuracy"].to_frame()
    assert table.shape == (4, 5)


def test_results_repeat(labelled):
    found, model, train, test = labelled
    again = study(model, train, test, sample=6, layers=("0",), progress=False)
    one, two = found.arrays(), again.arrays()
    assert one.keys() == two.keys()
    same = [np.array_equal(one[k], two[k], equal_nan=one[k].dtype.kind == "f") for k in one]
    assert all(good for good, k in zip(same, one, strict=True) if "seconds" not in k)


def test_nothing_is_said_of_errors_without_labels():
    found = study(make_model(), make_images(N_TRAIN, 0), make_images(N_TEST, 1), sample=4,
                  progress=False)  # fmt: skip
    assert found.outcomes() == []
    assert found.missing == {}
    text = " ".join(map(str, found.findings()))
    assert "no labels" in text
    page = found.to_html()
    assert "<h2>Extrapolation</h2>" in page
    assert "<td>predicted right</td>" not in page
    with pytest.raises(ValueError, match="no labels"):
        _ = found.correct


def test_smooth_models_have_no_linear_regions():
    model = make_model(nn.Tanh)
    found = study(model, make_images(N_TRAIN, 0, model), make_images(N_TEST, 1, model), sample=4,
                  progress=False)  # fmt: skip
    assert set(found.missing) == {"linear"}
    assert "Left out: Linear regions in image space, as" in found.to_html()
    assert found.adversarial.radii is None
    assert found.adversarial.guaranteed == {}


def test_more_features_than_images():
    model = make_model()
    space = FeatureSpace.from_torch(model, torch.zeros(1, 1, 4, 4))
    train, test = make_images(N_TRAIN, 0, model), make_images(N_TEST, 1, model)
    sets = [
        space.extract(part.images, labels=part.labels, progress=False) for part in (train, test)
    ]
    split = FeatureSplit(*sets)
    rows = np.arange(20, 50), np.arange(5, 25)
    some = (Images(train.images[rows[0]]), Images(test.images[rows[1]]))
    chapters = ("data", "extrapolation", "adversarial", "linear", "morphing")
    options = {"chapters": chapters, "sample": 4, "progress": False}
    found = study(space, *some, features=split, rows=rows, **options)
    assert len(found.training.status) == N_TEST
    assert set(found.adversarial.rows.tolist()) <= set(range(5, 25))
    assert set(found.linear.radii.images.tolist()) <= set(range(5, 25))
    assert set(found.morphing.pairs.ravel().tolist()) <= set(range(5, 25))
    found.to_html()
    with pytest.raises(ValueError, match="features must be those of the train images"):
        study(space, *some, features=split, rows=(rows[0] + 1, rows[1]), **options)
    with pytest.raises(ValueError, match="rows must say"):
        study(space, *some, features=split, **options)
    with pytest.raises(ValueError, match="rows of test must be between 0 and 29"):
        study(space, *some, features=split, rows=(rows[0], rows[1] + 20), **options)
    with pytest.raises(ValueError, match="rows must hold 30 integers for the train images"):
        study(space, *some, features=split, rows=(rows[0][1:], rows[1]), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "a model needs its images: train and test"),
        ({"chapters": ["datum"]}, "chapters must be some of data, partition"),
        ({"chapters": []}, "got none"),
    ],
)
def test_what_does_not_fit_a_model_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        study(make_model(), progress=False, **options)


def test_each_kind_of_input_has_its_function(labelled):
    found, model, train, test = labelled
    with pytest.raises(TypeError, match=r"hullspace\.study_features studies features"):
        study(found.split, progress=False)
    with pytest.raises(TypeError, match=r"hullspace\.study_features studies features"):
        study(found.split, train, test)
    with pytest.raises(TypeError, match=r"split must be a FeatureSplit, got Sequential.*study"):
        study_features(model)


def test_preprocessing_belongs_to_the_space(labelled):
    _, model, train, test = labelled
    space = FeatureSpace.from_torch(model, train.images[:1])
    with pytest.raises(ValueError, match="belong to the FeatureSpace"):
        study(space, train, test, preprocess=normalization([0.5], [0.5]), progress=False)


def test_chapters_bring_only_what_they_need(labelled):
    found, *_ = labelled
    few = study_features(found.split, chapters=["methods", "partition"], progress=False)
    assert few.chapters == ("partition", "methods")
    assert few.hulls is None
    with pytest.raises(LookupError, match="no hulls"):
        _ = few.training
    assert [f.basis for f in few.findings()].count(Basis.HEURISTIC) == 0
    assert study_features(found.split, chapters="data", progress=False).chapters == ("data",)


def test_an_interrupted_study_keeps_what_is_finished(labelled, monkeypatch):
    found, *_ = labelled

    def stop(*_):
        raise KeyboardInterrupt

    chapter = replace(CHAPTERS["extrapolation"], find=stop)
    monkeypatch.setitem(CHAPTERS, "extrapolation", chapter)
    with pytest.raises(StudyInterrupted) as stopped:
        study_features(found.split, progress=False)
    kept = stopped.value.study
    assert kept.interrupted == "hulls"
    assert kept.hulls is None
    assert np.array_equal(kept.partition.flips.nearest, found.partition.flips.nearest)
    assert "as the study was interrupted at hulls" in kept.to_html()


def test_a_finding_is_proven_only_if_all_its_verdicts_are_checked(labelled):
    found, *_ = labelled
    start = "of the test images lie outside the convex hull"
    before = next(f for f in found.findings() if start in f.text)
    assert before.basis == Basis.PROVEN
    unchecked = found.training.proven.copy()
    unchecked[0] = False
    hulls = replace(found.hulls, training=replace(found.training, proven=unchecked))
    changed = replace(found, results=found.results | {"hulls": hulls})
    after = next(f for f in changed.findings() if start in f.text)
    assert after.basis == Basis.MEASURED


def test_the_top_of_the_package_has_the_study():
    assert hullspace.study is study
    assert hullspace.study_features is study_features
    assert hullspace.Study.__name__ == "Study"
    assert isinstance(FeatureSet, type)
