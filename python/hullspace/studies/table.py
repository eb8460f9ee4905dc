"""A table of a study as text, and how its cells are written."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.extras import require

if TYPE_CHECKING:
    from hullspace.studies.result import Study

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
QUANTILE_NAMES = tuple(f"{q:.0%}" if q < 1 else "largest" for q in QUANTILES)
_Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Table:
    """A table of text; the first column holds the names of the rows.

    Attributes
    ----------
    title : str
        What it is about.
    columns : tuple of str
        Names of the columns.
    rows : list of tuple of str
        The cells.
    note : str
        How to read it.
    images : list of int
        The test image that each row is about, where all rows are about one; else empty.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    note: str = ""
    images: list[int] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as what JSON can hold."""
        return asdict(self)

    def to_frame(self) -> Any:
        """Return the text as a `pandas.DataFrame`; ImportError without pandas."""
        return require("pandas", "study").DataFrame(self.rows, columns=list(self.columns))


def count(rows: _Bools) -> int:
    """Count what is true."""
    return int(np.count_nonzero(rows))


def share(count: int, total: int) -> str:
    """Format a count with its share of a total."""
    return f"{count:,} ({count / total:.1%})" if total else "0"


def number(value: float) -> str:
    """Format a quantity with three significant digits."""
    return f"{value:,.3g}" if np.isfinite(value) else "-"


def quantiles(values: npt.NDArray[np.float64]) -> list[str]:
    """Format the `QUANTILES` of the finite values."""
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return ["-"] * len(QUANTILES)
    return [number(value) for value in np.quantile(finite, QUANTILES)]


def groups(study: Study) -> list[tuple[str, _Bools]]:
    """Return all test images, then those of each predicted class, as (name, rows)."""
    predictions = study.split.test.predictions
    everyone = np.ones(len(predictions), dtype=bool)
    named = [(name, predictions == c) for c, name in enumerate(study.split.names)]
    return [("all", everyone), *named]


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
