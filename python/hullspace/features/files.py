"""Files of named arrays: ``.npz`` and ``.safetensors``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.extras import require

if TYPE_CHECKING:
    from pathlib import Path

Arrays = dict[str, npt.NDArray[Any]]

CLASS_NAMES = "class_names"


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays to a file, whose suffix says how."""
    if path.suffix == ".npz":
        np.savez_compressed(path, allow_pickle=False, **arrays)
    elif path.suffix == ".safetensors":
        names = arrays.pop(CLASS_NAMES, None)
        metadata = None if names is None else {CLASS_NAMES: json.dumps(names.tolist())}
        contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        require("safetensors.numpy", "torch").save_file(contiguous, path, metadata=metadata)
    else:
        raise ValueError(f"path must end in .npz or .safetensors, got {path}")


def read_arrays(path: Path, required: tuple[str, ...]) -> Arrays:
    """Read every array of a file; ValueError if one of the required names is missing."""
    if path.suffix not in (".npz", ".safetensors"):
        raise ValueError(f"path must end in .npz or .safetensors, got {path}")
    if not path.is_file():
        raise FileNotFoundError(f"path must be an existing file, got {path}")
    try:
        arrays = _read_npz(path) if path.suffix == ".npz" else _read_safetensors(path)
    except ImportError:
        raise
    except Exception as error:
        raise ValueError(f"{path} cannot be read as a {path.suffix} file: {error}") from error
    missing = [name for name in required if name not in arrays]
    if missing:
        raise ValueError(f"{path} must hold {', '.join(required)}; missing: {', '.join(missing)}")
    return arrays


def _read_npz(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _read_safetensors(path: Path) -> Arrays:
    with require("safetensors", "torch").safe_open(path, framework="numpy") as file:
        arrays: Arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata() or {}
    if CLASS_NAMES in metadata:
        arrays[CLASS_NAMES] = np.array(json.loads(metadata[CLASS_NAMES]))
    return arrays
