"""A directory of arrays that grow row by row, for what does not fit in memory."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

if TYPE_CHECKING:
    from types import TracebackType
    from typing import BinaryIO, Self

    import numpy.typing as npt

    from hullspace.features.files import Arrays

# Says what the directory holds: {"complete": bool, "arrays": {name: file}}.
_CONTENTS = "contents.json"


@dataclass
class _Column:
    """A ``.npy`` file that grows: its header, which NumPy pads for that, is written twice."""

    file: BinaryIO
    dtype: np.dtype[Any]
    shape: tuple[int, ...]  # of a row
    n_rows: int = 0

    def append(self, rows: npt.NDArray[Any]) -> None:
        if not self.n_rows:
            self.write_header()
        np.ascontiguousarray(rows).tofile(self.file)
        self.n_rows += len(rows)

    def write_header(self) -> None:
        self.file.seek(0)
        header = {"descr": npy.dtype_to_descr(self.dtype), "fortran_order": False}
        npy.write_array_header_1_0(self.file, {**header, "shape": (self.n_rows, *self.shape)})


class DirectoryWriter:
    """Writes arrays of as many rows as come, batch by batch.

    Until it is left without an error the directory is marked as incomplete.

    Parameters
    ----------
    path : Path
        A directory that is not there yet, or is empty, or was left incomplete.

    Raises
    ------
    FileExistsError
        If there is something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._columns: dict[str, _Column] = {}
        self._files: dict[str, str] = {}
        self._open = ExitStack()
        _require_free(path)

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True, exist_ok=True)
        for old in [*self.path.glob("*.npy"), *self.path.glob(_CONTENTS)]:
            old.unlink()
        self._write_contents(complete=False)
        return self

    def append(self, name: str, rows: npt.NDArray[Any]) -> None:
        """Add rows to an array, all of one type and shape."""
        column = self._columns.get(name) or self._column(name, rows)
        column.append(rows)

    def _column(self, name: str, rows: npt.NDArray[Any]) -> _Column:
        plain = name.isidentifier()
        file = f"{name}.npy" if plain else f"layer-{len(self._files)}.npy"
        self._files[name] = file
        handle = self._open.enter_context((self.path / file).open("wb"))
        column = self._columns[name] = _Column(handle, rows.dtype, rows.shape[1:])
        return column

    def _write_contents(self, complete: bool) -> None:
        text = json.dumps({"complete": complete, "arrays": self._files}, indent=1)
        part = self.path / f"{_CONTENTS}.part"
        part.write_text(text, encoding="utf-8")
        os.replace(part, self.path / _CONTENTS)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._open:
            for column in self._columns.values():
                column.write_header()
        if error is None:
            self._write_contents(complete=True)
        else:
            error.add_note(
                f"{self.path} is incomplete and cannot be loaded; extracting into it again "
                "starts anew"
            )


def _require_free(path: Path) -> None:
    if path.suffix in {".npy", ".npz", ".safetensors"}:
        raise ValueError(f"out must be a directory, which will hold several files, got {path}")
    if not path.exists():
        return
    if not path.is_dir():
        raise FileExistsError(f"out must be a directory, {path} is a file")
    if not any(path.iterdir()):
        return
    contents = _contents(path)
    if contents is None:
        raise FileExistsError(f"out must be a new or empty directory, {path} holds other files")
    if contents["complete"]:
        raise FileExistsError(f"out must be a new directory, {path} holds a complete set")


def _contents(path: Path) -> dict[str, Any] | None:
    """Return what a directory says of itself, if it does."""
    try:
        found = json.loads((path / _CONTENTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"complete", "arrays"} <= set(found) else None


def read_directory(path: Path, required: tuple[str, ...]) -> Arrays:
    """Map every array of a directory into memory; ValueError if it is not a complete one."""
    contents = _contents(path)
    if contents is None:
        raise ValueError(f"{path} must be a directory that FeatureSpace.extract wrote")
    if not contents["complete"]:
        raise ValueError(f"{path} is incomplete, its extraction was interrupted; extract again")
    missing = [name for name in required if name not in contents["arrays"]]
    if missing:
        raise ValueError(f"{path} must hold {', '.join(required)}; missing: {', '.join(missing)}")
    try:
        return {
            name: np.load(path / Path(file).name, mmap_mode="r", allow_pickle=False)
            for name, file in contents["arrays"].items()
        }
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
