"""The CUDA library on emulated devices, made from its own files by the C++ compiler."""

import concurrent.futures
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("cpp", "cpp/include", "tests/emulation")
FLAGS = ("-std=c++20", "-O2", "-fPIC", "-DHULLSPACE_EMULATED_CUDA")


def find_compiler():
    """The command of a C++ compiler: what ``CXX`` says, or one on the path; None without any."""
    if os.environ.get("CXX"):
        return shlex.split(os.environ["CXX"])
    found = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    return [found] if found else None


def compile_library(folder, compiler):
    """Build ``libhullspace_cuda_emulated.so`` in a folder; returns its path."""
    command = [*compiler, *FLAGS, *(f"-I{ROOT / name}" for name in FOLDERS)]

    def run(*arguments):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{shlex.join(done.args)}\n{done.stderr}"

    def compile_one(source):
        compiled = folder / f"{source.stem}.o"
        run("-x", "c++", "-c", str(source), "-o", str(compiled))
        return str(compiled)

    sources = [*(ROOT / "cpp/cuda").glob("*.cu"), *(ROOT / "tests/emulation").glob("*.cpp")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        objects = list(threads.map(compile_one, sorted(sources)))
    library = folder / "libhullspace_cuda_emulated.so"
    run("-shared", "-o", str(library), *objects)
    return library


@pytest.fixture(scope="session")
def emulated_library(tmp_path_factory):
    """The path of the library, for ``HULLSPACE_CUDA_LIBRARY``."""
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("no C++ compiler (CXX, or c++ on the path) to emulate a device with")
    return compile_library(tmp_path_factory.mktemp("emulation"), compiler)
