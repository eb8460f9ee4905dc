"""The tables of the partition."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.studies.chapters.partition.slices import hull_word
from hullspace.studies.knowledge import DOMAIN
from hullspace.studies.scope import LEFT_OUT
from hullspace.studies.table import (
    QUANTILE_NAMES,
    Table,
    count,
    distance_table,
    groups,
    number,
    quantiles,
    share,
)

if TYPE_CHECKING:
    from hullspace.studies.chapters.partition.find import PartitionResult
    from hullspace.studies.result import Study

_Bools = npt.NDArray[np.bool_]

# Names that a cell has room for.
_SHOWN_NAMES = 4


def tabulate(study: Study) -> dict[str, Table]:
    """Make the tables of the partition, by name, in the order of reading."""
    found = study.partition
    if found is None:
        return {}
    return {
        "regions": region_table(study, found),
        "neighbours": neighbour_table(study, found),
        "boundary distances": boundary_table(study),
        "flips": flip_table(study, found),
        "flip pairs": flip_pair_table(study, found),
        "slices": slice_table(study, found),
    }


def region_table(study: Study, found: PartitionResult) -> Table:
    """How large each class's region is."""
    table = Table(
        "Decision regions",
        ("class", "test images", "neighbours", "largest ball", "share of the domain"),
        note=_domain_note(study, found),
    )
    members = _groups(study, found)
    neighbours, radius = found.adjacency, number(found.domain_radius)
    table.rows.append(("all", f"{count(members[0][1]):,}", "", radius, "100.0%"))
    for c, (name, rows) in enumerate(members[1:]):
        n_neighbours = "-" if neighbours is None else f"{count(neighbours.matrix[c])}"
        volume = f"{found.volumes.values[c]:.1%}"
        table.rows.append((name, f"{count(rows):,}", n_neighbours, _ball(found, c), volume))
    return table


def _domain_note(study: Study, found: PartitionResult) -> str:
    names = study.split.names
    note = (
        "The region of a class is the part of the domain where its logit is the largest. The "
        f"domain is {DOMAIN}, as beyond it there is nothing to say about images."
    )
    if n_fixed := len(found.partition.domain.polyhedron.E):
        note += f" {n_fixed:,} of the features never change and are kept as they are."
    note += (
        " Largest ball: its radius; the first row is that of the domain, which no region's can "
        f"exceed. Share of the domain: of {found.volumes.n_samples:,} points drawn uniformly."
    )
    for group in found.partition.equal_classes:
        equal = ", ".join(names[c] for c in group)
        note += f" {equal} have the same weights and bias, and the first of them wins."
    if (n := len(found.scope.images)) < (n_test := len(study.split.test)):
        note += f" This and what follows is about {n:,} of the {n_test:,} test images."
    return note


def _ball(found: PartitionResult, c: int) -> str:
    if c in found.balls.empty:
        return "empty"
    return "flat" if c in found.balls.flat else number(float(found.balls.radii[c]))


def neighbour_table(study: Study, found: PartitionResult) -> Table:
    """Which regions share a facet, and how large it is."""
    table = Table(
        "Neighbours",
        ("class", "neighbours", "no facet with", "widest with", "radius", "narrowest with",
         "radius"),
        note="Two regions are neighbours if they share a facet inside the domain, not just an edge "
        "or a corner. Radius: of the largest ball of the facet, within its hyperplane.",
    )  # fmt: skip
    adjacency, names = found.adjacency, study.split.names
    if adjacency is None:
        return replace(table, note=table.note + LEFT_OUT)
    for c, name in enumerate(names):
        there = np.flatnonzero(adjacency.matrix[c])
        others = [j for j in range(len(names)) if j != c and not adjacency.matrix[c, j]]
        ends: list[str] = []
        for pick in (np.argmax, np.argmin) if len(there) else ():
            j = there[pick(adjacency.radii[c, there])]
            ends += [names[j], number(float(adjacency.radii[c, j]))]
        missing = _named(names, others)
        table.rows.append((name, f"{len(there)}", missing, *(ends or ["-"] * 4)))
    return table


def boundary_table(study: Study) -> Table:
    """Quantiles of the distance to the nearest decision boundary, and who is across it."""
    nearest, competitors = study.boundaries.nearest, study.boundaries.competitors
    table = distance_table(study, "the nearest decision boundary", nearest, None)
    rows = []
    for cells, (name, members) in zip(table.rows, groups(study), strict=True):
        across = competitors[members & (competitors >= 0)]
        votes = np.bincount(across, minlength=len(study.split.names))
        most = int(votes.argmax())
        usual = f"{study.split.names[most]} ({votes[most] / max(count(members), 1):.1%})"
        rows.append((*cells, "-" if name == "all" or not len(across) else usual))
    note = table.note + " Competitor: the class most often across that boundary."
    return Table(table.title, (*table.columns, "competitor"), rows, note)


def flip_table(study: Study, found: PartitionResult) -> Table:
    """Quantiles of the distance to the nearest flip point."""
    flips, names = found.flips, study.split.names
    note = (
        "Quantiles of the distance to the nearest feature where the prediction changes: the "
        "predicted class and another one tie, none is above, and the domain allows it. Hyperplane "
        "nearer: where the closed-form distance is too small, because a third class is above or "
        "the domain ends before. Usually across: the class most often on the other side."
    )
    if flips.undecided:
        note += f" {flips.undecided:,} flip points were not found within the solver's limit."
    if n_infinite := count(np.isinf(flips.nearest)):
        note += f" {n_infinite:,} images without any flip point are left out."
    columns = ("predicted class", *QUANTILE_NAMES, "hyperplane nearer", "usually across")
    table = Table("Distance to the nearest flip point", columns, note=note)
    for name, rows in _groups(study, found):
        across = flips.targets[rows & (flips.targets >= 0)]
        votes = np.bincount(across, minlength=len(names))
        usual = f"{names[votes.argmax()]} ({votes.max() / max(count(rows), 1):.1%})"
        nearer = share(count(flips.farther & rows), count(rows))
        usual = "-" if name == "all" or not len(across) else usual
        table.rows.append((name, *quantiles(flips.nearest[rows]), nearer, usual))
    return table


def flip_pair_table(study: Study, found: PartitionResult) -> Table:
    """Which other classes are near and far, in the median."""
    table = Table(
        "Flip distances by pair of classes",
        ("predicted class", "nearest class", "median", "farthest class", "median", "cannot become"),
        note="Medians over the images of a class of the distance to its boundary with another one. "
        "Cannot become: classes that tie with it at the top nowhere in the domain.",
    )
    flips, names = found.flips, study.split.names
    if flips.distances is None:
        return replace(table, note=table.note + LEFT_OUT)
    pairs = np.isfinite(flips.distances)
    farther = share(count(flips.pairs_farther & pairs), count(pairs))
    note = f"{table.note} {farther} of all these distances are larger than to the hyperplane."
    medians = flips.pair_medians(len(names))
    for c, name in enumerate(names):
        there = np.flatnonzero(np.isfinite(medians[c]))
        if not len(there):
            table.rows.append((name, *["-"] * 5))
            continue
        ends: list[str] = []
        for j in (there[medians[c, there].argmin()], there[medians[c, there].argmax()]):
            ends += [names[j], number(float(medians[c, j]))]
        never = [j for j in range(len(names)) if j != c and j not in there]
        table.rows.append((name, *ends, _named(names, never)))
    return replace(table, note=note)


def slice_table(study: Study, found: PartitionResult) -> Table:
    """Say what the planes of the slices go through and what they meet."""
    table = Table(
        "Slices of feature space",
        ("plane through", "class", "guaranteed ball", "class hull", "largest ball of the region"),
        note="Each plane goes through three points. Guaranteed ball: how far the features of the "
        "domain around the point are certain to be of its class, in the plane and out of it. Class "
        "hull and largest ball: whether the plane meets those of the class; in many dimensions a "
        "plane easily misses them.",
    )
    if not found.slices:
        note = " Left out: there are no three test images whose features are not on a line."
        return replace(table, note=table.note + note)
    for cut in found.slices:
        for name, c, radius in zip(cut.names, cut.classes.tolist(), cut.radii, strict=True):
            ball = "met" if c in cut.balls else "missed"
            cells = (number(float(radius)), hull_word(cut, c), ball)
            table.rows.append((name, study.split.names[c], *cells))
    return table


def _groups(study: Study, found: PartitionResult) -> list[tuple[str, _Bools]]:
    """All images that were looked at, then those of each predicted class, as (name, rows)."""
    return [(name, rows[found.scope.images]) for name, rows in groups(study)]


def _named(names: tuple[str, ...], chosen: list[int]) -> str:
    if not chosen:
        return "none"
    listed = ", ".join(names[j] for j in chosen[:_SHOWN_NAMES])
    more = len(chosen) - _SHOWN_NAMES
    return f"{listed} and {more} more" if more > 0 else listed
