"""The commands ``hullspace hull contains`` and ``hullspace hull project``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

import hullspace
from hullspace.cli.shared import (
    JsonFlag,
    Threads,
    Tolerance,
    print_json,
    read_matrix,
    require_writable,
    user_errors,
)
from hullspace.hull import DEFAULT_TOLERANCE
from hullspace.status import Proof, Status

if TYPE_CHECKING:
    import numpy.typing as npt

app = typer.Typer(
    no_args_is_help=True, help="Ask whether points lie in a convex hull, and how far outside."
)

# The arrays of the sparse matrix of weights, as SciPy names them.
_SPARSE = ("data", "indices", "indptr", "shape")
# Queries that the terminal lists.
_LISTED = 20

Points = Annotated[
    str, typer.Argument(help="The hull's points, one a row: .npy, .csv, .npz or FILE.npz:KEY.")
]
Queries = Annotated[str, typer.Argument(help="The queries, in the same form.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Write all results to this .npz file.", dir_okay=False),
]


@app.command(
    epilog="Example: hullspace hull contains features.npz:train_features features.npz:test_features"
)
def contains(
    points: Points,
    queries: Queries,
    out: Out = None,
    prove: Annotated[
        bool, typer.Option("--prove", help="Prove each answer in exact arithmetic, too.")
    ] = False,
    threads: Threads = None,
    tolerance: Tolerance = DEFAULT_TOLERANCE,
    as_json: JsonFlag = False,
) -> None:
    """Tell which queries lie inside the convex hull of the points, with certificates."""
    with user_errors():
        require_writable(out)
        A, Q = read_matrix(points, "points"), read_matrix(queries, "queries")
        found = hullspace.Hull(A, n_threads=threads).contains(
            Q, tolerance=tolerance, n_threads=threads
        )
        columns = {
            "status": found.status,
            "certificate_checked": hullspace.certificates.check(A, Q, found),
        }
        if prove:
            columns["proof"] = hullspace.certificates.prove(A, Q, found)
        words = [Status(s).name.lower() for s in found.status]
        counts = {word: words.count(word) for word in ("inside", "outside", "undecided")}
        if prove:
            names = [Proof(p).name.lower() for p in columns["proof"]]
            counts["proven"] = sum(name != "unproven" for name in names)
        texts = {"status": words, "certificate checked": _yes(columns["certificate_checked"])}
        _give("Membership", columns, texts, counts, out, as_json)


@app.command(epilog="Example: hullspace hull project train.npy test.npy --out distances.npz")
def project(
    points: Points,
    queries: Queries,
    out: Out = None,
    threads: Threads = None,
    tolerance: Tolerance = DEFAULT_TOLERANCE,
    as_json: JsonFlag = False,
) -> None:
    """Find each query's nearest point of the convex hull of the points, and the distance."""
    with user_errors():
        require_writable(out)
        A, Q = read_matrix(points, "points"), read_matrix(queries, "queries")
        found = hullspace.Hull(A, n_threads=threads).project(
            Q, tolerance=tolerance, n_threads=threads
        )
        checked = hullspace.certificates.check(A, Q, found)
        columns = {"distance": found.distances, "gap": found.gaps, "certificate_checked": checked}
        texts = {
            "distance": [f"{d:.6g}" for d in found.distances],
            "right to within": [f"{g:.2g}" for g in found.gaps],
            "certificate checked": _yes(checked),
        }
        counts = {"queries": len(Q), "certificates checked": int(np.count_nonzero(checked))}
        sparse = {f"weights_{part}": getattr(found.weights, part) for part in _SPARSE}
        more = {"points": found.points, "normals": found.normals, **sparse}
        _give("Projection", columns, texts, counts, out, as_json, more)


def _yes(values: npt.NDArray[Any]) -> list[str]:
    return ["yes" if value else "no" for value in values]


def _give(
    title: str,
    columns: dict[str, npt.NDArray[Any]],
    texts: dict[str, list[str]],
    counts: dict[str, int],
    out: Path | None,
    as_json: bool,
    more: dict[str, npt.NDArray[Any]] | None = None,
) -> None:
    """Write the results to the file, and to the terminal as far as there is room."""
    if out is not None:
        np.savez_compressed(out, allow_pickle=False, **columns, **(more or {}))
    if as_json:
        print_json({"counts": counts, **columns})
        return
    n = len(next(iter(columns.values())))
    caption = ", ".join(f"{value:,} {name}" for name, value in counts.items())
    if n > _LISTED:
        caption += f"; the first {_LISTED} are listed"
    table = Table(title=title, caption=caption)
    table.add_column("query", justify="right")
    for name in texts:
        table.add_column(name, justify="right")
    for i in range(min(n, _LISTED)):
        table.add_row(f"{i:,}", *(column[i] for column in texts.values()))
    Console().print(table)
    if out is not None:
        typer.echo(f"All results are in {out}")
