"""The commands ``hullspace study digits``, ``hullspace study features``, ``hullspace info``."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

import hullspace
from hullspace.hull import DEFAULT_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Exact, provable geometry of the feature space that a neural network has learned.",
)
study_app = typer.Typer(no_args_is_help=True, help="Study a model's features and write a report.")
app.add_typer(study_app, name="study")

Out = Annotated[Path, typer.Option("--out", "-o", help="The HTML file to write.", dir_okay=False)]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Threads to use.", show_default="all cores")
]
Tolerance = Annotated[
    float, typer.Option(min=0.0, max=0.999, help="Relative to the scale of each hull.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars and no tables.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hullspace {hullspace.__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Exact, provable geometry of the feature space that a neural network has learned."""


@app.command()
def info() -> None:
    """Show what the compiled core was built with and uses on this machine."""
    table = Table(show_header=False)
    for key, value in hullspace.build_info().items():
        table.add_row(key.replace("_", " "), _as_text(value))
    Console().print(table)


@study_app.command()
def digits(
    out: Out = Path("report.html"),
    seed: Annotated[int, typer.Option(help="Of the data's split and the training.")] = 0,
    save_features: Annotated[
        Path | None,
        typer.Option(help="Also save the features, as .npz or .safetensors.", dir_okay=False),
    ] = None,
    threads: Threads = None,
    tolerance: Tolerance = DEFAULT_TOLERANCE,
    quiet: Quiet = False,
) -> None:
    """Train a small network on scikit-learn's scans of digits, and study it."""
    with _user_errors():
        _require_writable(out)
        if save_features is not None:
            _require_writable(save_features)
            if save_features.suffix not in (".npz", ".safetensors"):
                raise ValueError(
                    f"--save-features must end in .npz or .safetensors, got {save_features}"
                )
        model, split, images = hullspace.datasets.digits_model(seed=seed, progress=not quiet)
        if save_features is not None:
            split.save(save_features)
        pixels = images.test_images
        network = hullspace.ReluNetwork.from_torch(model, pixels.shape[1:])
        options = {"images": pixels, "network": network, "n_threads": threads}
        title = "Handwritten digits, a small convolutional network"
        _study(split, out, quiet, title=title, tolerance=tolerance, **options)


@study_app.command()
def features(
    file: Annotated[Path, typer.Argument(help="Features, as .npz or .safetensors.")],
    out: Out = Path("report.html"),
    threads: Threads = None,
    tolerance: Tolerance = DEFAULT_TOLERANCE,
    quiet: Quiet = False,
) -> None:
    """Study the features of any model.

    FILE holds train_features, train_labels, test_features, test_labels, and the weight and bias of
    the head; class_names is optional.
    """
    with _user_errors():
        _require_writable(out)
        split = hullspace.FeatureSplit.load(file)
        title = f"Features of {file.resolve().parent.name}/{file.name}"
        _study(split, out, quiet, title=title, n_threads=threads, tolerance=tolerance)


def _study(split: hullspace.FeatureSplit, out: Path, quiet: bool, **options: Any) -> None:
    study = hullspace.study(split, progress=not quiet, **options)
    study.save(out)
    if not quiet:
        study.print()
    typer.echo(f"The report is in {out}")


@contextmanager
def _user_errors() -> Iterator[None]:
    """Turn errors in what the user gave into one line; Ctrl-C ends with the usual code."""
    try:
        yield
    except (TypeError, ValueError, OSError, ImportError) as error:
        typer.secho(f"Error: {error}", fg="red", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("Interrupted.", err=True)
        raise typer.Exit(130) from None


def _require_writable(path: Path) -> None:
    """Fail before the work rather than after it."""
    if not path.resolve().parent.is_dir():
        raise ValueError(f"there is no folder {path.resolve().parent} to write {path.name} to")


def _as_text(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_as_text(part)}" for key, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
