"""The commands ``hullspace study digits``, ``features``, ``model`` and ``onnx``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

import hullspace
from hullspace.cli.shared import (
    JsonFlag,
    Quiet,
    Threads,
    Tolerance,
    print_json,
    require_writable,
    user_errors,
)
from hullspace.extras import require
from hullspace.features import Images, normalization
from hullspace.hull import DEFAULT_TOLERANCE
from hullspace.studies import Study, StudyInterrupted
from hullspace.studies.chapters import CHAPTERS

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(no_args_is_help=True, help="Study a model and write a report.")

Out = Annotated[
    Path,
    typer.Option("--out", "-o", help="Where to write: .html, .json, .npz, or a folder for all."),
]
Chapters = Annotated[
    str | None,
    typer.Option(help=f"Chapters to write, by comma: {', '.join(CHAPTERS)}.", show_default="all"),
]
Sample = Annotated[
    int, typer.Option(min=1, help="Test images at which searches in pixel space start.")
]
Seed = Annotated[int, typer.Option(help="Of everything that is drawn at random.")]
Title = Annotated[str | None, typer.Option(help="Heads the report.")]
Train = Annotated[str, typer.Option(help="Training images: a folder, or .npz.")]
Test = Annotated[str, typer.Option(help="Test images, in the same form.")]
Mean = Annotated[str | None, typer.Option(help="Of each channel, by comma, for pixels in [0, 1].")]
Std = Annotated[str | None, typer.Option(help="Of each channel, by comma; divides what is left.")]
Layers = Annotated[str | None, typer.Option(help="Hidden layers to compare with pixels, by comma.")]


@app.command(epilog="Example: hullspace study digits --out report.html")
def digits(
    out: Out = Path("report.html"),
    seed: Seed = 0,
    save_features: Annotated[
        Path | None,
        typer.Option(help="Also save the features, as .npz or .safetensors.", dir_okay=False),
    ] = None,
    chapters: Chapters = None,
    sample: Sample = 50,
    threads: Threads = None,
    tolerance: Tolerance = DEFAULT_TOLERANCE,
    quiet: Quiet = False,
    as_json: JsonFlag = False,
) -> None:
    """Train a small network on scikit-learn's scans of digits, and study it."""
    with user_errors():
        require_writable(out)
        require_writable(save_features)
        if save_features is not None and save_features.suffix not in (".npz", ".safetensors"):
            raise ValueError(
                f"--save-features must end in .npz or .safetensors, got {save_features}"
            )
        model, split, images = hullspace.datasets.digits_model(
            random_state=seed, progress=not (quiet or as_json)
        )
        if save_features is not None:
            split.save(save_features)
        _write(
            lambda **options: hullspace.study(
                model,
                Images(images.train_images, images.train_labels, images.class_names),
                Images(images.test_images, images.test_labels),
                title="Handwritten digits, a small convolutional network",
                **options,
            ),
            out, chapters, sample, seed, threads, tolerance, quiet, as_json,
        )  # fmt: skip


@app.command(epilog="Example: hullspace study features features.npz --out report.html")
def features(
    file: Annotated[Path, typer.Argument(help="Features, as .npz or .safetensors.")],
    out: Out = Path("report.html"),
    title: Title = None,
    chapters: Chapters = None,
    seed: Seed = 0,
    threads: Threads = None,
    tolerance: Tolerance = DEFAULT_TOLERANCE,
    quiet: Quiet = False,
    as_json: JsonFlag = False,
) -> None:
    """Study the features of any model.

    FILE holds train_features, train_labels, test_features, test_labels, and the weight and bias of
    the head; class_names is optional.
    """
    with user_errors():
        require_writable(out)
        split = hullspace.FeatureSplit.load(file)
        title = title or f"Features of {file.resolve().parent.name}/{file.name}"
        _write(
            lambda **options: hullspace.study_features(split, title=title, **options),
            out, chapters, None, seed, threads, tolerance, quiet, as_json,
        )  # fmt: skip


@app.command(
    epilog="Example: hullspace study model --model nets:resnet20 --weights resnet20.safetensors "
    "--train train/ --test test/ --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225"
)
def model(
    model: Annotated[str, typer.Option(help="package.module:factory, called without arguments.")],
    train: Train,
    test: Test,
    weights: Annotated[
        Path | None, typer.Option(help="Its state dict, as .safetensors, .pt or .pth.")
    ] = None,
    out: Out = Path("report.html"),
    mean: Mean = None,
    std: Std = None,
    head: Annotated[
        str | None, typer.Option(help="Name of the last layer, where it cannot be found.")
    ] = None,
    layers: Layers = None,
    title: Title = None,
    chapters: Chapters = None,
    sample: Sample = 100,
    seed: Seed = 0,
    threads: Threads = None,
    tolerance: Tolerance = DEFAULT_TOLERANCE,
    quiet: Quiet = False,
    as_json: JsonFlag = False,
) -> None:
    """Study a torch model with its training and test images."""
    with user_errors():
        require_writable(out)
        network = _made(model, weights)
        _write(
            lambda **options: hullspace.study(
                network,
                train,
                test,
                head=head,
                preprocess=_preprocess(mean, std),
                layers=_listed(layers),
                title=title or f"Model {model}",
                **options,
            ),
            out, chapters, sample, seed, threads, tolerance, quiet, as_json,
        )  # fmt: skip


@app.command(epilog="Example: hullspace study onnx model.onnx --train train/ --test test/")
def onnx(
    file: Annotated[Path, typer.Argument(help="A model from images to logits, as .onnx.")],
    train: Train,
    test: Test,
    out: Out = Path("report.html"),
    mean: Mean = None,
    std: Std = None,
    title: Title = None,
    chapters: Chapters = None,
    sample: Sample = 100,
    seed: Seed = 0,
    threads: Threads = None,
    tolerance: Tolerance = DEFAULT_TOLERANCE,
    quiet: Quiet = False,
    as_json: JsonFlag = False,
) -> None:
    """Study an ONNX model with its training and test images."""
    with user_errors():
        require_writable(out)
        space = hullspace.FeatureSpace.from_onnx(file, preprocess=_preprocess(mean, std))
        _write(
            lambda **options: hullspace.study(
                space, train, test, title=title or f"Model {file.name}", **options
            ),
            out, chapters, sample, seed, threads, tolerance, quiet, as_json,
        )  # fmt: skip


def _write(
    study: Callable[..., Study],
    out: Path,
    chapters: str | None,
    sample: int | None,
    seed: int,
    threads: int | None,
    tolerance: float,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run a study, and write and print what it found, also of one that is interrupted."""
    try:
        found = study(
            chapters=None if chapters is None else _listed(chapters),
            random_state=seed,
            n_threads=threads,
            tolerance=tolerance,
            progress=not (quiet or as_json),
            **({} if sample is None else {"sample": sample}),
        )
    except StudyInterrupted as stop:
        stop.study.save(out)
        typer.echo(f"Interrupted. The chapters that were finished are in {out}", err=True)
        raise typer.Exit(130) from None
    found.save(out)
    if as_json:
        print_json({**found.to_dict(), "report": str(out)})
        return
    if not quiet:
        found.print()
    typer.echo(f"The report is in {out}")


def _listed(text: str | None) -> tuple[str, ...]:
    return () if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def _made(path: str, weights: Path | None) -> Any:
    """Call the factory that ``package.module:name`` names, also of a module in this folder."""
    module, _, name = path.partition(":")
    if not module or not name:
        raise ValueError(f"--model must be package.module:factory, got {path!r}")
    sys.path.insert(0, str(Path.cwd()))
    try:
        factory = getattr(importlib.import_module(module), name, None)
    finally:
        sys.path.pop(0)
    if not callable(factory):
        raise ValueError(f"--model: {module} has no callable {name!r}")
    made = factory()
    if not isinstance(made, require("torch.nn", "torch").Module):
        raise ValueError(f"--model: {path} must return a torch module, got {type(made).__name__}")
    if weights is not None:
        _load(made, weights)
    return made


def _load(network: Any, path: Path) -> None:
    try:
        network.load_state_dict(_state_dict(path))
    except RuntimeError as error:
        raise ValueError(f"--weights do not fit the model: {error}") from error


def _state_dict(path: Path) -> Any:
    """Read weights, also those within a checkpoint or with a prefix of all names."""
    if not path.is_file():
        raise ValueError(f"--weights: there is no file {path}")
    if path.suffix == ".safetensors":
        state = require("safetensors.torch", "torch").load_file(path)
    else:
        state = require("torch", "torch").load(path, map_location="cpu", weights_only=True)
    for name in ("state_dict", "model"):
        state = state[name] if isinstance(state.get(name), dict) else state
    if all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): value for name, value in state.items()}
    return state


def _preprocess(mean: str | None, std: str | None) -> Any:
    if mean is None and std is None:
        return None
    try:
        numbers = [np.array([float(part) for part in _listed(text)]) for text in (mean, std)]
    except ValueError as error:
        raise ValueError("--mean and --std must be numbers, by comma") from error
    if not len(numbers[0]) or not len(numbers[1]) or len(numbers[0]) != len(numbers[1]):
        raise ValueError("--mean and --std must be given together, with a number for each channel")
    return normalization(*(tuple(each.tolist()) for each in numbers))
