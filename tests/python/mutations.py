"""Corruptions of results, field by field: what to change, and what it is changed to."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
from scipy import sparse

STATUSES = range(-1, 10)
# What answers may be off by.
NOISE = 1e-11


@dataclass(frozen=True)
class Corruption:
    """One change of one field.

    Attributes
    ----------
    field : str
        The type that has it and its name, as in "Projection.gaps".
    what : str
        Kind of the change.
    result : object
        The result after it.
    row : tuple of int, or None
        The answer that it is about; None if that is not known.
    """

    field: str
    what: str
    result: Any
    row: tuple[int, ...] | None


def is_sparse(value: Any) -> bool:
    return sparse.issparse(value)


def leaves(value: Any, path: tuple[Any, ...] = (), owner: str = "") -> list[tuple[str, tuple]]:
    """Every part of a result that is no record, with the record's type and the field's name.

    What a record keeps to itself is taken as a whole.
    """
    if is_dataclass(value) and not (path and str(path[-1]).startswith("_")):
        return [
            leaf
            for f in fields(value)
            for leaf in leaves(
                getattr(value, f.name), (*path, f.name), f"{type(value).__name__}.{f.name}"
            )
        ]
    if isinstance(value, tuple | list) and any(is_dataclass(v) for v in value):
        return [leaf for i, v in enumerate(value) for leaf in leaves(v, (*path, i), owner)]
    if isinstance(value, dict):
        return [leaf for k, v in value.items() for leaf in leaves(v, (*path, k), owner)]
    if isinstance(value, tuple | list) and any(isinstance(v, np.ndarray) for v in value):
        return [(owner, (*path, i)) for i in range(len(value))]
    if is_sparse(value):
        return [(owner, (*path, part)) for part in ("data", "indices", "indptr")]
    return [(owner, path)]


def get(value: Any, path: tuple) -> Any:
    """What is at a path."""
    for step in path:
        value = getattr(value, step) if isinstance(step, str) else value[step]
    return value


def put(value: Any, path: tuple, part: Any) -> Any:
    """A copy of `value` with another part at a path."""
    if not path:
        return part
    step, rest = path[0], path[1:]
    if is_sparse(value):
        copy = value.copy()
        setattr(copy, step, part)
        return copy
    if is_dataclass(value):
        return replace(value, **{step: put(getattr(value, step), rest, part)})
    if isinstance(value, dict):
        return value | {step: put(value[step], rest, part)}
    return type(value)(put(v, rest, part) if i == step else v for i, v in enumerate(value))


def _numbers(old: float) -> dict[str, float]:
    return {
        "nan": np.nan,
        "inf": np.inf,
        "-inf": -np.inf,
        "sign": -old,
        "zero": 0.0,
        "beyond": old + 1e-3 * (1.0 + abs(old)) if np.isfinite(old) else 1.0,
        "large": 1e30,
    }


def _integers(old: int) -> dict[str, int]:
    return {"+1": old + 1, "-1": old - 1, "-5": -5, "many": 10**6}


def _replacements(old: Any) -> dict[str, Any]:
    """Other values for an element, and what they are called."""
    if isinstance(old, bool | np.bool_):
        return {"flip": not old}
    if isinstance(old, int | np.integer | IntEnum):
        return _integers(int(old))
    if isinstance(old, float | np.floating):
        return _numbers(float(old))
    return {}


def _is_other(old: Any, new: Any) -> bool:
    """Whether a change is one, and more than rounding makes."""
    if isinstance(old, float | np.floating) and np.isfinite(old) and np.isfinite(new):
        return abs(old - new) > NOISE * (1.0 + abs(old))
    return not np.array_equal(old, new, equal_nan=isinstance(old, float | np.floating))


def _element(array: np.ndarray, row: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Where to change an array: the largest element of an answer's part, or of all."""
    part = array[row] if row is not None else array
    if part.size == 0:
        return None
    sizes = np.abs(np.nan_to_num(part.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0))
    place = np.unravel_index(int(sizes.argmax()), part.shape)
    return (*(row or ()), *(int(i) for i in place))


def _changed(array: np.ndarray, place: Any, value: Any) -> np.ndarray | None:
    copy = array.copy()
    with np.errstate(all="ignore"):
        try:
            copy[place] = value
        except OverflowError:
            return None
    return copy


def array_corruptions(array: np.ndarray, row: tuple[int, ...] | None) -> dict[str, Any]:
    """Corrupted copies of an array, by the kind of change."""
    found: dict[str, Any] = {}
    place = _element(array, row)
    if place is not None:
        old = array[place]
        for what, new in _replacements(old).items():
            copy = _changed(array, place, new)
            if copy is not None and _is_other(old, copy[place]):
                found[what] = copy
    if array.ndim and len(array) > 1 and array.dtype.kind != "b":
        first = row[0] if row else 0
        nan = array.dtype.kind == "f"
        same = [
            np.allclose(each, array[first], rtol=NOISE, atol=NOISE, equal_nan=True)
            if nan
            else np.array_equal(each, array[first])
            for each in array
        ]
        others = np.flatnonzero(~np.array(same))
        if len(others):
            copy = array.copy()
            copy[[first, others[-1]]] = array[[others[-1], first]]
            found["swapped"] = copy
    if array.ndim and len(array):
        found["short"] = array[:-1]
        found["long"] = np.concatenate([array, array[-1:]])
        found["complex"] = array.astype(np.complex128)
        found["object"] = array.astype(object)
    return found


def corruptions(result: Any, name: str, path: tuple, row: tuple[int, ...] | None, shape: tuple):
    """Yield corruptions of one leaf, for one answer if the leaf is about single answers."""
    old = get(result, path)
    if path[:-1] and is_sparse(get(result, path[:-1])):
        yield from _csr_corruptions(result, name, path, row)
    elif path[-1] == "status":
        yield from _status_corruptions(result, name, path, row, old)
    elif isinstance(old, np.ndarray):
        aligned = len(path) == 1 and old.shape[: len(shape)] == shape
        for what, new in array_corruptions(old, row if aligned else None).items():
            # What is about one answer must make that one fail.
            known = aligned and what not in ("short", "long", "complex", "object")
            yield Corruption(name, what, put(result, path, new), row if known else None)
    elif isinstance(old, tuple) and all(isinstance(v, int | np.integer) for v in old):
        for i, v in enumerate(old):
            for what, new in _integers(int(v)).items():
                parts = (*old[:i], new, *old[i + 1 :])
                yield Corruption(name, f"{i} {what}", put(result, path, parts), None)
    else:
        for what, new in _replacements(old).items():
            if _is_other(old, new):
                yield Corruption(name, what, put(result, path, new), None)


def _status_corruptions(result, name, path, row, old):
    """Yield every other status, for one answer."""
    for status in STATUSES:
        if isinstance(old, np.ndarray) and old.size:
            known = len(path) == 1 and row is not None and len(row) == old.ndim
            # Within other results: one that is not optimal, if there is any.
            place = row if known else np.unravel_index(int(old.argmax()), old.shape)
            if old[place] != status:
                new = old.copy()
                new[place] = status
                changed = put(result, path, new)
                yield Corruption(name, f"status {status}", changed, row if known else None)
        elif not isinstance(old, np.ndarray) and int(old) != status:
            yield Corruption(name, f"status {status}", put(result, path, status), None)


def _row_starts(old):
    """Row starts that fit no elements, by the kind of change."""
    found = {"short": old[:-1], "floats": old.astype(np.float64)}
    for what, place, value in (
        ("huge", len(old) // 2, 10**8),
        ("negative", len(old) // 2, -7),
        ("first", 0, 1),
        ("last", -1, old[-1] + 1),
        ("falling", len(old) // 2, old[-1] + 3),
    ):
        if len(old) > 1:
            found[what] = old.copy()
            found[what][place] = value
    return found


def _csr_corruptions(result, name, path, row):
    """Yield corruptions of the elements of a row of a sparse matrix, and of its structure."""
    old = get(result, path)
    matrix = get(result, path[:-1])
    name = f"{name}.{path[-1]}"
    if path[-1] == "indptr":
        for what, new in _row_starts(old).items():
            yield Corruption(name, what, put(result, path, new), None)
        return
    span = slice(None)
    if row is not None and len(matrix.indptr) > row[0] + 1:
        span = slice(matrix.indptr[row[0]], matrix.indptr[row[0] + 1])
    places = np.arange(len(old))[span]
    if not len(places):
        return
    largest = places[np.argmax(np.abs(matrix.data[places]))]
    others = {
        "negative": -1,
        "none": matrix.shape[1],
        "huge": 2**31 - 1,
        "other": (int(old[largest]) + 1) % matrix.shape[1],
    }
    values = _numbers(float(old[largest])) if path[-1] == "data" else others
    for what, value in values.items():
        new = old.copy()
        new[largest] = value
        if _is_other(old[largest], new[largest]):
            aligned = len(path) <= 3 and row is not None
            yield Corruption(name, what, put(result, path, new), row if aligned else None)
    yield Corruption(name, "short", put(result, path, old[:-1]), None)
    yield Corruption(name, "complex", put(result, path, old.astype(np.complex128)), None)
