"""What the comparison of spaces found, in words, tables and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hullspace.studies.finding import Basis, Finding
from hullspace.studies.table import Table

if TYPE_CHECKING:
    from hullspace.comparison import Estimate
    from hullspace.studies.pictures import Picture
    from hullspace.studies.result import Study


def space_findings(study: Study) -> list[Finding]:
    """Say what each figure means."""
    if study.spaces is None:
        return []
    return [Finding(e.sentence, Basis(e.kind)) for e in study.spaces.estimates]


def space_tables(study: Study) -> dict[str, Table]:
    """Make the tables of the figures."""
    if study.spaces is None:
        return {}
    table = Table(
        "Figures, with bootstrap intervals",
        ("figure", "value", "95% interval", "samples", "basis"),
        note="Intervals are those of the statistic over resampled test images.",
    )
    table.rows.extend(_row(e) for e in study.spaces.estimates)
    return {"spaces": table}


def _row(estimate: Estimate) -> tuple[str, ...]:
    interval = f"{estimate.low:.3g} to {estimate.high:.3g}"
    value = f"{estimate.value:.3g}"
    return (estimate.name, value, interval, f"{estimate.n:,}", estimate.kind)


def space_pictures(_: Study) -> dict[str, list[Picture]]:
    """Draw the comparison."""
    return {}
