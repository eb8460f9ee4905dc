"""Folders of images: subfolders are classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from hullspace.extras import require

if TYPE_CHECKING:
    from pathlib import Path

Size: TypeAlias = int | tuple[int, int]

_SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)

# Pillow's modes of images without colour, of eight bits or fewer.
_GREY = frozenset({"1", "L", "LA"})

# Modes of more bits, which conversion to eight would cut off.
_DEEP = ("I", "F")


@dataclass(frozen=True)
class Folder:
    """The images of a folder, in alphabetical order, class by class.

    Attributes
    ----------
    files : tuple of Path
        The images.
    labels : tuple of int or None
        Their classes; None without subfolders.
    class_names : tuple of str or None
        Names of the subfolders.
    mode : str
        ``"L"`` or ``"RGB"``, to which all are converted.
    size : (height, width)
        Size of all images.
    resize : bool
        Whether that is not their own.
    """

    files: tuple[Path, ...]
    labels: tuple[int, ...] | None
    class_names: tuple[str, ...] | None
    mode: str
    size: tuple[int, int]
    resize: bool

    @classmethod
    def find(cls, path: Path, size: Size | None) -> Folder:
        """List a folder; the first image says of which size and mode they all are."""
        require("PIL", "images")
        if not path.is_dir():
            raise FileNotFoundError(f"there is no folder {path}")
        wanted = None if size is None else _as_size(size)
        children = sorted(p for p in path.iterdir() if not p.name.startswith("."))
        classes = [p for p in children if p.is_dir()]
        loose = [p for p in children if _is_image(p)]
        if classes and loose:
            raise ValueError(f"{path} must hold class folders or images, it holds both")
        files, labels = loose, None
        if classes:
            found = [sorted(filter(_is_image, p.rglob("*"))) for p in classes]
            files = [file for own in found for file in own]
            labels = tuple(label for label, own in enumerate(found) for _ in own)
        if not files:
            raise ValueError(f"{path} holds no images ({', '.join(sorted(_SUFFIXES))})")
        with _opened(files[0]) as first:
            mode = "L" if first.mode in _GREY else "RGB"
            own_size = (first.height, first.width)
        names = tuple(p.name for p in classes) or None
        return cls(tuple(files), labels, names, mode, wanted or own_size, wanted is not None)

    def read(self, i: int) -> tuple[npt.NDArray[np.float32], int | None]:
        """Read an image, (channels, height, width) between 0 and 1, and its label."""
        height, width = self.size
        file = self.files[i]
        with _opened(file) as image:
            if image.mode.startswith(_DEEP):
                raise ValueError(f"{file} must have 8 bits a channel, has mode {image.mode}")
            if self.mode == "L" and image.mode not in _GREY:
                raise ValueError(f"{file} has colours and {self.files[0]} has none")
            if not self.resize and (image.height, image.width) != self.size:
                raise ValueError(
                    f"images must have one size, {self.files[0]} has {height} x {width} and "
                    f"{file} has {image.height} x {image.width}; pass size= to resize them"
                )
            try:
                pixels = image.convert(self.mode)
            except (OSError, SyntaxError, ValueError) as error:
                raise ValueError(f"{file} cannot be read as an image: {error}") from error
        if self.resize:
            bilinear = require("PIL.Image", "images").Resampling.BILINEAR
            pixels = pixels.resize((width, height), bilinear)
        array = np.asarray(pixels)
        array = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
        return as_pixels(array), None if self.labels is None else self.labels[i]


def as_pixels(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return bytes as float32 between 0 and 1, other numbers as float32."""
    pixels = np.ascontiguousarray(array, dtype=np.float32)
    return pixels / np.float32(255.0) if array.dtype == np.uint8 else pixels


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and path.is_file() and not path.name.startswith(".")


def _opened(file: Path) -> Any:
    try:
        return require("PIL.Image", "images").open(file)
    except OSError as error:
        raise ValueError(f"{file} cannot be read as an image: {error}") from error


def _as_size(size: Size) -> tuple[int, int]:
    pair = (size, size) if isinstance(size, int) else tuple(size)
    if len(pair) != 2 or any(not isinstance(n, int) or isinstance(n, bool) or n < 1 for n in pair):
        raise ValueError(f"size must be a positive integer or two, height and width, got {size!r}")
    return pair
