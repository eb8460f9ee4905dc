"""Devices, and the array libraries whose arrays live there; nothing else knows of either.

Libraries are recognized by their arrays and never imported: whoever has an array of theirs has
imported them.
"""

from __future__ import annotations

import re
import sys
import warnings
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from importlib import import_module
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hullspace import _core
from hullspace._arrays import as_matrix, require_shape

DeviceArray = _core.DeviceArray

_T = TypeVar("_T")

# Kinds of memory in DLPack: https://dmlc.github.io/dlpack/latest/c_api.html
_HOST_MEMORY = (1, 3)
_CUDA_MEMORY = (2, 13)


@dataclass(frozen=True)
class Device:
    """A GPU.

    Attributes
    ----------
    name : str
        What the argument `device` of operations takes: "cuda:0".
    product : str
        What its maker calls it.
    capability : (int, int)
        Compute capability.
    n_multiprocessors : int
        Number of multiprocessors.
    total_memory, free_memory : int
        Bytes.
    """

    name: str
    product: str
    capability: tuple[int, int]
    n_multiprocessors: int
    total_memory: int
    free_memory: int

    def __str__(self) -> str:
        free, total = self.free_memory / 2**30, self.total_memory / 2**30
        major, minor = self.capability
        return f"{self.name} {self.product} (sm_{major}{minor}, {free:.1f} of {total:.1f} GiB free)"


@dataclass(frozen=True)
class Devices:
    """The GPUs that operations can run on.

    Attributes
    ----------
    available : tuple of Device
        The GPUs; empty if there are none.
    reason : str
        Why there are none; empty if there are.
    """

    available: tuple[Device, ...]
    reason: str

    def __len__(self) -> int:
        return len(self.available)

    def __repr__(self) -> str:
        return f"Devices({', '.join(map(str, self.available)) or 'none: ' + self.reason})"


@dataclass(frozen=True)
class DeviceCsr:
    """A compressed sparse row matrix on a device, for array libraries that have no such type."""

    indptr: Any
    indices: Any
    data: Any
    shape: tuple[int, int]


def devices() -> Devices:
    """Tell which GPUs there are, or why there are none.

    Returns
    -------
    Devices
        `available`, a tuple of records, and `reason`.

    Notes
    -----
    Opens the CUDA library, which nothing does before a GPU is asked for: the file that the
    environment variable ``HULLSPACE_CUDA_LIBRARY`` names or, by default, the one that hullspace was
    installed with. To see how much memory is free takes a little on each of the GPUs, once.

    Examples
    --------
    >>> import hullspace
    >>> found = hullspace.devices()
    >>> bool(found.available) != bool(found.reason)
    True
    """
    count, reason = _core.count_devices()
    return Devices(tuple(_describe(i) for i in range(count)), reason)


def _describe(device: int) -> Device:
    product, capability, *numbers = _core.describe_device(device)
    return Device(name_of(device), product, divmod(capability, 10), *numbers)


def name_of(device: int | None) -> str:
    """Return the name of a device by its number; None is the CPU."""
    return "cpu" if device is None else f"cuda:{device}"


def device_of(value: Any) -> int | None:
    """Return the number of the CUDA device on which an array lives, None for the host."""
    if isinstance(value, np.ndarray) or not hasattr(value, "__dlpack_device__"):
        return None
    kind, number = value.__dlpack_device__()
    if int(kind) in _HOST_MEMORY:
        return None
    if int(kind) in _CUDA_MEMORY:
        return int(number)
    raise ValueError(
        f"arrays must be in memory of the host or of a CUDA device, got {type(value).__name__} "
        "elsewhere"
    )


def choose_device(device: Any, value: Any) -> int | None:
    """Return the number of the device that a user means for an array, None for the CPU.

    Raises
    ------
    ValueError
        If `device` is no device.
    RuntimeError
        If it is one that there is not.
    """
    home = device_of(value)
    name = name_of(home) if device is None else str(device)
    if name == "cpu":
        return None
    match = re.fullmatch(r"auto|cuda(?::(\d+))?", name)
    if match is None:
        raise ValueError(f"device must be 'cpu', 'cuda', 'cuda:N' or 'auto', got {device!r}")
    count, reason = _core.count_devices()
    if name == "auto" and count == 0:
        return None
    if count == 0:
        raise RuntimeError(
            f"there is no device {name!r}: {reason}; use device='cpu', or device='auto' "
            "for a GPU where there is one"
        )
    number = _current_device(home) if match[1] is None else int(match[1])
    if number >= count:
        names = ", ".join(map(name_of, range(count)))
        raise RuntimeError(f"there is no device {name_of(number)!r}, only {names}")
    return number


def _current_device(home: int | None) -> int:
    """Where the array lives, or the current device of a library that has chosen one."""
    if home is not None:
        return home
    torch, cupy = sys.modules.get("torch"), sys.modules.get("cupy")
    if torch is not None and torch.cuda.is_initialized():
        return int(torch.cuda.current_device())
    if cupy is not None:
        return int(cupy.cuda.runtime.getDevice())
    return 0


def as_memory_limit(memory_limit: int | None) -> int:
    """Return a number of bytes, where 0 stands for the default."""
    if memory_limit is None:
        return 0
    if isinstance(memory_limit, bool) or not isinstance(memory_limit, int | np.integer):
        raise TypeError(f"memory_limit must be a number of bytes or None, got {memory_limit!r}")
    if not 0 < memory_limit < 2**63:
        raise ValueError(f"memory_limit must be positive, got {memory_limit}")
    return int(memory_limit)


class ArrayLibrary:
    """What is needed of an array library; this is NumPy."""

    # What is asked of DLPack: to be ready on the default stream, or, as -1, just as it is.
    awaited_stream = 1

    def stream(self, _device: int) -> int:
        """Return the library's current stream on a device, 0 for the default one."""
        return 0

    def as_float(self, array: Any, *, double: bool) -> Any:
        """Return an array on a device in C order and of a type that the core takes."""
        return array

    def wrap(self, array: Any) -> Any:
        """Return the core's array as one of the library."""
        return array

    def csr(self, weights: tuple[Any, Any, Any], shape: tuple[int, int]) -> Any:
        """Return the core's weights as a sparse matrix of the library."""
        data, indices, indptr = weights
        if len(data) < 2**31:
            indptr = indptr.astype(np.int32)
        return sparse.csr_array((data, indices, indptr), shape=shape, copy=False)

    def equals(self, array: Any, value: int) -> Any:
        """Where elements of an array of the library have a value."""
        return array == value

    def rows(self, array: Any, indices: npt.NDArray[Any]) -> Any:
        """Return some rows of an array of the library, in NumPy."""
        return self.numpy(array)[indices]

    def numpy(self, array: Any) -> Any:
        """Return an array of the library in NumPy."""
        return np.asarray(array)


class _AnyLibrary(ArrayLibrary):
    """A library that is not known, but speaks DLPack."""

    def csr(self, weights: tuple[Any, Any, Any], shape: tuple[int, int]) -> Any:
        data, indices, indptr = map(self.wrap, weights)
        return DeviceCsr(indptr, indices, data, shape)

    def equals(self, array: Any, value: int) -> Any:
        return DeviceArray.of_numpy(array.numpy() == value, array.__dlpack_device__()[1], 0)

    def numpy(self, array: Any) -> Any:
        return _borrow(array, "array", self).numpy()


class _Torch(ArrayLibrary):
    awaited_stream = -1  # the core works on the stream that is current here

    def stream(self, device: int) -> int:
        return int(sys.modules["torch"].cuda.current_stream(device).cuda_stream)

    def as_float(self, array: Any, *, double: bool) -> Any:
        torch = sys.modules["torch"]
        array = array.detach()
        if double or not array.is_floating_point():
            array = array.double()
        elif array.dtype != torch.float64:
            array = array.float()
        return array.contiguous()

    def wrap(self, array: Any) -> Any:
        return sys.modules["torch"].from_dlpack(array)

    def csr(self, weights: tuple[Any, Any, Any], shape: tuple[int, int]) -> Any:
        torch = sys.modules["torch"]
        data, indices, indptr = map(self.wrap, weights)
        if len(data) < 2**31:
            indptr = indptr.to(torch.int32)
        else:
            indices = indices.to(torch.int64)
        _hush_sparse_csr()
        return torch.sparse_csr_tensor(indptr, indices, data, size=shape, check_invariants=False)

    def rows(self, array: Any, indices: npt.NDArray[Any]) -> Any:
        chosen = sys.modules["torch"].as_tensor(indices, device=array.device)
        return self.numpy(array[chosen])

    def numpy(self, array: Any) -> Any:
        if array.layout == sys.modules["torch"].sparse_csr:
            parts = (array.values(), array.col_indices(), array.crow_indices())
            return sparse.csr_array(tuple(map(self.numpy, parts)), shape=tuple(array.shape))
        return array.detach().cpu().numpy()


@cache
def _hush_sparse_csr() -> None:
    """Make torch's first tensor of this kind, at which it warns that the kind is in beta."""
    torch = sys.modules["torch"]
    with warnings.catch_warnings(action="ignore"):
        torch.zeros(1, 1).to_sparse_csr()


class _Cupy(ArrayLibrary):
    awaited_stream = -1

    def stream(self, device: int) -> int:
        cuda = sys.modules["cupy"].cuda
        with cuda.Device(device):
            return int(cuda.get_current_stream().ptr)

    def as_float(self, array: Any, *, double: bool) -> Any:
        single = array.dtype.kind == "f" and array.dtype.itemsize < 8 and not double
        with array.device:
            return sys.modules["cupy"].ascontiguousarray(
                array, dtype=np.float32 if single else np.float64
            )

    def wrap(self, array: Any) -> Any:
        return sys.modules["cupy"].from_dlpack(array)

    def csr(self, weights: tuple[Any, Any, Any], shape: tuple[int, int]) -> Any:
        data, indices, indptr = map(self.wrap, weights)
        with data.device:
            if len(data) < 2**31:
                indptr = indptr.astype(np.int32)
            return import_module("cupyx.scipy.sparse").csr_matrix(
                (data, indices, indptr), shape=shape
            )

    def rows(self, array: Any, indices: npt.NDArray[Any]) -> Any:
        with array.device:
            return self.numpy(array[sys.modules["cupy"].asarray(indices)])

    def numpy(self, array: Any) -> Any:
        return array.get()


class _Jax(_AnyLibrary):
    def as_float(self, array: Any, *, double: bool) -> Any:
        if not double and array.dtype in (np.float32, np.float64):
            return array
        # ml_dtypes' halves are of kind "V".
        half = array.dtype.kind in "fV" and array.dtype.itemsize <= 2
        return array.astype(np.float32 if half and not double else np.float64)

    def wrap(self, array: Any) -> Any:
        return sys.modules["jax"].dlpack.from_dlpack(array)

    def equals(self, array: Any, value: int) -> Any:
        return array == value

    def rows(self, array: Any, indices: npt.NDArray[Any]) -> Any:
        return self.numpy(array[indices])

    def numpy(self, array: Any) -> Any:
        return np.asarray(array)


_NUMPY = ArrayLibrary()
_ANY = _AnyLibrary()
_KNOWN = (("torch", "Tensor", _Torch()), ("cupy", "ndarray", _Cupy()), ("jax", "Array", _Jax()))


def _library_of(array: Any) -> ArrayLibrary:
    """Return the library of an array on a device."""
    for module, name, library in _KNOWN:
        if module in sys.modules and isinstance(array, getattr(sys.modules[module], name, ())):
            return library
    return _ANY


def _borrow(array: Any, name: str, library: ArrayLibrary, *, double: bool = False) -> DeviceArray:
    """Return an array as the core sees it, ready on the library's current stream."""
    if isinstance(array, DeviceArray):
        return array
    kind, number = array.__dlpack_device__()
    asked, stream = {}, 0
    if int(kind) in _CUDA_MEMORY:
        array = library.as_float(array, double=double)
        asked, stream = {"stream": library.awaited_stream}, library.stream(int(number))
    try:
        capsule = array.__dlpack__(**asked, max_version=(1, 0))
    except TypeError:  # of libraries from before version 1
        capsule = array.__dlpack__(**asked)
    return DeviceArray.of_dlpack(capsule, name, stream)


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
    library = _library_of(value)
    array = _borrow(value, name, library, double=double)
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
        return Placed(matrix, _NUMPY, 0, on_device=False)
    placed = place_array(value, name, device)
    require_shape(placed.array.shape, name, columns=columns, allow_empty=allow_empty)
    return placed


def beside(value: Any, array: npt.NDArray[Any]) -> Any:
    """Return an array where another one is, on a device or on the host, and of the same library."""
    device = device_of(value)
    if device is None:
        return array
    library = _library_of(value)
    return library.wrap(DeviceArray.of_numpy(array, device, library.stream(device)))


def on_host(value: _T) -> _T:
    """Return a value with all arrays that are on a device copied into NumPy's.

    Takes arrays, sparse matrices, lists of arrays and records of all these; anything else is
    returned as it is.
    """
    result: Any = value
    if isinstance(value, DeviceCsr):
        data, indices, indptr = map(on_host, (value.data, value.indices, value.indptr))
        result = _NUMPY.csr((data, indices, indptr), value.shape)
    elif is_dataclass(value) and not isinstance(value, type):
        parts_by_name = {f.name: getattr(value, f.name) for f in fields(value)}
        changed = {k: h for k, v in parts_by_name.items() if (h := on_host(v)) is not v}
        result = replace(value, **changed) if changed else value
    elif isinstance(value, list) and any(device_of(v) is not None for v in value):
        result = [on_host(v) for v in value]
    elif type(value).__module__.startswith("cupyx."):
        result = sparse.csr_array(result.get())
    elif device_of(value) is not None:
        result = _library_of(value).numpy(value)
    return cast("_T", result)
