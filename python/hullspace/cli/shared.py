"""What the commands share: options, files of numbers, errors, output."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

Threads = Annotated[
    int | None, typer.Option(min=1, help="Threads to use.", show_default="all cores")
]
Tolerance = Annotated[
    float, typer.Option(min=0.0, max=0.999, help="Relative to the scale of each hull.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars and no tables.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn errors in what the user gave into one line; Ctrl-C ends with the usual code."""
    try:
        yield
    except (TypeError, ValueError, OSError, ImportError) as error:
        typer.secho(f"Error: {error}", fg="red", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("Interrupted.", err=True)
        raise typer.Exit(130) from None


def require_writable(path: Path | None) -> None:
    """Fail before the work rather than after it."""
    if path is not None and not path.resolve().parent.is_dir():
        raise ValueError(f"there is no folder {path.resolve().parent} to write {path.name} to")


def read_matrix(source: str, name: str) -> npt.NDArray[Any]:
    """Read numbers from ``.npy``, ``.csv``, or ``.npz`` (``FILE.npz:KEY`` where it holds several).

    Raises
    ------
    ValueError
        If there is no such file, or it does not hold one array of numbers; `name` is in the
        message.
    """
    file, _, key = source.partition(".npz:")
    path = Path(f"{file}.npz" if key else source)
    if not path.is_file():
        raise ValueError(f"{name}: there is no file {path}")
    try:
        if path.suffix == ".npy":
            array = np.load(path, allow_pickle=False)
        elif path.suffix == ".npz":
            array = _from_archive(path, key, name)
        else:
            array = np.loadtxt(path, delimiter=",", ndmin=2)
    except (ValueError, OSError, EOFError) as error:
        if str(error).startswith(f"{name}:"):
            raise
        raise ValueError(f"{name}: {path} cannot be read: {error}") from error
    return np.asarray(array)


def _from_archive(path: Path, key: str, name: str) -> npt.NDArray[Any]:
    with np.load(path, allow_pickle=False) as archive:
        if not key and len(archive.files) == 1:
            key = archive.files[0]
        if key not in archive.files:
            held = ", ".join(archive.files)
            raise ValueError(f"{name}: say {path}:KEY with one of its keys: {held}")
        array: npt.NDArray[Any] = archive[key]
    return array


def print_json(value: Any) -> None:
    """Print a value as JSON; NaN and infinity become null, as JSON has none."""
    typer.echo(json.dumps(_plain(value), indent=1))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def as_text(value: Any) -> str:
    """Return a nested value as lines."""
    if isinstance(value, dict):
        return "\n".join(f"{key}: {as_text(part)}" for key, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
