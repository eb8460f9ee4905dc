"""The array libraries whose arrays live on devices.

Libraries are recognized by their arrays and never imported: whoever has an array of theirs has
imported them.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hullspace import _core
from hullspace.devices.choice import CUDA_MEMORY

DeviceArray = _core.DeviceArray


@dataclass(frozen=True)
class DeviceCsr:
    """A compressed sparse row matrix on a device, for array libraries that have no such type."""

    indptr: Any
    indices: Any
    data: Any
    shape: tuple[int, int]


_Csr: TypeAlias = _core.Csr | DeviceCsr


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

    def csr(self, weights: _Csr, shape: tuple[int, int]) -> Any:
        """Return the core's weights as a sparse matrix of the library."""
        data, indices, indptr = weights.data, weights.indices, weights.indptr
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

    def csr(self, weights: _Csr, shape: tuple[int, int]) -> Any:
        data, indices, indptr = map(self.wrap, (weights.data, weights.indices, weights.indptr))
        return DeviceCsr(indptr, indices, data, shape)

    def equals(self, array: Any, value: int) -> Any:
        return DeviceArray.of_numpy(array.numpy() == value, array.__dlpack_device__()[1], 0)

    def numpy(self, array: Any) -> Any:
        return borrow(array, "array", self).numpy()


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

    def csr(self, weights: _Csr, shape: tuple[int, int]) -> Any:
        torch = sys.modules["torch"]
        data, indices, indptr = map(self.wrap, (weights.data, weights.indices, weights.indptr))
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

    def csr(self, weights: _Csr, shape: tuple[int, int]) -> Any:
        data, indices, indptr = map(self.wrap, (weights.data, weights.indices, weights.indptr))
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


NUMPY = ArrayLibrary()
_ANY = _AnyLibrary()
_KNOWN = (("torch", "Tensor", _Torch()), ("cupy", "ndarray", _Cupy()), ("jax", "Array", _Jax()))


def library_of(array: Any) -> ArrayLibrary:
    """Return the library of an array on a device."""
    for module, name, library in _KNOWN:
        if module in sys.modules and isinstance(array, getattr(sys.modules[module], name, ())):
            return library
    return _ANY


def borrow(array: Any, name: str, library: ArrayLibrary, *, double: bool = False) -> DeviceArray:
    """Return an array as the core sees it, ready on the library's current stream."""
    if isinstance(array, DeviceArray):
        return array
    kind, number = array.__dlpack_device__()
    asked, stream = {}, 0
    if int(kind) in CUDA_MEMORY:
        array = library.as_float(array, double=double)
        asked, stream = {"stream": library.awaited_stream}, library.stream(int(number))
    try:
        capsule = array.__dlpack__(**asked, max_version=(1, 0))
    except TypeError:  # of libraries from before version 1
        capsule = array.__dlpack__(**asked)
    return DeviceArray.of_dlpack(capsule, name, stream)
