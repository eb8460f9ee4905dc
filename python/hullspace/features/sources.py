"""Where images come from: arrays, loaders, data sets, folders, ``.npz`` files; batch by batch."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.features.folders import Folder, as_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from hullspace.features.folders import Size

_Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Images:
    """Images that fit in memory.

    Attributes
    ----------
    images : (n, ...) array
        From files (n, channels, height, width) float32 with pixels between 0 and 1, else as given.
    labels : (n,) integers or None
        Classes, where known.
    class_names : tuple of str or None
        Names of the classes, where known, in the order of their numbers.
    """

    images: _Array
    labels: _Array | None = None
    class_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.labels is not None and np.shape(self.labels) != (len(self.images),):
            raise ValueError(
                f"labels must have shape ({len(self.images)},), got {np.shape(self.labels)}"
            )

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        labelled = "unlabelled" if self.labels is None else "labelled"
        return f"Images({len(self)} {labelled}, shape={self.images.shape[1:]})"


@dataclass(frozen=True)
class Source:
    """Batches of images, each a tensor or array, with labels or None.

    Attributes
    ----------
    batches : iterable of (images, labels)
        As they come; nothing is converted.
    n_batches : int or None
        How many, where that is known.
    class_names : tuple of str or None
        Names of the classes, where known.
    """

    batches: Iterable[tuple[Any, Any]]
    n_batches: int | None = None
    class_names: tuple[str, ...] | None = None


def load_images(source: Any, *, part: str | None = None, size: Size | None = None) -> Images:
    """Read images that fit in memory, with labels where there are any.

    Parameters
    ----------
    source : path, tensor, array, torch Dataset, DataLoader or iterable of batches
        - A folder of images: its subfolders are the classes, in alphabetical order, as
          torchvision's ``ImageFolder`` has them; without subfolders there are no labels. Images
          must have one size unless `size` is given. They are grey if the first one is, else RGB.
        - An ``.npz`` file with ``images``, and ``labels`` and ``class_names`` where known, or with
          ``train_images`` and ``train_labels`` for ``part="train"``. Channels may come first or
          last or, for grey images, be left out.
        - A ``Dataset`` gives images or tuples that start with an image and its label; other
          iterables give batches or tuples that start with a batch and its labels.
    part : str, optional
        Of a file, the prefix of the keys; of a folder, the subfolder.
    size : int or (height, width), optional
        Resize the images of a folder (bilinear, antialiased).

    Returns
    -------
    Images
        Bytes from files are divided by 255; tensors and arrays are taken as they are.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    TypeError, ValueError
        If the source is of none of these kinds, has no images, or images that cannot be read or
        differ in size; the message says which.
    ImportError
        If `source` is a folder and Pillow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from hullspace.features import load_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "digits.npz")
    ...     pixels = np.full((4, 8, 8), 255, dtype=np.uint8)
    ...     np.savez(file, test_images=pixels, test_labels=[0, 1, 1, 2])
    ...     load_images(file, part="test")
    Images(4 labelled, shape=(1, 8, 8))
    """
    if isinstance(source, Images):
        return source
    opened = open_source(source, part=part, size=size)
    images, labels = [], []
    for number, item in enumerate(opened.batches):
        batch, own = as_batch(item, number)
        images.append(as_array(batch))
        if own is not None:
            labels.append(as_array(own))
    if not images:
        raise ValueError("source must not be empty")
    if labels and len(labels) < len(images):
        raise ValueError("source must give labels with every batch or with none")
    joined = np.concatenate(labels) if labels else None
    return Images(np.concatenate(images), joined, opened.class_names)


def open_source(
    source: Any,
    *,
    labels: npt.ArrayLike | None = None,
    batch_size: int = 256,
    part: str | None = None,
    size: Size | None = None,
) -> Source:
    """Return the batches of a source; see `load_images` and `FeatureSpace.extract`."""
    if batch_size < 1:
        raise ValueError(f"batch_size must be positive, got {batch_size}")
    is_path = isinstance(source, str | os.PathLike)
    if not is_path and (part is not None or size is not None):
        raise ValueError("part and size are for files and folders")
    if is_array(source):
        return _array_source(source, labels, batch_size)
    if labels is not None:
        raise ValueError("labels must come with the batches unless images is one array")
    if is_path:
        return _path_source(Path(source), batch_size, part, size)
    if isinstance(source, Images):
        opened = _array_source(source.images, source.labels, batch_size)
        return Source(opened.batches, opened.n_batches, source.class_names)
    if _is_dataset(source):
        return _dataset_source(source, batch_size)
    if not hasattr(source, "__iter__"):
        raise TypeError(
            "images must be a tensor, an array, a path, a Dataset or an iterable of batches, "
            f"got {type(source).__name__}"
        )
    n_batches = len(source) if hasattr(source, "__len__") else None
    return Source(source, n_batches)


def _array_source(images: Any, labels: Any, batch_size: int) -> Source:
    starts = range(0, len(images) if np.ndim(images) else 0, batch_size)

    def batches() -> Iterator[tuple[Any, Any]]:
        for i in starts:
            rows = slice(i, i + batch_size)
            yield images[rows], None if labels is None else labels[rows]

    return Source(batches(), len(starts))


def _path_source(path: Path, batch_size: int, part: str | None, size: Size | None) -> Source:
    if path.is_dir():
        folder = Folder.find(path if part is None else path / part, size)
        return _items_source(folder.read, len(folder.files), batch_size, folder.class_names)
    if not path.exists():
        raise FileNotFoundError(f"there is no file or folder {path}")
    if path.suffix != ".npz":
        raise ValueError(f"a file of images must end in .npz, got {path}")
    if size is not None:
        raise ValueError("size is for folders")
    images, labels, names = _read_npz(path, part)
    layout = _layout(images, path)
    raw = _array_source(images, labels, batch_size)
    return Source(((layout(batch), own) for batch, own in raw.batches), raw.n_batches, names)


def _read_npz(path: Path, part: str | None) -> tuple[_Array, _Array | None, tuple[str, ...] | None]:
    prefix = "" if part is None else f"{part}_"
    try:
        with np.load(path, allow_pickle=False) as file:
            keys = file.files
            kept = {"images", "labels"}
            arrays = {key: file[prefix + key] for key in kept if prefix + key in keys}
            names = tuple(map(str, file["class_names"])) if "class_names" in keys else None
    except Exception as error:
        raise ValueError(f"{path} cannot be read as an .npz file: {error}") from error
    if "images" not in arrays:
        parts = [key.removesuffix("_images") for key in keys if key.endswith("_images")]
        hint = f"; pass part={parts[0]!r}" if parts and part is None else ""
        raise ValueError(
            f"{path} must hold {prefix + 'images'!r}, found {', '.join(keys) or 'nothing'}{hint}"
        )
    images, labels = arrays["images"], arrays.get("labels")
    if images.dtype.kind not in "fu" or (images.dtype.kind == "u" and images.dtype != np.uint8):
        raise TypeError(f"{path}: images must be uint8 or floating-point, got {images.dtype}")
    if labels is not None and labels.shape != (len(images),):
        raise ValueError(f"{path}: labels must have shape ({len(images)},), got {labels.shape}")
    return images, labels, names


_CHANNELS = (1, 3, 4)


def _layout(images: _Array, path: Path) -> Callable[[_Array], _Array]:
    """Return what makes (n, channels, height, width) float32 between 0 and 1 of a batch."""
    if images.ndim == 3:
        return lambda batch: as_pixels(batch[:, None])
    if images.ndim == 4 and images.shape[3] in _CHANNELS:
        return lambda batch: as_pixels(batch.transpose(0, 3, 1, 2))
    if images.ndim != 2 and (images.ndim != 4 or images.shape[1] not in _CHANNELS):
        raise ValueError(
            f"{path}: images must have shape (n, height, width, channels), (n, channels, height, "
            f"width), (n, height, width) or (n, n_inputs), got {images.shape}"
        )
    return as_pixels


def _is_dataset(source: Any) -> bool:
    data = sys.modules.get("torch.utils.data")  # what is a Dataset has imported it
    return data is not None and isinstance(source, data.Dataset)


def _dataset_source(dataset: Any, batch_size: int) -> Source:
    names = getattr(dataset, "classes", None)
    names = tuple(map(str, names)) if isinstance(names, list | tuple) else None
    if isinstance(dataset, sys.modules["torch.utils.data"].IterableDataset):
        return Source(_collated(iter(dataset), batch_size), None, names)
    return _items_source(dataset.__getitem__, len(dataset), batch_size, names)


def _items_source(
    read: Callable[[int], Any], n: int, batch_size: int, names: tuple[str, ...] | None
) -> Source:
    return Source(_collated(map(read, range(n)), batch_size), -(-n // batch_size), names)


def _collated(items: Iterator[Any], batch_size: int) -> Iterator[tuple[Any, Any]]:
    """Stack images, with their labels, to batches."""
    images: list[Any] = []
    labels: list[Any] = []
    for number, item in enumerate(items):
        pair = (*item, None) if isinstance(item, tuple | list) else (item, None)
        image, label = _as_image(pair[0], number), pair[1]
        if images and image.shape != images[0].shape:
            raise ValueError(
                f"images must have one shape, got {tuple(images[0].shape)} and "
                f"{tuple(image.shape)} at item {number}"
            )
        images.append(image)
        labels.append(label)
        if len(images) == batch_size:
            yield _stacked(images, labels)
            images, labels = [], []
    if images:
        yield _stacked(images, labels)


def _as_image(image: Any, number: int) -> Any:
    if hasattr(image, "getbands"):  # a Pillow image
        pixels = np.asarray(image.convert("L" if len(image.getbands()) == 1 else "RGB"))
        return as_pixels(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))
    if not is_array(image):
        raise TypeError(
            "images must be tensors, arrays or Pillow images, or tuples that start with one; "
            f"item {number} is of type {type(image).__name__}"
        )
    return image


def _stacked(images: Sequence[Any], labels: list[Any]) -> tuple[Any, Any]:
    known = [label for label in labels if label is not None]
    if known and len(known) < len(labels):
        raise ValueError("images must come with labels for all of them or for none")
    stack = np.stack if isinstance(images[0], np.ndarray) else sys.modules["torch"].stack
    return stack(images), np.array([as_array(label) for label in known]) if known else None


def is_array(value: Any) -> bool:
    """Whether a value is an array or a tensor."""
    torch = sys.modules.get("torch")  # whoever has a tensor has imported it
    return isinstance(value, np.ndarray) or (torch is not None and torch.is_tensor(value))


def as_array(value: Any) -> _Array:
    """Return a tensor, on whatever device, or anything like an array as an array."""
    if is_array(value) and not isinstance(value, np.ndarray):
        value = value.detach().cpu()
        half = str(value.dtype) == "torch.bfloat16"  # which NumPy lacks
        return np.asarray((value.float() if half else value).numpy())
    return np.asarray(value)


def as_batch(item: Any, number: int, name: str = "images") -> tuple[Any, Any]:
    """Split a batch into images, a tensor or array, and labels, where there are any."""
    labels = None
    if isinstance(item, tuple | list) and item:
        labels = item[1] if len(item) > 1 else None
        item = item[0]
    if not is_array(item):
        raise TypeError(
            f"{name} must give tensors or arrays, or tuples that start with one; "
            f"batch {number} is of type {type(item).__name__}"
        )
    if item.ndim < 2 or len(item) == 0:
        raise ValueError(
            f"{name} must have shape (n, ...) with n > 0, got {tuple(item.shape)} in batch {number}"
        )
    if labels is not None and (np.ndim(labels) != 1 or len(labels) != len(item)):
        raise ValueError(f"labels of batch {number} must have shape ({len(item)},)")
    return item, labels
