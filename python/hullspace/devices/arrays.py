"""Arrays on their way to the core and back, between the host and devices."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from scipy import sparse

from hullspace.arguments import as_matrix, require_shape
from hullspace.devices.choice import device_of, name_of
from hullspace.devices.libraries import (
    NUMPY,
    ArrayLibrary,
    DeviceArray,
    DeviceCsr,
    borrow,
    library_of,
)

if TYPE_CHECKING:
    import numpy.typing as npt

_T = TypeVar("_T")


@dataclass(frozen=True)
class Placed:
    """A user's array as the core takes it, and what its answers are to be."""

    array: Any  # NumPy's or a DeviceArray
    library: ArrayLibrary
    stream: int
    on_device: bool

    def __len__(self) -> int:
        return int(self.array.shape[0])


def place_array(value: Any, name: str, device: int, *, double: bool = False) -> Placed:
    """Return an array that is on a device as the core takes it.

    Raises
    ------
    ValueError
        If it is on another device, or cannot be brought into C order.
    """
    if device_of(value) != device:
        raise ValueError(
            f"{name} must be on {name_of(device)}, got an array on {name_of(device_of(value))}"
        )
    library = library_of(value)
    array = borrow(value, name, library, double=double)
    return Placed(array, library, library.stream(device), on_device=True)


def place_matrix(
    value: Any, name: str, device: int, *, columns: int | None = None, allow_empty: bool = False
) -> Placed:
    """Return a matrix that is on a device or on the host, as the core takes it.

    Raises
    ------
    TypeError, ValueError
        As `as_matrix` and `place_array` say. Whether numbers are finite is left to the core.
    """
    if device_of(value) is None:
        matrix = as_matrix(
            value, name, columns=columns, allow_empty=allow_empty, check_finite=False
        )
        return Placed(matrix, NUMPY, 0, on_device=False)
    placed = place_array(value, name, device)
    require_shape(placed.array.shape, name, columns=columns, allow_empty=allow_empty)
    return placed


def beside(value: Any, array: npt.NDArray[Any]) -> Any:
    """Return an array where another one is, on a device or on the host, and of the same library."""
    device = device_of(value)
    if device is None:
        return array
    library = library_of(value)
    return library.wrap(DeviceArray.of_numpy(array, device, library.stream(device)))


def on_host(value: _T) -> _T:
    """Return a value with all arrays that are on a device copied into NumPy's.

    Takes arrays, sparse matrices, lists of arrays and records of all these; anything else is
    returned as it is.
    """
    result: Any = value
    if isinstance(value, DeviceCsr):
        indptr, indices, data = map(on_host, (value.indptr, value.indices, value.data))
        result = NUMPY.csr(DeviceCsr(indptr, indices, data, value.shape), value.shape)
    elif is_dataclass(value) and not isinstance(value, type):
        parts_by_name = {f.name: getattr(value, f.name) for f in fields(value)}
        changed = {k: h for k, v in parts_by_name.items() if (h := on_host(v)) is not v}
        result = replace(value, **changed) if changed else value
    elif isinstance(value, list) and any(device_of(v) is not None for v in value):
        result = [on_host(v) for v in value]
    elif type(value).__module__.startswith("cupyx."):
        result = sparse.csr_array(result.get())
    elif device_of(value) is not None:
        result = library_of(value).numpy(value)
    return cast("_T", result)
