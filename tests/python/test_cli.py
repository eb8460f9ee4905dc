"""The command line, in this process and in one of its own."""

import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import hullspace
from hullspace import FeatureSplit
from hullspace.cli import app

runner = CliRunner()


def run(*arguments):
    return runner.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def small_file(digits, tmp_path_factory):
    split, _ = digits
    path = tmp_path_factory.mktemp("features") / "small.npz"
    split.save(path)
    return path


def test_study_features(small_file, tmp_path):
    out = tmp_path / "report.html"
    result = run("study", "features", small_file, "--out", out)
    assert result.exit_code == 0
    assert "Accuracy" in result.output
    assert f"The report is in {out}" in result.output.replace("\n", "")
    assert out.read_text().startswith("<!DOCTYPE html>")


def test_study_digits_in_its_own_process(digits_report):
    assert "Distance to the training hull" in digits_report.done.stdout
    assert "training" in digits_report.done.stderr
    assert (digits_report.folder / "report.html").stat().st_size > 100_000
    assert json.loads((digits_report.folder / "study.json").read_text())["missing"] == {}
    split = FeatureSplit.load(digits_report.features)
    assert split.test.accuracy >= 0.97
    assert split.class_names == tuple("0123456789")


def test_quiet_says_only_where_the_report_is(small_file, tmp_path):
    result = run("study", "features", small_file, "--out", tmp_path / "r.html", "--quiet")
    assert result.output.strip().startswith("The report is in")


def garbage(folder):
    (folder / "bad.npz").write_bytes(b"not a zip file")
    return folder / "bad.npz"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "absent.npz", "must be an existing file"),
        (lambda folder: folder / "features.txt", "must end in .npz or .safetensors"),
        (lambda folder: save(folder, weight=np.eye(2)), "missing: train_features"),
        (garbage, "cannot be read as a .npz file"),
        (lambda folder: save_split(folder, test_labels=[7, 0]), "test_labels|labels must be betw"),
        (lambda folder: save_split(folder, test_features=[[1.0], [2.0]]), "must have 2 columns"),
        (lambda folder: save_split(folder, train_features=[[np.nan, 0.0]]), "must be finite"),
    ],
)
def test_bad_files_give_one_line(make, message, tmp_path):
    result = run("study", "features", make(tmp_path), "--out", tmp_path / "r.html")
    assert result.exit_code == 1
    text = " ".join(result.output.split())
    assert text.startswith("Error: ")
    assert "Traceback" not in text
    assert any(part in text for part in message.split("|"))
    assert not (tmp_path / "r.html").exists()


def save(folder, **arrays):
    np.savez(folder / "bad.npz", **arrays)
    return folder / "bad.npz"


def save_split(folder, **changes):
    arrays = {
        "train_features": [[1.0, 0.0]],
        "train_labels": [0],
        "test_features": [[1.0, 0.0], [0.0, 1.0]],
        "test_labels": [0, 1],
        "weight": np.eye(2),
        "bias": np.zeros(2),
    }
    return save(folder, **(arrays | changes))


def test_missing_folder_is_noticed_before_the_work(small_file, tmp_path):
    result = run("study", "digits", "--out", tmp_path / "no" / "report.html")
    assert result.exit_code == 1
    assert "there is no folder" in result.output
    assert run("study", "features", small_file, "--threads", "0").exit_code == 2


def test_suffix_of_the_features_is_checked_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(hullspace.datasets, "digits_features", lambda **_: pytest.fail("worked"))
    out, saved = tmp_path / "r.html", tmp_path / "f.txt"
    result = run("study", "digits", "--out", out, "--save-features", saved)
    assert result.exit_code == 1
    assert "--save-features must end in .npz or .safetensors" in " ".join(result.output.split())


def test_interrupt_ends_with_its_exit_code(small_file, tmp_path, monkeypatch):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(hullspace, "study_features", interrupted)
    result = run("study", "features", small_file, "--out", tmp_path / "r.html")
    assert result.exit_code == 130
    assert result.output.strip() == "Interrupted."


def test_version_info_and_help():
    assert run("--version").output.strip() == f"hullspace {hullspace.__version__}"
    assert "baseline" in run("info").output
    for arguments in ((), ("study",), ("study", "--help"), ("study", "features", "--help")):
        assert "Usage: " in run(*arguments).output


def test_missing_extra_is_one_line():
    script = "import sys; sys.modules['typer'] = None; from hullspace.__main__ import main; main()"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("run: pip install 'hullspace[study]'")
    assert "Traceback" not in done.stderr
