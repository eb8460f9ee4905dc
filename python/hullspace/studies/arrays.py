"""The arrays of nested results, by their places."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

# Proofs with an array for each pair or triple of classes: there may be very many.
_LEFT_OUT = ("adjacency/certificate", "/table", "/multipliers")


def arrays_of(
    value: Any, name: str = "", seen: set[int] | None = None
) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the arrays of nested dataclasses, mappings and tuples, each object once."""
    seen = set() if seen is None else seen
    if isinstance(value, np.ndarray):
        if value.dtype != object:
            yield name, value
        return
    if is_dataclass(value):
        parts = [(f.name, getattr(value, f.name, None)) for f in fields(value)]
    elif isinstance(value, dict):
        parts = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, tuple | list):
        parts = [(str(i), part) for i, part in enumerate(value)]
    else:
        return
    if id(value) in seen or name.endswith(_LEFT_OUT):
        return
    seen.add(id(value))
    for key, part in parts:
        if not key.startswith("_"):
            yield from arrays_of(part, f"{name}/{key}" if name else key, seen)
