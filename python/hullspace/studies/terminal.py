"""A study in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hullspace.extras import require

if TYPE_CHECKING:
    from hullspace.studies.finding import Finding
    from hullspace.studies.table import Table


def show(findings: list[Finding], tables: dict[str, Table]) -> None:
    """Print findings and tables."""
    console = require("rich.console", "study").Console()
    text = require("rich.text", "study").Text
    for finding in findings:
        console.print(text(f"- {finding}"))
    for table in tables.values():
        console.print(as_rich(table))


def as_rich(table: Table) -> Any:
    """Return the table as a `rich.table.Table`."""
    rich_table = require("rich.table", "study").Table(
        title=table.title, caption=table.note or None, title_style="bold", caption_justify="left"
    )
    text = require("rich.text", "study").Text  # names of classes are no markup
    for i, column in enumerate(table.columns):
        rich_table.add_column(column, justify="left" if i == 0 else "right")
    for row in table.rows:
        rich_table.add_row(*map(text, row))
    return rich_table
