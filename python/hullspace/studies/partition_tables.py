"""The tables of the partition chapter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.status import Status
from hullspace.studies.partition import MOST_CLASSES
from hullspace.studies.table import QUANTILE_NAMES, Table, count, groups, number, quantiles, share
from hullspace.studies.tables import boundary_table

if TYPE_CHECKING:
    from hullspace.studies.partition import PartitionResult
    from hullspace.studies.result import Study
    from hullspace.studies.slices import Slice

_Bools = npt.NDArray[np.bool_]

# Images that are listed and drawn for each kind of tie.
SHOWN_IMAGES = 10
# Names that a cell has room for.
_SHOWN_NAMES = 4
_LEFT_OUT = (
    f" Left out: the work for all pairs and triples of classes is done up to {MOST_CLASSES} "
    "classes, and for fewer where there are many features."
)


def partition_tables(study: Study) -> dict[str, Table]:
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


def guaranteed_tables(study: Study) -> dict[str, Table]:
    """Make the table of the guaranteed regions."""
    found = study.partition
    return {} if found is None else {"guaranteed": guaranteed_table(study, found)}


def ambiguity_tables(study: Study) -> dict[str, Table]:
    """Make the tables of the ties in feature space."""
    found = study.partition
    if found is None:
        return {}
    return {
        "ambiguity": ambiguity_table(study, found),
        "ambiguous": ambiguous_table(study, found),
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
        "domain is the range of the training and test features, each widened by 10% on either "
        "side, as beyond it there is nothing to say about images."
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
        return replace(table, note=table.note + _LEFT_OUT)
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
        return replace(table, note=table.note + _LEFT_OUT)
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


def guaranteed_table(study: Study, found: PartitionResult) -> Table:
    """How many test images are in the regions guaranteed their classes."""
    coverage, regions = found.coverage, found.guaranteed
    assert coverage.uncertified is not None  # noqa: S101 - it was asked for
    beyond = coverage.uncertified
    unknown = np.full(len(study.split.names), np.nan)
    purity = unknown if regions.purity is None else regions.purity
    table = Table(
        "Guaranteed regions",
        ("class", "training images", "of the class", "test images", "inside",
         "median distance of those outside", "largest"),
        note="The guaranteed region of a class is the convex hull of the training features that "
        "the network puts in it: all of it has the largest logit there. Of the class: share of "
        "those training images that are labelled so. Inside: test images of the true class in its "
        f"guaranteed region. Of {beyond.n_samples:,} points drawn uniformly from the domain, "
        f"{beyond.values[0]:.1%} lie in no guaranteed region.",
    )  # fmt: skip
    n_points = regions.n_points
    pure = np.nan
    if np.isfinite(purity).any():
        pure = float(np.nansum(purity * n_points) / max(int(n_points.sum()), 1))
    everyone = np.ones(len(coverage.classes), dtype=bool)
    rows = [("all", int(n_points.sum()), pure, everyone)]
    for c, name in enumerate(study.split.names):
        rows.append((name, int(n_points[c]), float(purity[c]), coverage.classes == c))
    for name, n_train, of_class, members in rows:
        inside = count(coverage.inside & members)
        distances = coverage.distances[members & ~coverage.inside & np.isfinite(coverage.distances)]
        ends = [np.median(distances), distances.max()] if len(distances) else [np.nan] * 2
        shown = f"{of_class:.1%}" if np.isfinite(of_class) else "-"
        cells = (shown, f"{count(members):,}")
        numbers = (number(float(value)) for value in ends)
        table.rows.append((name, f"{n_train:,}", *cells, share(inside, count(members)), *numbers))
    return table


def ambiguity_table(study: Study, found: PartitionResult) -> Table:
    """Quantiles of the distances to ties of two and of three classes."""
    table = Table(
        "Ambiguity",
        ("test images", *QUANTILE_NAMES),
        note="Quantiles of the distance to the nearest feature in the domain where so many classes "
        "tie for the largest logit. Small is ambiguous.",
    )
    everyone = np.ones(len(study.split.test), dtype=bool)
    outcomes = [
        (name, rows[found.scope.images]) for name, rows in (("all", everyone), *study.outcomes())
    ]
    for k, ambiguity in found.ambiguity.items():
        for name, rows in outcomes:
            label = f"{name}, {k} classes"
            table.rows.append((label, *quantiles(ambiguity.distances[rows])))
    return table if table.rows else replace(table, note=table.note + _LEFT_OUT)


def ambiguous_table(study: Study, found: PartitionResult) -> Table:
    """List the most ambiguous test images."""
    table = Table(
        "Ambiguous images",
        ("tie of", "test image", "is", "network says", "tie between", "distance"),
        note="The test images nearest to a tie of two and of three classes, which need not be the "
        "predicted one and others.",
    )
    names, test = study.split.names, study.split.test
    for k, ambiguity in found.ambiguity.items():
        for row in ambiguity.most_ambiguous(SHOWN_IMAGES):
            i = found.scope.images[row]
            between = ", ".join(names[c] for c in ambiguity.classes[row])
            truth = "-" if test.labels is None else names[test.labels[i]]
            says = (truth, names[test.predictions[i]])
            distance = number(float(ambiguity.distances[row]))
            table.rows.append((f"{k} classes", f"{i:,}", *says, between, distance))
            table.images.append(int(i))
    return table if table.rows else replace(table, note=table.note + _LEFT_OUT)


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


def hull_word(cut: Slice, c: int) -> str:
    """Say whether a slice's plane meets the hull of a class."""
    words = {Status.INSIDE: "met", Status.OUTSIDE: "missed"}
    return words.get(cut.hull_status.get(c, Status.OUTSIDE), "undecided")


def _groups(study: Study, found: PartitionResult) -> list[tuple[str, _Bools]]:
    """All images that were looked at, then those of each predicted class, as (name, rows)."""
    return [(name, rows[found.scope.images]) for name, rows in groups(study)]


def _named(names: tuple[str, ...], chosen: list[int]) -> str:
    if not chosen:
        return "none"
    listed = ", ".join(names[j] for j in chosen[:_SHOWN_NAMES])
    more = len(chosen) - _SHOWN_NAMES
    return f"{listed} and {more} more" if more > 0 else listed
