"""The CUDA library as built: emulated by the tests, and the real one without a device."""

import ctypes
import importlib.util
from pathlib import Path

import pytest

import hullspace
from emulation import emulated_library  # noqa: F401

VERSION = 1


class Beginning(ctypes.Structure):
    """The first entries of the library's table."""

    _fields_ = [
        ("version", ctypes.c_int),
        ("last_error", ctypes.CFUNCTYPE(ctypes.c_char_p)),
        ("count_devices", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int))),
    ]


def table(path, version=VERSION):
    entry = ctypes.CDLL(str(path)).hullspace_cuda
    entry.restype = ctypes.POINTER(Beginning)
    found = entry(version)
    return found.contents if found else None


def count_devices(path):
    cuda = table(path)
    count = ctypes.c_int(-1)
    code = cuda.count_devices(ctypes.byref(count))
    return code, count.value, cuda.last_error().decode()


def test_emulated_library_has_devices(emulated_library, monkeypatch):  # noqa: F811
    assert count_devices(emulated_library)[:2] == (0, 2)
    monkeypatch.setenv("HULLSPACE_EMULATED_DEVICES", "0")
    code, count, message = count_devices(emulated_library)
    assert (code, count) == (2, 0)
    assert "no CUDA-capable device" in message


def test_library_of_the_package_loads_without_a_device():
    cuda = hullspace.build_info()["cuda"]
    packaged = Path(importlib.util.find_spec("hullspace._core").origin).parent
    library = packaged / "libhullspace_cuda.so"
    assert library.exists() == cuda["built"]
    if not cuda["built"]:
        pytest.skip(cuda["reason"])
    assert table(library).version == VERSION
    assert table(library, VERSION + 1) is None
    code, count, message = count_devices(library)
    if code == 0:
        assert count > 0
    else:
        assert (code, count) == (2, 0)
        assert message.startswith("counting devices: ")
    assert library.stat().st_size < 50e6
