"""The commands ``hullspace regions count`` and ``hullspace regions slice``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

import hullspace
from hullspace.cli.shared import (
    JsonFlag,
    Quiet,
    Threads,
    print_json,
    read_matrix,
    require_writable,
    user_errors,
)
from hullspace.extras import require
from hullspace.status import Status

app = typer.Typer(
    no_args_is_help=True, help="Find the linear regions of a ReLU network in an ONNX file."
)

Model = Annotated[Path, typer.Argument(help="A ReLU network, as .onnx.", dir_okay=False)]
Seconds = Annotated[float | None, typer.Option(help="Stop after so many seconds.")]
Most = Annotated[int | None, typer.Option(min=1, help="Stop after so many regions.")]


@app.command(epilog="Example: hullspace regions count model.onnx --low -1 --high 1 --verify")
def count(
    model: Model,
    low: Annotated[float, typer.Option(help="Lower bound of every input.")] = -1.0,
    high: Annotated[float, typer.Option(help="Upper bound of every input.")] = 1.0,
    max_regions: Most = None,
    time_limit: Seconds = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Prove that none is missing, by separate code.")
    ] = False,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: JsonFlag = False,
) -> None:
    """Count the linear regions of a network in a box, each exactly once.

    Meant for networks with few inputs: the number grows with the power of their number. `slice`
    takes any network.
    """
    with user_errors():
        network = hullspace.ReluNetwork.from_onnx(model)
        start = time.perf_counter()
        found = hullspace.enumerate_regions(
            network,
            (low, high),
            max_regions=max_regions,
            time_limit=time_limit,
            n_threads=threads,
            progress=not (quiet or as_json),
            verify=verify,
        )
        _say_count(found, time.perf_counter() - start, as_json=as_json)


def _say_count(found: hullspace.RegionComplex, seconds: float, *, as_json: bool) -> None:
    complete = found.status == Status.COMPLETE and not len(found.too_thin)
    if as_json:
        result = {
            "regions": len(found),
            "complete": complete,
            "undecided": len(found.too_thin),
            "verified": None if found.check is None else bool(found.check.complete),
            "seconds": seconds,
        }
        print_json(result)
        return
    text = f"{len(found):,} linear regions in {seconds:.2g} s"
    text += ": all there are" if complete else "; there may be more"
    if found.check is not None:
        text += ", proven" if found.check.complete else ", which is not proven"
    typer.echo(f"{text}.")


@app.command(
    name="slice",
    epilog="Example: hullspace regions slice model.onnx --points images.npz:images --rows 0,1,2",
)
def slice_(
    model: Model,
    points: Annotated[
        str, typer.Option(help="Inputs of the network: .npy, .csv, .npz or FILE.npz:KEY.")
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The picture: .svg, .png or .pdf.", dir_okay=False),
    ] = Path("slice.svg"),
    rows: Annotated[str, typer.Option(help="Which three of the inputs.")] = "0,1,2",
    scale: Annotated[float, typer.Option(help="What the inputs are multiplied with.")] = 1.0,
    margin: Annotated[float, typer.Option(help="How far to look beyond the inputs.")] = 0.25,
    max_regions: Most = 20_000,
    time_limit: Seconds = 60.0,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: JsonFlag = False,
) -> None:
    """Draw the linear regions in the plane through three inputs, with the decision boundary."""
    with user_errors():
        require_writable(out)
        network = hullspace.ReluNetwork.from_onnx(model)
        corners, chosen = _corners(points, rows, network)
        cut = hullspace.slice_through(
            network,
            corners * scale,
            margin,
            names=[f"{row}" for row in chosen],
            max_regions=max_regions,
            time_limit=time_limit,
            n_threads=threads,
            progress=not (quiet or as_json),
        )
        figure = require("matplotlib.figure", "study").Figure(
            figsize=(6.4, 4.8), layout="constrained"
        )
        cut.plot(figure.subplots())
        figure.savefig(out, dpi=150)
        _say_slice(cut, out, as_json=as_json)


def _say_slice(cut: hullspace.RegionSlice, out: Path, *, as_json: bool) -> None:
    complete = cut.status == Status.COMPLETE and not len(cut.too_thin)
    if as_json:
        print_json({"regions": len(cut), "complete": complete, "picture": str(out)})
        return
    end = "all there are" if complete else "there are more"
    typer.echo(f"{len(cut):,} linear regions in the window ({end}). The picture is in {out}")


def _corners(
    points: str, rows: str, network: hullspace.ReluNetwork
) -> tuple[npt.NDArray[np.float64], list[int]]:
    """Return three inputs of the network, and which of those in the file they are."""
    inputs = read_matrix(points, "--points")
    chosen = _chosen(rows, len(inputs))
    x = inputs[chosen].astype(np.float64).reshape(3, -1)
    if x.shape[1] != network.n_inputs:
        raise ValueError(f"--points must have {network.n_inputs} numbers a row, got {x.shape[1]}")
    return x.reshape(3, *network.input_shape), chosen


def _chosen(rows: str, n: int) -> list[int]:
    try:
        chosen = [int(part) for part in rows.split(",")]
    except ValueError:
        chosen = []
    if len(chosen) != 3 or not all(0 <= row < n for row in chosen):
        raise ValueError(f"--rows must be three numbers between 0 and {n - 1}, got {rows!r}")
    return chosen
