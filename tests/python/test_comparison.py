"""The comparison as a whole: arguments, determinism, errors of the model, tables."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy import special, stats
from sklearn.neighbors import NearestCentroid

from comparison_cases import CENTERS, blobs, convolutional_space, identity_space, random_images
from hullspace import SpaceComparison, compare_spaces
from hullspace.comparison.prediction import mcnemar

TRAIN, LABELS = blobs(60)
TEST, CLASSES = blobs(40, 1, spread=0.1)


def compare(*images, space=None, **options):
    options = {"flips": False, "n_bootstrap": 50, "n_threads": 1, **options}
    images = images or (TRAIN, TEST, LABELS, CLASSES)
    return compare_spaces(space or identity_space(), *images, **options)


@pytest.fixture(scope="module")
def found():
    return compare()


def test_names_are_unique_and_sentences_are_sentences(found):
    names = [(estimate.space, estimate.name) for estimate in found.estimates]
    assert len(set(names)) == len(names)
    for estimate in found.estimates:
        assert estimate.sentence.endswith(".")
        assert "{" not in estimate.sentence
        assert estimate.kind in {"proven", "measured", "heuristic"}
        assert np.isnan(estimate.low) or estimate.low <= estimate.value <= estimate.high


def test_estimate_by_name(found):
    assert found.estimate("outside_training_hull", "pixels").space == "pixels"
    assert found.estimate("same_sequence").space == "pixels and features"
    with pytest.raises(KeyError, match="pixels, wavelets, features"):
        found.estimate("outside_training_hull")
    with pytest.raises(KeyError, match="no space"):
        found.estimate("nonsense")


def test_frame(found):
    pytest.importorskip("pandas")
    frame = found.to_frame()
    assert len(frame) == len(found.estimates)
    assert {"name", "space", "value", "low", "high", "n", "unit", "sentence", "kind"} < set(frame)
    row = frame[(frame["name"] == "extreme_points") & (frame["space"] == "features")].iloc[0]
    assert row["value"] == found.estimate("extreme_points", "features").value


def test_repr(found):
    assert repr(found).startswith("SpaceComparison(pixels, wavelets, features: ")
    assert isinstance(found, SpaceComparison)
    for part in (found.spaces["pixels"], found.controls["pixels"], found.classifiers["pixels"]):
        assert "'pixels'" in repr(part)
    assert "errors of 40" in repr(found.prediction)


def test_the_seed_decides_everything():
    same = [compare(random_state=3).to_frame() for _ in range(2)]
    assert same[0].equals(same[1])
    threads = compare(random_state=3, n_threads=2).to_frame()
    assert same[0].equals(threads)
    other = compare(random_state=4).to_frame()
    assert not same[0]["low"].equals(other["low"])


def test_errors_of_the_model_are_told_by_the_boundary(found):
    prediction = found.prediction
    model = identity_space().extract(TEST, progress=False)
    np.testing.assert_array_equal(prediction.errors, model.predictions != CLASSES)
    assert 0 < prediction.errors.sum() < 20
    boundary = found.estimate("error_auroc_boundary_distance")
    assert boundary.value > 0.7
    assert boundary.n == 40
    names = {name for space, name in prediction.scores if space == "features"}
    assert names == {
        "hull_distance", "neighbour_distance", "guaranteed_distance", "boundary_distance",
        "softmax", "gauge", "ambiguity",
    }  # fmt: skip
    doubt = 1.0 - special.softmax(model.logits, axis=1).max(axis=1)
    score = prediction.scores["features", "softmax"]
    np.testing.assert_allclose(special.expit(score), doubt)


def test_a_model_without_errors():
    model = identity_space()
    labels = model.extract(TEST, progress=False).predictions
    flawless = compare(TRAIN, TEST, LABELS, labels)
    assert np.isnan(flawless.estimate("error_auroc_softmax").value)
    assert flawless.estimate("model_accuracy", "features").value == 1.0
    assert flawless.estimate("model_accuracy", "features").low > 0.85


def test_nearest_hull_and_nearest_mean(found):
    known = found.classifiers["pixels"]
    expected = NearestCentroid().fit(TRAIN, LABELS).predict(TEST)
    np.testing.assert_array_equal(known.nearest_mean, expected)
    distances = found.spaces["pixels"].class_distances
    unique = np.sort(distances, axis=1)[:, 1] > 1e-9
    nearest = distances.argmin(axis=1)
    np.testing.assert_array_equal(known.nearest_hull[unique], nearest[unique])
    difference = found.estimate("nearest_hull_minus_nearest_mean", "pixels")
    right = (known.nearest_hull == CLASSES, known.nearest_mean == CLASSES)
    assert difference.value == pytest.approx(right[0].mean() - right[1].mean())
    assert difference.p_value == mcnemar(*right)


def test_of_several_hulls_the_nearest_mean_decides():
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    train = np.concatenate([corners, corners, CENTERS[:1]])
    labels = np.array([0] * 5 + [1] * 6)
    test = np.array([[0.41, 0.41, 0.41], [0.35, 0.35, 0.49]])
    known = compare(train, test, labels, np.array([0, 1]), spaces=("pixels",)).classifiers["pixels"]
    means = [train[labels == c].mean(axis=0) for c in (0, 1)]
    nearest = [np.argmin([np.linalg.norm(x - m) for m in means]) for x in test]
    np.testing.assert_array_equal(known.nearest_hull, nearest)


def test_mcnemars_test():
    first = np.array([True] * 12 + [False] * 3 + [True] * 20)
    second = np.array([False] * 12 + [True] * 3 + [True] * 20)
    assert mcnemar(first, second) == pytest.approx(stats.binomtest(3, 15).pvalue)
    assert mcnemar(first, first) == 1.0


def test_tensors_and_bytes_are_images():
    images = random_images(30)
    tensors = compare(
        torch.tensor(images[:20]), torch.tensor(images[20:]), space=convolutional_space()
    )
    arrays = compare(images[:20], images[20:], space=convolutional_space())
    assert tensors.to_frame().equals(arrays.to_frame())
    space = convolutional_space()
    raw = (255 * images).astype(np.uint8)
    assert compare(raw[:20], raw[20:], space=space, bounds=(0, 255)).spaces["pixels"].spread > 1.0


def test_progress(capsys):
    parts = []
    found = compare(progress=parts.append)
    assert parts == list(found.seconds)
    assert parts[:2] == ["features", "hulls of pixels"]
    compare(progress=True)
    assert "part" in capsys.readouterr().err


BAD = {
    "spaces": (({"spaces": "pixels"}, TypeError), ({"spaces": ["voxels"]}, ValueError)),
    "layers": (({"layers": ["pixels"]}, ValueError), ({"layers": "0"}, TypeError)),
    "sample": (
        ({"sample": 0}, ValueError),
        ({"sample": 1.5}, TypeError),
        ({"sample": [40]}, ValueError),
        ({"sample": [[1]]}, ValueError),
        ({"sample": np.zeros(0, int)}, ValueError),
        ({"sample": [2, 1]}, ValueError),
        ({"sample": [1, 1]}, ValueError),
        ({"sample": [-1, 1]}, ValueError),
    ),
    "bounds": (
        ({"bounds": (1, 0)}, ValueError),
        ({"bounds": 1}, ValueError),
        ({"bounds": (0, np.inf)}, ValueError),
        ({"bounds": (0.4, 0.6)}, ValueError),
    ),
    "wavelet": (({"wavelet": "nonsense"}, ValueError),),
    "n_bootstrap": (({"n_bootstrap": 0}, ValueError),),
    "random_state": (({"random_state": -1}, ValueError),),
    "n_threads": (({"n_threads": 0}, ValueError),),
    "progress": (({"progress": 3}, TypeError),),
    "flips": (({"flips": True}, TypeError),),
}


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [(name, *case) for name, cases in BAD.items() for case in cases],
)
def test_bad_options(name, options, error):
    with pytest.raises(error, match=name):
        compare(**options)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        ((TRAIN[0], TEST), ValueError, "train_images must have shape"),
        ((TRAIN[:0], TEST), ValueError, "train_images must have shape"),
        ((TRAIN, TEST[:, :2]), ValueError, "test_images must have shape"),
        ((TRAIN, TEST.astype(int)), TypeError, "test_images must hold"),
        ((TRAIN, np.where(TEST > 0.5, np.nan, TEST)), ValueError, "test_images must be finite"),
        ((TRAIN - 1.0, TEST), ValueError, "train_images must have pixels within bounds"),
        ((TRAIN, TEST, LABELS[:3]), ValueError, "train_labels must have shape"),
        ((TRAIN, TEST, None, CLASSES + 5), ValueError, "test_labels must be between"),
        ((TRAIN, TEST, LABELS * 1.0), TypeError, "train_labels must be integers"),
    ],
)
def test_bad_images_and_labels(images, error, message):
    with pytest.raises(error, match=message):
        compare(*images)


def test_no_space_at_all():
    with pytest.raises(ValueError, match="spaces must name at least one"):
        compare(spaces=())
    with pytest.raises(TypeError, match="space must be a FeatureSpace"):
        compare_spaces(torch.nn.Linear(3, 2), TRAIN, TEST)


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pywt", None)
    with pytest.raises(ImportError, match=r"hullspace\[study\]"):
        compare()


def test_import_is_light():
    code = (
        "import sys, hullspace.comparison; "
        "print({'torch', 'sklearn', 'pywt', 'pandas', 'tqdm'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
