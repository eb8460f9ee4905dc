"""Arrays by DLPack, from capsules made by hand and by libraries, and back."""

import ctypes
import gc

import numpy as np
import pytest

import hullspace
from devices import Lent, number_of
from hullspace import _core
from hullspace.devices import DeviceArray, device_of, on_host, place_matrix

ARRAY = np.arange(12.0).reshape(3, 4)
FLOAT64 = (2, 64, 1)


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", ctypes.c_int32 * 2),
        ("n_dimensions", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Managed(ctypes.Structure):
    _fields_ = [("tensor", Tensor), ("context", ctypes.c_void_p), ("deleter", DELETER)]


class Versioned(ctypes.Structure):
    _fields_ = [
        ("version", ctypes.c_uint32 * 2),
        ("context", ctypes.c_void_p),
        ("deleter", DELETER),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    ]


class Loan:
    """A capsule made by hand, and how often what it lends was given back."""

    def __init__(
        self,
        array,
        *,
        shape=None,
        dtype=FLOAT64,
        device=(1, 0),
        strides=None,
        offset=0,
        version=None,
        flags=0,
    ):
        self.array = array
        self.n_returned = 0
        self.deleter = DELETER(self._count)
        lengths = (ctypes.c_int64 * array.ndim)(*(shape or array.shape))
        strides = strides and (ctypes.c_int64 * array.ndim)(*strides)
        n_dimensions = -1 if shape == () else array.ndim
        tensor = Tensor(array.ctypes.data, device, n_dimensions, *dtype, lengths, strides, offset)
        if version is None:
            self.managed, name = Managed(tensor, None, self.deleter), b"dltensor"
        else:
            self.managed = Versioned(version, None, self.deleter, flags, tensor)
            name = b"dltensor_versioned"
        make = ctypes.pythonapi.PyCapsule_New
        make.restype = ctypes.py_object
        make.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
        self.name = name  # the capsule keeps no copy
        self.capsule = make(ctypes.addressof(self.managed), self.name, None)

    def _count(self, _managed):
        self.n_returned += 1

    def take(self):
        return DeviceArray.of_dlpack(self.capsule, "queries", 0)


@pytest.mark.parametrize("version", [None, (1, 0), (1, 7)])
def test_capsules_of_both_kinds(version):
    loan = Loan(ARRAY, version=version)
    array = loan.take()
    assert (array.shape, array.ndim, array.size, array.nbytes) == ((3, 4), 2, 12, 96)
    assert (array.dtype, array.device, len(array)) == (np.float64, "cpu", 3)
    assert np.array_equal(array.numpy(), ARRAY)
    assert loan.n_returned == 0
    del array
    assert loan.n_returned == 1


def test_a_capsule_is_taken_once():
    loan = Loan(ARRAY)
    array = loan.take()
    with pytest.raises(ValueError, match="queries must come in a DLPack capsule that nobody"):
        loan.take()
    del array
    assert loan.n_returned == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": (2, 0)}, "queries comes in version 2 of DLPack"),
        ({"strides": (1, 3)}, "queries must be C-contiguous"),
        ({"strides": (8, 1)}, "queries must be C-contiguous"),
        ({"dtype": (4, 16, 1)}, "queries has elements of a type that NumPy lacks"),
        ({"dtype": (2, 64, 2)}, "queries has elements of a type that NumPy lacks"),
        ({"dtype": (0, 4, 1)}, "queries has elements of a type that NumPy lacks"),
        ({"device": (8, 0)}, "queries must be in memory of a CUDA device or of the host"),
        ({"offset": 4}, "queries must be aligned"),
        ({"shape": (-3, -4)}, "queries must have lengths"),
        ({"shape": (2**62, 4)}, "queries must have lengths"),
        ({"shape": ()}, "queries comes in a DLPack capsule without a shape"),
    ],
)
@pytest.mark.parametrize("versioned", [False, True])
def test_what_cannot_be_used_is_given_back(options, message, versioned):
    loan = Loan(ARRAY, **({"version": (1, 0)} if versioned else {}) | options)
    with pytest.raises(ValueError, match=message):
        loan.take()
    assert loan.n_returned == 1


def test_strides_that_do_not_matter():
    for array, strides in [
        (ARRAY, (4, 1)),
        (ARRAY[:1], (77, 1)),
        (ARRAY[:, :1].copy(), (1, 99)),
        (ARRAY[:0], (1, 1)),
    ]:
        assert np.array_equal(Loan(array, strides=strides).take().numpy(), array)


def test_offsets_and_read_only_memory():
    rows = ARRAY[1:].copy()
    whole = ARRAY.copy()
    loan = Loan(rows, version=(1, 0), offset=0, flags=1)
    assert np.array_equal(loan.take().numpy(), rows)
    loan = Loan(whole[:2], offset=4 * 8)
    assert np.array_equal(loan.take().numpy(), whole[1:])


@pytest.mark.parametrize("value", [None, ARRAY, "dltensor"])
def test_what_is_no_capsule(value):
    with pytest.raises(TypeError):
        DeviceArray.of_dlpack(value, "queries", 0)


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "int8", "int32", "int64", "uint8", "bool", "float16"]
)
@pytest.mark.parametrize("max_version", [None, (0, 8), (1, 0), (1, 3), (2, 0)])
def test_arrays_pass_through_capsules(dtype, max_version):
    array = (np.arange(6).reshape(2, 3) % 2).astype(dtype)
    first = DeviceArray.of_dlpack(array.__dlpack__(), "array", 0)
    capsule = first.__dlpack__(max_version=max_version)
    assert ("versioned" in repr(capsule)) == (max_version is not None and max_version[0] >= 1)
    second = DeviceArray.of_dlpack(capsule, "array", 0)
    del first, capsule
    assert second.dtype == array.dtype
    assert np.array_equal(second.numpy(), array)


def test_libraries_read_what_is_lent():
    torch = pytest.importorskip("torch")
    tensor = torch.arange(6.0).reshape(2, 3)
    array = DeviceArray.of_dlpack(tensor.__dlpack__(), "tensor", 0)
    assert torch.equal(torch.from_dlpack(array), tensor)
    assert np.array_equal(np.from_dlpack(array), tensor.numpy())
    kept = torch.from_dlpack(array)
    del array
    gc.collect()
    assert torch.equal(kept, tensor)
    assert kept.data_ptr() == tensor.data_ptr()


def test_capsules_that_nobody_takes_are_given_back():
    loan = Loan(ARRAY)
    array = loan.take()
    capsules = [array.__dlpack__(), array.__dlpack__(max_version=(1, 0))]
    del array
    assert loan.n_returned == 0
    del capsules
    assert loan.n_returned == 1


def test_arrays_on_devices(devices):
    for device in devices:
        number = number_of(device.name)
        array = DeviceArray.of_numpy(ARRAY, number, 0)
        expected = f"DeviceArray(shape=(3, 4), dtype=float64, device='{device.name}')"
        assert repr(array) == expected
        assert array.__dlpack_device__() == (2, number)
        assert np.array_equal(array.numpy(), ARRAY)
        assert np.array_equal(DeviceArray.of_numpy(ARRAY.T, number, 0).numpy(), ARRAY.T)
        assert np.array_equal(array.reshaped([2, 6]).numpy(), ARRAY.reshape(2, 6))
        empty = DeviceArray.of_numpy(ARRAY[:0], number, 0)
        assert np.array_equal(empty.numpy(), ARRAY[:0])


def test_the_core_checks_what_is_asked_of_devices(devices):
    hull = _core.DeviceHull(ARRAY, 0, 0, 0)
    there = DeviceArray.of_numpy(ARRAY, 0, 0)
    wrong = {
        "queries": [
            lambda: hull.project(ARRAY[:, :3].copy(), 0.1, 0, False),
            lambda: hull.contains(DeviceArray.of_numpy(ARRAY[:, :3], 0, 0), 0.1, 0, False),
            lambda: hull.project(there.reshaped([12]), 0.1, 0, False),
            lambda: hull.project(DeviceArray.of_numpy(ARRAY.astype(int), 0, 0), 0.1, 0, False),
            lambda: hull.project(ARRAY.T, 0.1, 0, False),
        ],
        "origins": [lambda: hull.ray(ARRAY[:2], ARRAY, 0.1, 0, False)],
        "directions": [
            lambda: hull.support(ARRAY[:, :3].copy(), 0, False),
            lambda: hull.ray(ARRAY, ARRAY[0], 0.1, 0, False),
        ],
        "tolerance": [
            lambda: hull.project(ARRAY, np.nan, 0, False),
            lambda: hull.contains(ARRAY, 1.0, 0, False),
            lambda: hull.ray(ARRAY, ARRAY, -0.1, 0, False),
            lambda: hull.leave_one_out(np.inf, 0, False),
        ],
    }
    for name, calls in wrong.items():
        for call in calls:
            with pytest.raises(_core.ArgumentError, match=f"^{name} must "):
                call()
    bounds, starts = np.ones(3), np.array([0, 3])
    for a, b in [(there, bounds), (ARRAY, DeviceArray.of_numpy(bounds, 0, 0))]:
        with pytest.raises(_core.ArgumentError, match=r"^b must be where A is"):
            _core.device_chebyshev_centers(a, b, starts, 0, 0, 0, False)
    with pytest.raises(_core.ArgumentError, match=r"^b must have one dimension"):
        _core.device_chebyshev_centers(
            there, DeviceArray.of_numpy(bounds[:, None], 0, 0), starts, 0, 0, 0, False
        )


def test_lending_arrays_on_devices(devices):
    array = DeviceArray.of_numpy(ARRAY, 0, 0)
    again = DeviceArray.of_dlpack(array.__dlpack__(stream=1, dl_device=(2, 0)), "array", 0)
    del array
    assert np.array_equal(again.numpy(), ARRAY)
    for options in ({"dl_device": (1, 0)}, {"dl_device": (2, 1)}, {"copy": True}):
        with pytest.raises(BufferError):
            again.__dlpack__(**options)
    with pytest.raises(ValueError, match="as many elements"):
        again.reshaped([5])
    for shape in ([-3, -4], [2**62, 4], [-12]):
        with pytest.raises(ValueError, match="shape must have lengths"):
            again.reshaped(shape)
    for options in ({"dl_device": "cuda"}, {"max_version": 1}, {"copy": "no"}):
        with pytest.raises(TypeError, match="incompatible"):
            again.__dlpack__(**options)
    with pytest.raises(TypeError, match="without dimensions"):
        len(DeviceArray.of_numpy(np.array(1.0), 0, 0))


@pytest.mark.parametrize("versioned", [False, True])
def test_arrays_of_any_library(devices, versioned):
    name = devices[-1].name
    lent = Lent(ARRAY.astype(np.float32), name, versioned=versioned)
    assert device_of(lent) == number_of(name)
    placed = place_matrix(lent, "queries", number_of(name), columns=4)
    assert lent.stream == 1
    assert (placed.on_device, placed.array.dtype, len(placed)) == (True, np.float32, 3)
    assert np.array_equal(on_host(lent), ARRAY.astype(np.float32))


def test_values_on_the_host_stay_as_they_are():
    for value in (None, 3, "word", ARRAY, [1, 2], [[1.0]], np.float64(2.0)):
        assert on_host(value) is value


def test_numpy_cannot_read_what_is_on_a_device(devices):
    with pytest.raises(TypeError, match="A must be in the host's memory, got a Lent"):
        hullspace.Polyhedron(Lent(ARRAY), ARRAY[:, 0])
