"""Every command in a process of its own, from files to files, and what goes wrong in them."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import hullspace
from data import data_file

SMALL_MODEL = """
import torch

def make():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(12, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)
    )

def none():
    return None
"""


def run(*arguments, cwd=None, expect=0):
    command = [sys.executable, "-m", "hullspace", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == expect, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with points, queries, images, a torch model and its weights, and an ONNX model."""
    import torch

    path = tmp_path_factory.mktemp("commands")
    square = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    queries = np.array([[1.0, 1.0], [3.0, 1.0], [3.0, 3.0]])
    np.save(path / "square.npy", square)
    np.savetxt(path / "queries.csv", queries, delimiter=",")
    np.savez(path / "both.npz", points=square, queries=queries)
    (path / "nets.py").write_text(SMALL_MODEL)
    generator = np.random.default_rng(0)
    for part, n in (("train", 60), ("test", 20)):
        images = generator.integers(0, 256, (n, 2, 2, 3)).astype(np.uint8)
        labels = generator.integers(0, 3, n)
        np.savez(path / f"{part}.npz", images=images, labels=labels)
    scope = {}
    exec(SMALL_MODEL, scope)  # noqa: S102 - the text above
    model = scope["make"]()
    torch.save(
        {"state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}}, path / "w.pt"
    )
    plane = torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.ReLU(), torch.nn.Linear(6, 2))
    for name, net, example in (
        ("plane.onnx", plane, torch.zeros(1, 2)),
        ("images.onnx", model, torch.zeros(1, 3, 2, 2)),
    ):
        export_onnx(net, example, path / name)
    return path


def export_onnx(model, example, path):
    """Write a Sequential of Flatten, Linear and ReLU layers as ONNX, without torch's exporter."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    nodes, weights, last = [], [], "image"
    for k, layer in enumerate(model):
        kind, inputs, out = type(layer).__name__, [last], f"v{k}"
        if kind == "Linear":
            for name, value in (("w", layer.weight), ("b", layer.bias)):
                array = value.detach().numpy()
                weights.append(numpy_helper.from_array(array, f"{name}{k}"))
                inputs.append(f"{name}{k}")
            nodes.append(helper.make_node("Gemm", inputs, [out], transB=1))
        else:
            nodes.append(helper.make_node({"ReLU": "Relu"}.get(kind, kind), inputs, [out]))
        last = out
    shape = ["n", *example.shape[1:]]
    entry = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    exit_ = helper.make_tensor_value_info(last, TensorProto.FLOAT, ["n", model[-1].out_features])
    graph = helper.make_graph(nodes, "model", [entry], [exit_], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(made, path)


def test_hull_contains(folder):
    out = folder / "contains.npz"
    arguments = ("square.npy", "queries.csv", "--prove", "--out", out, "--json")
    found = json.loads(run("hull", "contains", *arguments, cwd=folder).stdout)
    assert found["counts"] == {"inside": 1, "outside": 2, "undecided": 0, "proven": 3}
    assert found["certificate_checked"] == [True] * 3
    with np.load(out) as arrays:
        expected = hullspace.Hull(np.load(folder / "square.npy")).contains(
            np.loadtxt(folder / "queries.csv", delimiter=",")
        )
        assert np.array_equal(arrays["status"], expected.status)
        assert arrays["proof"].tolist() == [1, 2, 2]
    table = run("hull", "contains", "both.npz:points", "both.npz:queries", cwd=folder).stdout
    assert "1 inside, 2 outside, 0 undecided" in " ".join(table.split())


def test_hull_project(folder):
    out = folder / "project.npz"
    table = run("hull", "project", "square.npy", "queries.csv", "--out", out, cwd=folder).stdout
    assert "1.41421" in table
    with np.load(out) as arrays:
        assert arrays["distance"] == pytest.approx([0.0, 1.0, 2**0.5])
        assert arrays["points"][1:] == pytest.approx(np.array([[2.0, 1.0], [2.0, 2.0]]))
    found = json.loads(
        run("hull", "project", "square.npy", "queries.csv", "--json", cwd=folder).stdout
    )
    assert found["distance"] == pytest.approx([0.0, 1.0, 2**0.5])


def test_regions_count(folder):
    network = hullspace.ReluNetwork.from_onnx(folder / "plane.onnx")
    expected = len(hullspace.enumerate_regions(network, (-1, 1)))
    done = run("regions", "count", "plane.onnx", "--verify", "--json", cwd=folder)
    found = json.loads(done.stdout)
    assert (found["regions"], found["complete"], found["verified"]) == (expected, True, True)
    text = run("regions", "count", "plane.onnx", "--max-regions", "2", "-q", cwd=folder).stdout
    assert "there may be more" in text


def test_regions_slice(folder):
    points = folder / "three.csv"
    np.savetxt(points, [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [5.0, 5.0]], delimiter=",")
    text = run("regions", "slice", "plane.onnx", "--points", "three.csv", "-q", cwd=folder).stdout
    assert "all there are" in text
    assert (folder / "slice.svg").read_text().count("<path") > 5
    bad = ("regions", "slice", "plane.onnx", "--points", "three.csv", "--rows", "0,1,9")
    assert "--rows must be three numbers" in run(*bad, cwd=folder, expect=1).stderr


def test_study_model(folder):
    arguments = (
        "study", "model", "--model", "nets:make", "--weights", "w.pt", "--train", "train.npz",
        "--test", "test.npz", "--mean", "0.5,0.5,0.5", "--std", "0.2,0.2,0.2", "--sample", "5",
        "--layers", "1", "--out", "model",
    )  # fmt: skip
    done = run(*arguments, "--json", cwd=folder)
    found = json.loads(done.stdout)
    assert found["n_test"] == 20
    assert found["missing"] == {}
    assert {f["basis"] for f in found["findings"]} == {"proven", "measured", "heuristic"}
    page = (folder / "model" / "report.html").read_text()
    assert all(title in page for title in ("Morphing", "Adversarial vulnerability"))
    with np.load(folder / "model" / "arrays.npz") as arrays:
        assert len(arrays["hulls/training/status"]) == 20
    saved = json.loads((folder / "model" / "study.json").read_text())
    assert saved["tables"].keys() == found["tables"].keys()


def test_study_onnx(folder):
    arguments = (
        "--train",
        "train.npz",
        "--test",
        "test.npz",
        "--sample",
        "4",
        "--out",
        "onnx.html",
    )
    done = run("study", "onnx", "images.onnx", *arguments, cwd=folder)
    assert "The report is in onnx.html" in done.stdout
    assert "Adversarial vulnerability" in (folder / "onnx.html").read_text()


def test_chapters_are_chosen(folder):
    arguments = ("--train", "train.npz", "--test", "test.npz", "--chapters", "partition, methods")
    done = run("study", "onnx", "images.onnx", *arguments, "--json", "-o", "few.html", cwd=folder)
    found = json.loads(done.stdout)
    assert found["chapters"] == ["partition", "methods"]
    assert "hulls" not in found["seconds"]
    page = (folder / "few.html").read_text()
    assert "<h2>Extrapolation</h2>" not in page
    assert "<h2>The partition of feature space</h2>" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("hull", "contains", "none.npy", "square.npy"), "points: there is no file none.npy"),
        (("hull", "contains", "both.npz", "square.npy"), "say both.npz:KEY"),
        (("hull", "project", "square.npy", "nets.py"), "queries: nets.py cannot be read"),
        (("regions", "count", "nets.py"), "not an ONNX model"),
        (
            ("study", "model", "--model", "nets", "--train", "train.npz", "--test", "test.npz"),
            "--model must be package.module:factory",
        ),
        (
            ("study", "model", "--model", "nets:none", "--train", "x.npz", "--test", "x.npz"),
            "must return a torch module",
        ),
        (
            ("study", "onnx", "images.onnx", "--train", "no.npz", "--test", "test.npz"),
            "no.npz",
        ),
        (
            ("study", "onnx", "images.onnx", "--train", "train.npz", "--test", "test.npz",
             "--chapters", "patition"),
            "chapters must be some of data, partition",
        ),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line(folder, arguments, message):
    done = run(*arguments, cwd=folder, expect=1)
    assert message in done.stderr
    assert done.stderr.startswith("Error: ")


def test_usage_has_its_own_exit_code(folder):
    assert "No such command" in run("hull", "contain", cwd=folder, expect=2).stderr
    run("study", "features", "x.npz", "--threads", "0", expect=2)


@pytest.mark.parametrize(
    "command",
    ["study digits", "study features", "study model", "study onnx", "hull contains",
     "hull project", "regions count", "regions slice"],
)  # fmt: skip
def test_help_has_an_example(command):
    assert f"Example: hullspace {command}" in " ".join(
        run(*command.split(), "--help").stdout.split()
    )


def test_info():
    found = json.loads(run("info", "--json").stdout)
    assert found["version"] == hullspace.__version__


def test_interrupted_study_keeps_its_chapters(folder, monkeypatch):
    from typer.testing import CliRunner

    from hullspace.cli import app
    from hullspace.studies.chapters import CHAPTERS

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setitem(CHAPTERS, "extrapolation", replace(CHAPTERS["extrapolation"], find=stop))
    out = folder / "stopped.html"
    arguments = ["study", "onnx", str(folder / "images.onnx"), "--out", str(out), "-q"]
    arguments += ["--train", str(folder / "train.npz"), "--test", str(folder / "test.npz")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 130
    assert "The chapters that were finished are in" in result.output
    page = out.read_text()
    assert "<h2>The partition of feature space</h2>" in page
    assert "<h2>Extrapolation</h2>" not in page
    assert "as the study was interrupted at hulls" in page


def test_mnist_network_has_slices(tmp_path):
    model = data_file("mnist/mnist-net_256x2.onnx")
    points = f"{data_file('mnist/images.npz')}:test_images"
    out = tmp_path / "slice.png"
    arguments = (
        "--points",
        points,
        "--scale",
        str(1 / 255),
        "--out",
        out,
        "--json",
        "--margin",
        "0",
    )
    found = json.loads(run("regions", "slice", model, *arguments).stdout)
    assert found["regions"] > 1000
    assert out.stat().st_size > 10_000
