"""The command ``hullspace``: studies, hulls, linear regions, and what is installed."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import hullspace
from hullspace.cli import hull, regions, study
from hullspace.cli.shared import JsonFlag, as_text, print_json

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Exact, provable geometry of the feature space that a neural network has learned.",
    epilog="Exit codes: 0 done, 1 wrong input, 2 wrong usage, 130 interrupted.",
)
app.add_typer(study.app, name="study")
app.add_typer(hull.app, name="hull")
app.add_typer(regions.app, name="regions")


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
def info(as_json: JsonFlag = False) -> None:
    """Show what the compiled core was built with and uses on this machine."""
    found = hullspace.build_info()
    if as_json:
        print_json(found)
        return
    table = Table(show_header=False)
    for key, value in found.items():
        table.add_row(key.replace("_", " "), as_text(value))
    Console().print(table)
