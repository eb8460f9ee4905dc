"""What importing costs, what the build says of itself, and that the documentation runs."""

import doctest
import importlib
import importlib.metadata
import inspect
import json
import os
import pkgutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import hullspace
from data import ROOT

EXTRAS = ["torch", "sklearn", "matplotlib", "jinja2", "typer", "rich", "tqdm", "onnx", "ray"]


def run_python(script, **environment):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_import_is_light():
    script = f"""
        import sys
        import hullspace
        print(sorted(name for name in sys.modules if name.startswith("hullspace.")))
        hullspace.Hull
        hullspace.FeatureSpace
        hullspace.certificates
        print([name for name in {EXTRAS} if name in sys.modules])
    """
    own, extras = run_python(script).stdout.splitlines()
    assert own == "['hullspace._core']"
    assert extras == "[]"


@pytest.mark.parametrize(
    ("module", "action", "extra"),
    [
        ("torch", "hullspace.FeatureSpace.from_torch(None, None)", "torch"),
        ("safetensors", "hullspace.FeatureSet.of([[1.0]], hullspace.Head([[1.0], [2.0]]))"
         ".save('unused.safetensors')", "torch"),
        ("sklearn", "hullspace.datasets.load_digits_split()", "study"),
        ("jinja2", "import hullspace.studies.page as p; p.render(None)", "study"),
    ],
)  # fmt: skip
def test_missing_extra_names_the_command(module, action, extra):
    script = f"""
        import sys
        sys.modules[{module!r}] = None
        import hullspace
        {action}
    """
    done = run_python(script)
    assert done.returncode == 1
    assert "ImportError" in done.stderr
    assert f"pip install 'hullspace[{extra}]'" in done.stderr


def test_build_info():
    info = hullspace.build_info()
    assert info["version"] == hullspace.__version__
    sets = info["instruction_sets"]
    assert "baseline" in sets["found"]
    assert set(sets["found"]) <= set(sets["built"])
    assert sets["used"] in sets["found"]
    assert 1 <= info["threads"] <= (os.cpu_count() or 1)
    assert info["cuda"]["built"] is (info["cuda"]["reason"] == "")


def test_version_is_that_of_the_installed_package():
    try:
        installed = importlib.metadata.version("hullspace")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("hullspace is not installed but found on the path; pip install .")
    assert installed == hullspace.__version__


@pytest.mark.parametrize("name", ["baseline", "avx2", "avx512", "avx512vnni"])
def test_forced_instruction_sets_agree(name):
    if name not in hullspace.build_info()["instruction_sets"]["found"]:
        pytest.skip(f"this machine has no {name}")
    script = """
        import json
        import numpy as np
        import hullspace
        generator = np.random.default_rng(0)
        hull = hullspace.Hull(np.maximum(generator.normal(size=(9000, 24)), 0))
        queries = np.maximum(generator.normal(size=(60, 24)), 0)
        p, m = hull.project(queries), hull.contains(queries)
        used = hullspace.build_info()["instruction_sets"]["used"]
        print(json.dumps([used, p.distances.tolist(), m.status.tolist(), hull.scale]))
    """
    results = [run_python(script, HULLSPACE_ISA=isa).stdout for isa in (name, "")]
    (used, distances, status, scale), (_, expected, expected_status, _) = map(json.loads, results)
    assert used == name
    assert status == expected_status
    assert np.abs(np.subtract(distances, expected)).max() <= 1e-12 * scale


def test_unknown_instruction_set_is_an_error():
    done = run_python("import hullspace; hullspace.Hull([[1.0]])", HULLSPACE_ISA="sse9")
    assert "HULLSPACE_ISA must be one of baseline" in done.stderr
    assert "got 'sse9'" in done.stderr


def modules():
    return sorted(
        info.name for info in pkgutil.walk_packages(hullspace.__path__, "hullspace.")
        if not info.name.endswith(("._core", ".libhullspace_cuda"))
    )  # fmt: skip


@pytest.mark.parametrize("name", modules())
def test_examples_of_the_documentation_run(name):
    failures, _ = doctest.testmod(importlib.import_module(name))
    assert failures == 0


@pytest.mark.parametrize("name", hullspace.__all__)
def test_public_names_are_documented(name):
    value = getattr(hullspace, name)
    assert name in dir(hullspace)
    assert inspect.getdoc(value)
    if inspect.isclass(value):
        for attribute, member in vars(value).items():
            if not attribute.startswith("_") and callable(member):
                assert inspect.getdoc(member), f"{name}.{attribute}"


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="nothing"):
        _ = hullspace.nothing


def test_readme_runs():
    failures, attempted = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert failures == 0
    assert attempted >= 15
