"""Features that do not fit in memory."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from hullspace import FeatureSet, FeatureSpace, Hull
from models import Wrapped, images, mlp


def space_of(double=False):
    torch.manual_seed(0)
    model = mlp(8, 6, 4, 3)
    return FeatureSpace.from_torch(model.double() if double else model, images(1, 8))


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("labelled", [False, True])
def test_files_hold_what_memory_would(tmp_path, double, labelled):
    space = space_of(double)
    batch, labels = images(23, 8), np.arange(23) % 3 if labelled else None
    options = {"labels": labels, "layers": ["0", "2"], "batch_size": 5, "progress": False}
    expected = space.extract(batch, **options)
    found = space.extract(batch, out=tmp_path / "new" / "set", **options)
    loaded = FeatureSet.load(tmp_path / "new" / "set")
    for one in (found, loaded):
        assert repr(one) == repr(expected)
        arrays = [(getattr(one, k), getattr(expected, k))
                  for k in ("features", "logits", "predictions", "labels")]  # fmt: skip
        arrays += [(one.layers[k], expected.layers[k]) for k in ("0", "2")]
        for array, other in arrays:
            if other is None:
                assert array is None
                continue
            assert isinstance(array, np.memmap)
            assert not array.flags.writeable
            assert array.dtype == other.dtype
            assert np.allclose(array, other, atol=1e-6)
        assert np.array_equal(one.head.weight, space.head.weight)
        assert one.head.bias.dtype == space.head.bias.dtype
        assert one.accuracy == expected.accuracy
    assert np.load(tmp_path / "new" / "set" / "features.npy").shape == (23, 4)


def test_sets_of_files_are_used_like_others(tmp_path):
    found = space_of().extract(images(50, 8), out=tmp_path / "set", progress=False)
    assert Hull(found.features).contains(found.features[:5]).inside.all()
    found.save(tmp_path / "set.npz")
    assert np.array_equal(FeatureSet.load(tmp_path / "set.npz").features, found.features)


def test_existing_directories_are_kept(tmp_path):
    space = space_of()
    extract = lambda out: space.extract(images(4, 8), out=out, progress=False)  # noqa: E731
    extract(tmp_path / "set")
    with pytest.raises(FileExistsError, match=r"out must be a new directory, .*complete set"):
        extract(tmp_path / "set")
    with pytest.raises(FileExistsError, match="out must be a new or empty directory"):
        extract(tmp_path)
    (tmp_path / "file").write_text("kept")
    with pytest.raises(FileExistsError, match=r"out must be a directory, .*file is a file"):
        extract(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert len(extract(str(tmp_path / "empty"))) == 4
    for name in ("features.npy", "set.npz", "set.safetensors"):
        with pytest.raises(ValueError, match="out must be a directory, which will hold several"):
            extract(tmp_path / name)
    assert (tmp_path / "file").read_text() == "kept"


def interrupted(n):
    yield images(n, 8)
    raise KeyboardInterrupt


def test_an_interrupted_extraction_says_so_and_starts_anew(tmp_path):
    space, out = space_of(), tmp_path / "set"
    with pytest.raises(KeyboardInterrupt) as caught:
        space.extract(interrupted(5), out=out, layers=["0"], progress=False)
    assert "incomplete" in caught.value.__notes__[0]
    with pytest.raises(ValueError, match="set is incomplete, its extraction was interrupted"):
        FeatureSet.load(out)
    assert len(space.extract(images(3, 8), out=out, progress=False)) == 3
    assert FeatureSet.load(out).layers == {}
    assert not list(out.glob("layer-*"))


def test_a_process_that_is_killed_leaves_an_incomplete_directory(tmp_path):
    script = f"""
        import os, torch
        from hullspace import FeatureSpace
        space = FeatureSpace.from_torch(torch.nn.Linear(8, 3), torch.zeros(1, 8))
        def batches():
            yield torch.ones(5, 8)
            os.kill(os.getpid(), 9)
        space.extract(batches(), out={str(tmp_path / "set")!r}, progress=False)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == -9
    with pytest.raises(ValueError, match="interrupted; extract again"):
        FeatureSet.load(tmp_path / "set")


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([], "images must not be empty"),
        ([images(2, 8), images(2, 8) * torch.nan], "batch 1 gives features that are not finite"),
        ([(images(2, 8), [0, 1]), images(2, 8)], "labels with every batch or with none"),
        ([images(2, 8), (images(2, 8), [0, 1])], "labels with every batch or with none"),
        ([(images(2, 8), [0, 3])], "labels of batch 0 must be between 0 and 2, got 0 to 3"),
    ],
)
def test_bad_batches_leave_an_incomplete_directory(tmp_path, batches, message):
    with pytest.raises(ValueError, match=message):
        space_of().extract(batches, out=tmp_path / "set", progress=False)
    with pytest.raises(ValueError, match="incomplete"):
        FeatureSet.load(tmp_path / "set")


def test_rows_have_one_shape(tmp_path):
    model = torch.nn.Sequential(torch.nn.Conv1d(1, 2, 1), torch.nn.AdaptiveAvgPool1d(4))
    model = torch.nn.Sequential(model, torch.nn.Flatten(), torch.nn.Linear(8, 3))
    space = FeatureSpace.from_torch(Wrapped(model, lambda y: y), images(1, 1, 8))
    batches = [images(2, 1, 8), images(2, 1, 12)]
    message = r"batch 1 gives 24 outputs of 'model\.0\.0' an image, others give 16"
    for out in (None, tmp_path / "set"):
        with pytest.raises(ValueError, match=message):
            space.extract(batches, layers=["model.0.0"], out=out, progress=False)


def test_damaged_directories(tmp_path):
    out = tmp_path / "set"
    with pytest.raises(ValueError, match=r"must be a directory that FeatureSpace\.extract wrote"):
        FeatureSet.load(tmp_path)
    space_of().extract(images(3, 8), out=out, progress=False)
    contents = json.loads((out / "contents.json").read_text())
    (out / "logits.npy").write_bytes((out / "predictions.npy").read_bytes())
    with pytest.raises(ValueError, match="logits has the wrong shape"):
        FeatureSet.load(out)
    (out / "logits.npy").unlink()
    with pytest.raises(ValueError, match=r"set cannot be read: .*logits"):
        FeatureSet.load(out)
    del contents["arrays"]["logits"]
    (out / "contents.json").write_text(json.dumps(contents))
    with pytest.raises(ValueError, match=r"must hold .*; missing: logits"):
        FeatureSet.load(out)
    for text in ("{", "[]", "{}"):
        (out / "contents.json").write_text(text)
        with pytest.raises(ValueError, match="must be a directory that"):
            FeatureSet.load(out)


def test_memory_does_not_grow_with_the_images(tmp_path):
    script = f"""
        import torch
        from pathlib import Path
        from hullspace import FeatureSpace

        def private():
            lines = Path("/proc/self/status").read_text().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

        space = FeatureSpace.from_torch(torch.nn.Linear(64, 10), torch.zeros(1, 64))
        batch = torch.zeros(2000, 64)
        space.extract([batch] * 2, out={str(tmp_path / "warm")!r}, progress=False)
        before = private()
        found = space.extract(
            (batch for _ in range(100)), out={str(tmp_path / "set")!r}, progress=False
        )
        print(len(found), private() - before, found.features.nbytes // 1024)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
    )
    if "FileNotFoundError" in done.stderr:
        pytest.skip("needs /proc")
    n, growth, size = map(int, done.stdout.split())
    print(f"{n} images, {size} KiB of features: private memory grew by {growth} KiB")
    assert n == 200_000
    assert growth < size / 5
