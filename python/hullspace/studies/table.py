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


def percent(values: _Bools) -> str:
    """Format the share of what is true; a dash without anything."""
    return f"{values.mean():.1%}" if len(values) else "-"


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


def distance_table(
    study: Study,
    what: str,
    distances: npt.NDArray[np.float64],
    gaps: npt.NDArray[np.float64] | None,
) -> Table:
    """Quantiles of a distance, and the largest gap where it was computed to a tolerance."""
    note = (
        "Quantiles, in the units of the features; the true distances are at most the gap smaller."
        if gaps is not None
        else "Quantiles, in the units of the features, in closed form: |margin| / |W_i - W_j|."
    )
    if n_infinite := count(np.isinf(distances)):
        note += f" {n_infinite:,} infinite ones are left out."
    columns = ("predicted class", *QUANTILE_NAMES, *([] if gaps is None else ["largest gap"]))
    table = Table(f"Distance to {what}", columns, note=note)
    for name, rows in groups(study):
        gap = [] if gaps is None else [number(gaps[rows].max(initial=0.0))]
        table.rows.append((name, *quantiles(distances[rows]), *gap))
    return table
