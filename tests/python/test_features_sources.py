"""Where images come from."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from data import data_file
from hullspace import FeatureSpace
from hullspace.features import Images, load_images
from models import images

Image = pytest.importorskip("PIL.Image")


def pixels(n, height=4, width=5, channels=3, seed=0):
    shape = (n, height, width) + ((channels,) if channels else ())
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write_folder(folder, classes=("ant", "bee"), n=3, channels=3, suffix=".png", **sizes):
    """Write n images of each class; return them as load_images gives them."""
    found = []
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i, one in enumerate(pixels(n, channels=channels, seed=label, **sizes)):
            Image.fromarray(one).save(folder / name / f"{i}{suffix}")
            found.append(one[None] if one.ndim == 2 else one.transpose(2, 0, 1))
    return np.stack(found).astype(np.float32) / np.float32(255)


def space_of(*shape):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 4), nn.Linear(4, 3))
    return FeatureSpace.from_torch(model, torch.zeros(1, *shape))


class Items(Dataset):
    """Items of a list, which are made when they are asked for."""

    def __init__(self, items, classes=None):
        self.items = items
        self.asked = []
        if classes is not None:
            self.classes = classes

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        self.asked.append(i)
        return self.items[i]


class Stream(IterableDataset):
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


def same(found, expected, labels, names=None):
    assert np.array_equal(found.images, expected)
    assert found.images.dtype == expected.dtype
    assert (found.labels is None) == (labels is None)
    assert labels is None or np.array_equal(found.labels, labels)
    assert found.class_names == names


@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize("suffix", [".png", ".bmp", ".TIFF"])
def test_subfolders_are_classes(tmp_path, channels, suffix):
    expected = write_folder(tmp_path, ("zebra", "ant", "bee"), channels=channels, suffix=suffix)
    found = load_images(tmp_path)
    order = [3, 4, 5, 6, 7, 8, 0, 1, 2]
    same(found, expected[order], [0, 0, 0, 1, 1, 1, 2, 2, 2], ("ant", "bee", "zebra"))
    shape = (1 if channels is None else 3, 4, 5)
    assert repr(found) == f"Images(9 labelled, shape={shape})"
    space = space_of(*shape)
    streamed = space.extract(str(tmp_path), batch_size=2, progress=False)
    whole = space.extract(found.images, labels=found.labels, progress=False)
    assert np.allclose(streamed.features, whole.features, atol=1e-6)
    assert np.array_equal(streamed.labels, whole.labels)
    with_names = space.extract(found, progress=False)
    assert np.array_equal(with_names.labels, whole.labels)


def test_folders_without_classes_and_with_other_files(tmp_path):
    expected = write_folder(tmp_path, (".",))
    (tmp_path / "readme.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / ".cache").mkdir()
    same(load_images(tmp_path), expected, None)
    assert space_of(3, 4, 5).extract(tmp_path, progress=False).labels is None


def test_a_class_may_be_empty_or_have_folders(tmp_path):
    write_folder(tmp_path, ("a", "c/x", "c/y"), n=1)
    (tmp_path / "b").mkdir()
    found = load_images(tmp_path)
    assert found.labels.tolist() == [0, 2, 2]
    assert found.class_names == ("a", "b", "c")


def test_parts_of_a_folder(tmp_path):
    expected = write_folder(tmp_path / "test", ("a", "b"))
    write_folder(tmp_path / "train", ("a", "b"), n=1)
    same(load_images(tmp_path, part="test"), expected, [0, 0, 0, 1, 1, 1], ("a", "b"))
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*validation"):
        load_images(tmp_path, part="validation")


def test_images_of_several_sizes_are_resized(tmp_path):
    write_folder(tmp_path, ("a",), n=1)
    write_folder(tmp_path, ("b",), n=1, height=7, width=7)
    with pytest.raises(ValueError, match=r"one size, .*a.* has 4 x 5 and .*b.* has 7 x 7; pass si"):
        load_images(tmp_path)
    assert load_images(tmp_path, size=6).images.shape == (2, 3, 6, 6)
    found = load_images(tmp_path, size=(4, 5)).images
    assert found.shape == (2, 3, 4, 5)
    assert np.array_equal(found[0], load_images(tmp_path / "a").images[0])
    flat = np.full((9, 9, 3), 51, dtype=np.uint8)
    (tmp_path / "flat").mkdir()
    Image.fromarray(flat).save(tmp_path / "flat" / "0.png")
    assert np.allclose(load_images(tmp_path / "flat", size=3).images, 0.2)
    for size in (0, -1, (3,), (2, 3, 4), (2.5, 3), True):
        with pytest.raises(ValueError, match="size must be a positive integer or two"):
            load_images(tmp_path, size=size)


def test_modes_of_images(tmp_path):
    one = pixels(1)[0]
    rgb = Image.fromarray(one)
    for name, image in {"0": rgb, "1": rgb.convert("RGBA"), "2": rgb.convert("P"),
                        "3": rgb.convert("L"), "4": rgb.convert("1")}.items():  # fmt: skip
        image.save(tmp_path / f"{name}.png")
    found = load_images(tmp_path).images
    assert found.shape == (5, 3, 4, 5)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[3, 0], found[3, 1])
    assert set(np.unique(found[4])) <= {0.0, 1.0}
    rgb.convert("L").save(tmp_path / "-.png")
    with pytest.raises(ValueError, match=r"0\.png has colours and .*-\.png has none"):
        load_images(tmp_path)
    Image.fromarray(np.zeros((4, 5), dtype=np.uint16)).save(tmp_path / "-.png")
    with pytest.raises(ValueError, match=r"-\.png must have 8 bits a channel, has mode I;16"):
        load_images(tmp_path)


def test_bad_folders(tmp_path):
    with pytest.raises(ValueError, match="holds no images"):
        load_images(tmp_path)
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match="holds no images"):
        load_images(tmp_path)
    write_folder(tmp_path, ("b",))
    (tmp_path / "b" / "1.png").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"1\.png cannot be read as an image"):
        load_images(tmp_path)
    whole = (tmp_path / "b" / "0.png").read_bytes()
    (tmp_path / "b" / "1.png").write_bytes(whole[:60])
    with pytest.raises(ValueError, match=r"1\.png cannot be read as an image"):
        load_images(tmp_path)
    (tmp_path / "0.png").write_bytes(whole)
    with pytest.raises(ValueError, match="must hold class folders or images, it holds both"):
        load_images(tmp_path)
    for path in (tmp_path / "absent", "absent.npz"):
        with pytest.raises(FileNotFoundError, match=r"there is no file or folder .*absent"):
            load_images(path)


@pytest.mark.parametrize("channels", [None, 1, 3])
@pytest.mark.parametrize("first", [True, False])
def test_files_of_bytes_are_scaled(tmp_path, channels, first):
    raw = pixels(7, channels=channels)
    expected = (raw[:, None] if channels is None else raw.transpose(0, 3, 1, 2)) / np.float32(255)
    stored = raw.transpose(0, 3, 1, 2) if first and channels else raw
    np.savez(tmp_path / "set.npz", images=stored, labels=np.arange(7) % 3)
    same(load_images(tmp_path / "set.npz"), expected.astype(np.float32), np.arange(7) % 3)
    space = space_of(*expected.shape[1:])
    found = space.extract(tmp_path / "set.npz", batch_size=3, progress=False)
    assert np.allclose(found.features, space.extract(expected, progress=False).features, atol=1e-6)
    assert found.labels.tolist() == [0, 1, 2, 0, 1, 2, 0]


def test_parts_of_a_file(tmp_path):
    file = tmp_path / "set.npz"
    floats = np.random.default_rng(0).random((4, 6))
    np.savez(
        file, train_images=pixels(3), test_images=floats, test_labels=[0, 1, 0, 1],
        class_names=["a", "b"],
    )  # fmt: skip
    same(load_images(file, part="test"), floats.astype(np.float32), [0, 1, 0, 1], ("a", "b"))
    assert load_images(file, part="train").labels is None
    assert load_images(file, part="train").images.shape == (3, 3, 4, 5)
    message = "must hold 'images', found train_images, test_images, .*pass part='train'"
    with pytest.raises(ValueError, match=message):
        load_images(file)
    with pytest.raises(ValueError, match="must hold 'other_images', found train_images"):
        load_images(file, part="other")


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ({}, ValueError, "must hold 'images', found nothing"),
        ({"x": [1]}, ValueError, "must hold 'images', found x"),
        ({"images": np.zeros((2, 3), dtype=int)}, TypeError, "uint8 or floating-point, got int64"),
        ({"images": np.zeros(3)}, ValueError, r"images must have shape .*got \(3,\)"),
        ({"images": np.zeros((2, 5, 6, 7))}, ValueError, r"images must have shape .*\(2, 5, 6, 7"),
        ({"images": np.zeros((2, 3)), "labels": [1]}, ValueError, r"labels must have shape \(2,\)"),
        ({"images": np.zeros((0, 3))}, ValueError, "must not be empty"),
        ({"images": np.array([object()])}, ValueError, "cannot be read as an .npz file"),
    ],
)
def test_bad_files(tmp_path, arrays, error, message):
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(error, match=message):
        load_images(tmp_path / "set.npz")


def test_files_of_other_kinds(tmp_path):
    (tmp_path / "set.csv").write_text("1,2")
    with pytest.raises(ValueError, match=r"must end in \.npz, got .*set\.csv"):
        load_images(tmp_path / "set.csv")
    (tmp_path / "set.npz").write_bytes(b"1,2")
    with pytest.raises(ValueError, match=r"cannot be read as an \.npz file"):
        load_images(tmp_path / "set.npz")
    np.savez(tmp_path / "set.npz", images=pixels(2))
    with pytest.raises(ValueError, match="size is for folders"):
        load_images(tmp_path / "set.npz", size=3)


def test_data_sets_are_read_item_by_item():
    batch, labels = images(7, 3, 4, 5), np.arange(7) % 3
    expected = space_of(3, 4, 5).extract(batch, labels=labels, progress=False)
    raw = pixels(7)
    sources = {
        "tensors": TensorDataset(batch, torch.tensor(labels)),
        "lists": Items([[x, int(y)] for x, y in zip(batch.numpy(), labels, strict=True)]),
        "zero-dimensional labels": Items(list(zip(batch, torch.tensor(labels), strict=True))),
        "stream": Stream([(x, int(y)) for x, y in zip(batch, labels, strict=True)]),
    }
    for source in sources.values():
        found = space_of(3, 4, 5).extract(source, batch_size=3, progress=False)
        assert np.allclose(found.features, expected.features, atol=1e-6)
        assert np.array_equal(found.labels, labels)
        same(load_images(source), batch.numpy(), labels)
    for bare in (Items(list(batch)), TensorDataset(batch)):
        same(load_images(bare), batch.numpy(), None)
    pictures = Items([(Image.fromarray(x), 1) for x in raw], classes=["a", "b"])
    scaled = raw.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    same(load_images(pictures), scaled, [1] * 7, ("a", "b"))


def test_no_more_than_a_batch_is_held():
    items = Items(list(images(10, 3, 4, 5)))
    held = []
    space = space_of(3, 4, 5)
    space.model.register_forward_hook(lambda *_: held.append(len(items.asked)))
    held.clear()
    space.extract(items, batch_size=4, progress=False)
    assert held == [4, 8, 10]


def test_loaders_and_arrays_are_taken_as_they_are():
    batch, labels = images(7, 3, 4, 5), torch.arange(7) % 3
    same(load_images(DataLoader(TensorDataset(batch, labels), batch_size=2)), batch.numpy(), labels)
    same(load_images(batch), batch.numpy(), None)
    same(load_images(pixels(3)), pixels(3), None)
    same(load_images(batch.bfloat16()), batch.bfloat16().float().numpy(), None)
    kept = Images(pixels(3), np.zeros(3, dtype=int), ("a", "b"))
    assert load_images(kept) is kept


def test_misuse_is_named():
    batch = images(4, 3, 4, 5)
    cases = [
        (ValueError, "must not be empty", lambda: load_images([])),
        (TypeError, "item 0 is of type str", lambda: load_images(Items(["a"]))),
        (TypeError, "item 1 is of type NoneType",
         lambda: load_images(Items([(batch[0], 1), None]))),
        (TypeError, "must be a tensor, an array, a path.*got int", lambda: load_images(3)),
        (ValueError, r"one shape, got \(3, 4, 5\) and \(3, 4, 4\) at item 1",
         lambda: load_images(Items([batch[0], batch[0][..., :4]]))),
        (ValueError, "labels for all of them or for none",
         lambda: load_images(Items([(batch[0], 1), batch[1]]))),
        (ValueError, "labels with every batch or with none",
         lambda: load_images([(batch, [1] * 4), batch])),
        (ValueError, "part and size are for files", lambda: load_images(batch, part="train")),
        (ValueError, "part and size are for files", lambda: load_images([batch], size=3)),
        (ValueError, r"labels must have shape \(4,\), got \(3,\)",
         lambda: Images(batch.numpy(), np.zeros(3))),
        (ValueError, "labels must come with the batches",
         lambda: space_of(3, 4, 5).extract(Items(list(batch)), labels=[0] * 4, progress=False)),
        (ValueError, "labels of batch 0 must be between 0 and 2, got 0 to 9",
         lambda: space_of(3, 4, 5).extract(Images(batch.numpy(), np.array([0, 9, 1, 2])),
                                           progress=False)),
    ]  # fmt: skip
    for error, message, action in cases:
        with pytest.raises(error, match=message):
            action()


def test_real_files():
    found = load_images(data_file("mnist/images.npz"), part="test")
    assert found.images.shape == (10000, 1, 28, 28)
    assert found.images.dtype == np.float32
    assert (found.images.min(), found.images.max()) == (0.0, 1.0)
    assert len(found.labels) == 10000
    found = load_images(data_file("cifar10_resnet20/images.npz"), part="test")
    assert found.images.shape == (2000, 3, 32, 32)


def test_pillow_is_named_where_it_is_missing(tmp_path, monkeypatch):
    import sys

    write_folder(tmp_path)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"pip install 'hullspace\[images\]'"):
        load_images(tmp_path)
