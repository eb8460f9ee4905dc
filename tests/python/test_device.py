"""Which devices there are, why there are none, and how operations take that."""

import importlib.util
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import hullspace
from data import ROOT
from emulation import find_compiler
from hullspace.devices import choose_device

SQUARE = "[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]"


def run(script, **environment):
    """Run a script in a process that has opened no library yet; its output and its errors."""
    without = {k: v for k, v in os.environ.items() if k != "HULLSPACE_CUDA_LIBRARY"}
    done = subprocess.run(
        [sys.executable, "-c", "import hullspace\n" + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        env=without | environment,
        check=False,
    )
    return done.stdout.strip(), done.stderr.strip().splitlines()


def reason(**environment):
    return run("print(hullspace.devices().reason)", **environment)[0]


@pytest.fixture(scope="session")
def stub(tmp_path_factory):
    """The path of the library that fails as it is asked to."""
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("no C++ compiler (CXX, or c++ on the path) to build the library with")
    path = tmp_path_factory.mktemp("stub") / "libstub.so"
    source = ROOT / "tests/python/device_stub.c"
    command = [*compiler, "-x", "c", "-shared", "-fPIC", f"-I{ROOT / 'cpp'}", "-o", str(path)]
    subprocess.run([*command, str(source)], check=True)
    return str(path)


def test_nothing_is_opened_before_a_device_is_asked_for(stub):
    script = f"""
        import hullspace.polyhedron
        hullspace.Hull({SQUARE}).project([[2.0, 2.0]])
        hullspace.chebyshev_centers([[1.0], [-1.0]], [[1.0, 1.0]])
        hullspace.build_info()
        maps = open("/proc/self/maps").read()
        hullspace.devices()
        print("libstub" in maps, "libstub" in open("/proc/self/maps").read())
    """
    if not Path("/proc/self/maps").exists():
        pytest.skip("needs /proc/self/maps to see which libraries a process has opened")
    assert run(script, HULLSPACE_CUDA_LIBRARY=stub)[0] == "False True"


def test_without_a_device_the_reason_is_said():
    found, said = run("d = hullspace.devices(); print(d.available, d.reason, sep='|'); print(d)")[
        0
    ].splitlines()
    available, why = found.split("|")
    cuda = json.loads(run("import json; print(json.dumps(hullspace.build_info()['cuda']))")[0])
    if available != "()":
        pytest.skip(f"this machine has devices: {available}")
    if cuda["library"]:
        assert why.startswith("counting devices: ")
    elif cuda["built"]:
        assert why.startswith("the CUDA library is missing: ")
    else:
        assert why == "hullspace was built without CUDA: " + cuda["reason"]
    assert said == f"Devices(none: {why})"


def test_library_that_is_named_but_not_there():
    assert reason(HULLSPACE_CUDA_LIBRARY="/nowhere/lib.so") == (
        "HULLSPACE_CUDA_LIBRARY names /nowhere/lib.so, which does not exist"
    )


def test_library_that_cannot_be_opened(tmp_path):
    path = tmp_path / "lib.so"
    path.write_text("no library")
    said = reason(HULLSPACE_CUDA_LIBRARY=str(path))
    assert said.startswith("cannot open the CUDA library: ")
    assert str(path) in said


def test_library_of_another_kind():
    path = importlib.util.find_spec("hullspace._core").origin
    said = reason(HULLSPACE_CUDA_LIBRARY=path)
    assert said == f"{path} is not a CUDA library of hullspace"


@pytest.mark.parametrize("mode", ["unknown version", "next version"])
def test_library_of_another_version(stub, mode):
    said = reason(HULLSPACE_CUDA_LIBRARY=stub, HULLSPACE_STUB=mode)
    assert "does not speak version 1 of the interface" in said
    assert said.endswith("install hullspace again")


def test_no_driver_and_no_device(stub):
    assert reason(HULLSPACE_CUDA_LIBRARY=stub, HULLSPACE_STUB="no driver") == (
        "counting devices: the driver is missing"
    )
    assert reason(HULLSPACE_CUDA_LIBRARY=stub, HULLSPACE_STUB="no device") == (
        "the driver has no CUDA device"
    )


def test_devices_are_described(stub):
    script = """
        import dataclasses, json
        found = hullspace.devices()
        print(json.dumps(dataclasses.asdict(found)))
        print(len(found), found)
    """
    record, said = run(script, HULLSPACE_CUDA_LIBRARY=stub)[0].splitlines()
    expected = {
        "name": "cuda:0",
        "product": "Stub",
        "capability": [12, 0],
        "n_multiprocessors": 3,
        "total_memory": 2 << 30,
        "free_memory": 1 << 30,
    }
    assert json.loads(record) == {"available": [expected], "reason": ""}
    assert said == "1 Devices(cuda:0 Stub (sm_120, 1.0 of 2.0 GiB free))"


def test_build_info_names_the_library(stub):
    script = "print(hullspace.build_info()['cuda']['library'])"
    assert run(script, HULLSPACE_CUDA_LIBRARY=stub)[0] == stub
    assert run(script, HULLSPACE_CUDA_LIBRARY="/nowhere")[0] == ""


@pytest.mark.parametrize(
    "call",
    [
        f"hullspace.Hull({SQUARE}, device=DEVICE)",
        "hullspace.chebyshev_centers([[1.0], [-1.0]], [[1.0, 1.0]], device=DEVICE)",
        "hullspace.Polyhedron([[1.0], [-1.0]], [1.0, 1.0]).chebyshev_center(device=DEVICE)",
    ],
)
def test_a_device_that_there_is_not(stub, call):
    nowhere = {"HULLSPACE_CUDA_LIBRARY": "/nowhere"}
    _, errors = run(call.replace("DEVICE", "'cuda'"), **nowhere)
    assert errors[-1] == (
        "RuntimeError: there is no device 'cuda': HULLSPACE_CUDA_LIBRARY names /nowhere, which "
        "does not exist; use device='cpu', or device='auto' for a GPU where there is one"
    )
    _, errors = run(call.replace("DEVICE", "'cuda:3'"), HULLSPACE_CUDA_LIBRARY=stub)
    assert errors[-1] == "RuntimeError: there is no device 'cuda:3', only cuda:0"
    found = f"print(({call.replace('DEVICE', repr('auto'))}).device)"
    assert run(found, **nowhere) == ("cpu", [])


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("argument", "ValueError"),
        ("memory", "MemoryError"),
        ("device", "RuntimeError"),
    ],
)
def test_codes_become_exceptions(stub, mode, error):
    script = f"""
        try:
            hullspace.Hull({SQUARE}, device="cuda")
        except {error} as failure:
            print(failure)
    """
    found = run(script, HULLSPACE_CUDA_LIBRARY=stub, HULLSPACE_STUB=mode)
    assert found == ("points are what they are", [])


def test_ctrl_c_ends_a_call(stub):
    script = f"""
        import os, signal, threading, time
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            hullspace.Hull({SQUARE}, device="cuda")
        except KeyboardInterrupt:
            print("interrupted")
    """
    found = run(script, HULLSPACE_CUDA_LIBRARY=stub, HULLSPACE_STUB="interrupted")
    assert found == ("interrupted", [])


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:-1", "cuda:x", "CUDA", 0, "cpu:0"])
def test_words_that_are_no_device(device):
    with pytest.raises(ValueError, match=r"device must be 'cpu', 'cuda', 'cuda:N' or 'auto'"):
        hullspace.Hull(np.eye(2), device=device)


def test_devices_of_torch_are_words():
    torch = pytest.importorskip("torch")
    assert hullspace.Hull(np.eye(2), device=torch.device("cpu")).device == "cpu"
    assert choose_device(torch.device("cpu"), np.eye(2)) is None


@pytest.mark.parametrize("limit", [0, -1, 2**63])
def test_memory_limit_must_be_positive(limit):
    with pytest.raises(ValueError, match="memory_limit must be positive"):
        hullspace.Hull(np.eye(2), memory_limit=limit)


@pytest.mark.parametrize("limit", [True, 1e9, "1 GB"])
def test_memory_limit_must_be_a_number(limit):
    with pytest.raises(TypeError, match="memory_limit must be a number of bytes"):
        hullspace.chebyshev_centers([[1.0]], [[1.0]], memory_limit=limit)


def test_results_of_the_cpu_say_so():
    hull = hullspace.Hull(np.eye(3))
    assert hull.device == "cpu"
    results = [
        hull.project(np.eye(3)),
        hull.contains(np.eye(3)),
        hull.support(np.eye(3)),
        hullspace.chebyshev_centers([[1.0], [-1.0]], [[1.0, 1.0]]),
    ]
    for result in results:
        assert result.device == "cpu"
        assert result.cpu() is result
    assert hull.vertices().device == results[-1][0].device == "cpu"


class Elsewhere:
    """An array on a device of another kind."""

    def __dlpack_device__(self):
        return (10, 0)


def test_devices_of_other_kinds():
    with pytest.raises(ValueError, match="memory of the host or of a CUDA device, got Elsewhere"):
        hullspace.Hull(Elsewhere())
