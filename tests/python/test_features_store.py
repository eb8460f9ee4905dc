"""Heads, feature sets and their files."""

import numpy as np
import pytest

from data import data_file
from hullspace import FeatureSet, FeatureSplit, Head

SUFFIXES = [".npz", ".safetensors"]


def make_set(n=6, dtype=np.float32, labels=True, seed=0):
    generator = np.random.default_rng(seed)
    head = Head(generator.normal(size=(3, 4)).astype(dtype), generator.normal(size=3).astype(dtype))
    features = generator.normal(size=(n, 4)).astype(dtype)
    return FeatureSet.of(features, head, np.arange(n) % 3 if labels else None)


def same(a, b):
    for name in ("features", "logits", "predictions"):
        first, second = getattr(a, name), getattr(b, name)
        assert first.dtype == second.dtype
        assert np.array_equal(first, second)
    assert np.array_equal(a.head.weight, b.head.weight)
    assert np.array_equal(a.head.bias, b.head.bias)
    assert (a.labels is None) == (b.labels is None)
    assert a.labels is None or np.array_equal(a.labels, b.labels)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("labels", [True, False])
def test_sets_survive_saving(tmp_path, suffix, dtype, labels):
    features = make_set(dtype=dtype, labels=labels)
    features.save(tmp_path / f"set{suffix}")
    same(features, FeatureSet.load(str(tmp_path / f"set{suffix}")))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("names", [None, ("cat", "dog", "größe")])
def test_splits_survive_saving(tmp_path, suffix, names):
    train = make_set(12)
    test = FeatureSet.of(make_set(5, seed=1).features, train.head, [0, 1, 2, 2, 1])
    split = FeatureSplit(train, test, names)
    split.save(tmp_path / f"split{suffix}")
    loaded = FeatureSplit.load(tmp_path / f"split{suffix}")
    same(split.train, loaded.train)
    same(split.test, loaded.test)
    assert loaded.class_names == names
    assert loaded.names == (names or ("0", "1", "2"))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("which", ["neither", "train", "test"])
def test_labels_are_optional(tmp_path, suffix, which):
    train, test = make_set(12, labels=which == "train"), make_set(5, labels=which == "test")
    split = FeatureSplit(train, test)
    split.save(tmp_path / f"split{suffix}")
    loaded = FeatureSplit.load(tmp_path / f"split{suffix}")
    same(split.train, loaded.train)
    same(split.test, loaded.test)
    assert (loaded.train.labels is None) == (which != "train")
    assert (loaded.test.accuracy is None) == (which != "test")


def test_real_file_loads():
    split = FeatureSplit.load(data_file("cifar10_resnet20/features.npz"))
    assert repr(split) == "FeatureSplit(50000 train, 10000 test, Head(n_classes=10, n_features=64))"
    assert split.train.accuracy == pytest.approx(0.860, abs=5e-4)
    assert split.test.accuracy == pytest.approx(0.810, abs=5e-4)


def test_head_computes_logits():
    head = Head([[1.0, 2.0], [0.0, -1.0]], [1, 0])
    assert head.logits([[1.0, 1.0]]).tolist() == [[4.0, -1.0]]
    assert head.predict([[1.0, 1.0], [-9.0, 1.0]]).tolist() == [0, 1]
    assert Head(np.eye(2, dtype=np.float32)).bias.dtype == np.float32
    assert make_set(labels=False).accuracy is None
    assert "unlabelled" in repr(make_set(labels=False))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0, 2.0],), ValueError, "weight must be two-dimensional"),
        ((np.eye(2), [1.0]), ValueError, "bias must have one element for each of the 2 rows"),
        ((np.eye(2), [1.0, np.inf]), ValueError, r"bias must be finite, got inf at \[1\]"),
        ((np.eye(2), ["a", "b"]), TypeError, "bias must hold real numbers"),
        ((np.eye(2) * np.nan,), ValueError, "weight must be finite"),
    ],
)
def test_bad_heads(arguments, error, message):
    with pytest.raises(error, match=message):
        Head(*arguments)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0.0, 1.0], TypeError, "labels must be integers"),
        ([0], ValueError, r"labels must have shape \(2,\), got \(1,\)"),
        ([0, 2], ValueError, "labels must be between 0 and 1, got 0 to 2"),
        ([-1, 0], ValueError, "labels must be between 0 and 1, got -1 to 0"),
    ],
)
def test_bad_labels(labels, error, message):
    with pytest.raises(error, match=message):
        FeatureSet.of(np.eye(2), Head(np.eye(2)), labels)


def test_bad_splits():
    labelled = make_set()
    other = FeatureSet.of(np.eye(2), Head(np.eye(2)), [0, 1])
    with pytest.raises(ValueError, match="same number of features, got 4 and 2"):
        FeatureSplit(labelled, other)
    with pytest.raises(ValueError, match="class_names must have 3 entries, got 2"):
        FeatureSplit(labelled, labelled, ("a", "b"))


def test_bad_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.npz"):
        FeatureSet.load(tmp_path / "absent.npz")
    for name in ("set.txt", "set"):
        with pytest.raises(ValueError, match=r"must end in \.npz or \.safetensors"):
            FeatureSet.load(tmp_path / name)
        with pytest.raises(ValueError, match=r"must end in \.npz or \.safetensors"):
            make_set().save(tmp_path / name)
    for suffix in SUFFIXES:
        path = tmp_path / f"garbage{suffix}"
        path.write_bytes(b"\x00" * 100)
        with pytest.raises(ValueError, match=f"cannot be read as a {suffix} file"):
            FeatureSet.load(path)
    np.savez(tmp_path / "part.npz", features=np.eye(2), weight=np.eye(2))
    with pytest.raises(ValueError, match=r"must hold .*missing: logits, predictions, bias"):
        FeatureSet.load(tmp_path / "part.npz")
    np.savez(tmp_path / "objects.npz", features=np.array([object()]))
    with pytest.raises(ValueError, match="cannot be read"):
        FeatureSet.load(tmp_path / "objects.npz")
