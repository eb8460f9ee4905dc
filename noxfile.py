"""Every command of the project's upkeep, each in one place: ``nox -l`` lists them.

``nox -s quick`` is for every minute, ``bash .ci/run`` for everything that must pass.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["quick"]

TOOLS = ("-r", ".ci/requirements.txt")
PINNED = ("-c", "constraints.txt")
N_CORES = str(os.cpu_count() or 1)

CPP_SOURCES = (
    *("cpp/*/*.?pp", "cpp/cuda/*.cu", "cpp/cuda/*.h", "cpp/include/hullspace/*.hpp", "src/*.?pp"),
    *("tests/cpp/*.?pp", "tests/emulation/*.cpp", "tests/emulation/*.h", "benchmarks/*.c*p"),
)
# Folders and files whose tests have another name; an area's tests are tests/python/test_AREA*.py.
AREAS = {
    "arguments": ("package", "hull", "polyhedron"),
    "bounds": ("regions", "pixels"),
    "certificates": ("certificates", "prove", "mutations"),
    "common": ("hull", "polyhedron", "regions"),
    "decide": ("hull", "polyhedron"),
    "devices": ("device",),
    "scan": ("hull",),
    "status": ("package",),
    "studies": ("study", "report"),
}


def files(*patterns: str) -> list[str]:
    """Return the files of some patterns; those of tools take no patterns without a shell."""
    return sorted(str(path) for pattern in patterns for path in Path().glob(pattern))


def requirements(extra: str) -> list[str]:
    """Return what an extra and the package itself need, without the package."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    found, wanted = list(project["dependencies"]), [extra]
    while wanted:
        for line in project["optional-dependencies"][wanted.pop()]:
            inner = re.fullmatch(r"hullspace\[(.*)\]", line)
            wanted += inner[1].split(",") if inner else []
            found += [] if inner else [line]
    return found


def readme_command(name: str) -> str:
    """Return the command of the README under the mark ``<!-- name -->``."""
    found = re.search(rf"<!-- {name} -->\n```sh\n(.*?)```", Path("README.md").read_text(), re.S)
    assert found, f"README.md has no command marked {name}"
    return found[1]


def changed_areas() -> list[str]:
    """Return the areas of files that differ from the last commit, or else that it changed."""

    def lines(*command: str) -> list[str]:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    new = lines("git", "ls-files", "--others", "--exclude-standard")
    changed = lines("git", "diff", "--name-only", "HEAD") + new
    changed = changed or lines("git", "show", "--name-only", "--format=", "HEAD")
    places = (
        r"python/hullspace/(\w+)",
        r"cpp/(?:include/hullspace/)?(\w+)",
        r"src/bind_(\w+)",
        r"tests/python/test_([a-z]+)",
    )
    found = [m[1] for file in changed for place in places if (m := re.match(place, file))]
    return sorted(set(found))


@nox.session
def quick(session: nox.Session) -> None:
    """Tests of what changed, or of the areas named: nox -s quick -- hull regions."""
    session.install(*requirements("test"), *TOOLS, *PINNED)
    bindings = session.run("python", "-m", "pybind11", "--cmakedir", silent=True)
    defines = ("-DWITH_CUDA=OFF", f"-Dpybind11_DIR={str(bindings).strip()}")
    session.run("cmake", "--preset", "release", "-B", "build/quick", *defines, silent=True)
    session.run("cmake", "--build", "build/quick", silent=True)
    session.run("cmake", "--install", "build/quick", "--prefix", "python", silent=True)
    areas = session.posargs or changed_areas()
    names = sorted({name for area in areas for name in AREAS.get(area, (area,))})
    tests = files(*(f"tests/python/test_{name}*.py" for name in names))
    if not tests:
        session.log(f"no tests have the names of {', '.join(areas) or 'what changed'}")
        tests = ["tests/python/test_package.py"]
    env = {"PYTHONPATH": str(Path("python").resolve())}
    session.run("pytest", "-q", "-x", "-n", N_CORES, "-m", "not slow", *tests, env=env)


@nox.session
def tests(session: nox.Session) -> None:
    """The README's test command, in a fresh environment and with warnings as errors."""
    command = readme_command("test")
    session.log(command)
    env = {"SKBUILD_CMAKE_DEFINE": "HULLSPACE_WERROR=ON"}
    session.run("bash", "-euo", "pipefail", "-c", command, external=True, env=env)


@nox.session
@nox.parametrize("preset", ["core", "asan", "tsan"], ids=["plain", "asan", "tsan"])
def core(session: nox.Session, preset: str) -> None:
    """C++ tests: plain, and under sanitizers. Arguments go to ctest: -- -R hull."""
    session.install(*TOOLS)
    build = f"build/{preset}"
    session.run("cmake", "--preset", preset, "-B", build, silent=True)
    session.run("cmake", "--build", build)
    ctest = ("ctest", "--test-dir", build, "--parallel", N_CORES, "--output-on-failure")
    session.run(*ctest, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Formats, linters, sizes, and who may import whom."""
    session.install(*TOOLS)
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("clang-format", "--dry-run", "-Werror", *files(*CPP_SOURCES))
    session.run("python", ".ci/structure.py")
    # The layers are checked on the sources; the compiled core is only there once installed.
    session.run("lint-imports", "--no-cache", env={"PYTHONPATH": "python"})
    session.run("cmake", "--preset", "core", "-B", "build/core", silent=True)
    tidy = ("xargs", "-n", "4", "-P", N_CORES, "clang-tidy", "-p", "build/core", "--quiet")
    command = f"printf '%s\\n' {' '.join(files('cpp/*/*.cpp'))} | {' '.join(tidy)}"
    session.run("bash", "-euo", "pipefail", "-c", command, external=True)


@nox.session
def types(session: nox.Session) -> None:
    """Types of the Python sources, and the stub of the compiled core."""
    session.install(".[test]", *TOOLS, *PINNED)
    session.run("mypy")
    stubs = Path(session.create_tmp()).resolve()
    session.run("pybind11-stubgen", "hullspace._core", "-o", str(stubs), "--exit-code")
    stub = str(stubs / "hullspace" / "_core.pyi")
    session.run("diff", "python/hullspace/_core.pyi", stub, external=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Benchmarks: those named, or the three of the core: nox -s bench -- growth."""
    session.install(".[bench]", *PINNED)
    for name in session.posargs or ["hull", "polyhedron", "regions"]:
        session.run("python", f"benchmarks/{name}.py")


@nox.session
def gpu(session: nox.Session) -> None:
    """Tests on the GPU of this machine, which must have one and nvcc."""
    session.install(".[test]", *TOOLS, *PINNED, "-C", "cmake.define.WITH_CUDA=ON")
    session.run("cmake", "--preset", "core", "-B", "build/gpu", "-DWITH_CUDA=ON", silent=True)
    session.run("cmake", "--build", "build/gpu")
    session.run("ctest", "--test-dir", "build/gpu", "-L", "gpu", "--output-on-failure")
    session.run("pytest", *files("tests/python/test_device*.py"))


@nox.session
def docs(session: nox.Session) -> None:
    """Draw the pictures of the documentation anew."""
    session.install(".[docs]", *PINNED)
    for script in files("docs/make_*.py"):
        session.run("python", script)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build a wheel without CUDA, install it alone, and test what was installed."""
    target = Path(session.create_tmp()).resolve()
    for old in target.glob("*.whl"):
        old.unlink()
    define = ("-C", "cmake.define.WITH_CUDA=OFF")
    session.run("pip", "wheel", "--no-deps", "--wheel-dir", str(target), ".", *define, silent=True)
    (built,) = target.glob("*.whl")
    session.install("--force-reinstall", "--no-deps", str(built))
    session.install(*requirements("test"), *PINNED)
    session.log(f"{built.name}: {built.stat().st_size / 1e6:.1f} MB")
    tests = files("tests/python/test_package.py", "tests/python/test_hull*.py")
    session.run("pytest", "-q", "-m", "not slow", *tests)
