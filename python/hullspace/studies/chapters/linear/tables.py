"""The tables of the linear regions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hullspace.studies.table import QUANTILE_NAMES, Table, count, number, quantiles, share

if TYPE_CHECKING:
    from hullspace.studies.chapters.linear.find import LinearResult, WayResult
    from hullspace.studies.chapters.linear.plane import PlaneResult
    from hullspace.studies.result import Study

NORMS = ("2-norm", "largest norm")


def tabulate(study: Study) -> dict[str, Table]:
    """Make the tables of the linear regions, by name; none without a network."""
    found = study.linear
    if found is None:
        return {}
    return {
        "linear slice": slice_table(study, found),
        "linear ways": way_table(study, found),
        "linear radii": radius_table(found),
    }


def slice_table(study: Study, found: LinearResult) -> Table:
    """Say what the plane through three images goes through, and how many regions are there."""
    table = Table(
        "Linear regions in a plane",
        ("class", "regions", "share of the area"),
        note="The plane goes through three test images of different classes that are predicted "
        "right, with margins near the median. A linear region is a part of image space on which "
        "the network is affine.",
    )
    plane, names = found.plane, study.split.names
    if plane is None:
        none = " Left out: there are no three such images that span a plane."
        return replace(table, note=table.note + none)
    cut = plane.cut
    groups = [("all", np.ones(len(cut), dtype=bool))]
    groups += [(name, cut.labels == c) for c, name in enumerate(names)]
    groups.append(("several classes", cut.labels < 0))
    total = float(np.ptp(plane.part, axis=1).prod())
    for name, rows in groups:
        if rows.any():
            area = f"{float(cut.volumes[rows].sum()) / total:.1%}"
            table.rows.append((name, f"{count(rows):,}", area))
    return replace(table, note=table.note + _what_is_shown(plane))


def _what_is_shown(plane: PlaneResult) -> str:
    """Say which part of the plane is shown, and whether all of its regions are."""
    note = ""
    if not plane.whole:
        widths = [float(np.ptp(side[0])) for side in (plane.part, plane.window)]
        note += (
            f" There are too many regions to draw them all: these are the ones in a square of side "
            f"{number(widths[0])}, around a point of the decision boundary with a third class "
            f"near; the three images are in a window {number(widths[1])} wide, in which the "
            "class was measured on a grid of "
            f"{plane.grid.shape[0]} x {plane.grid.shape[1]} points."
        )
    if plane.complete:
        note += (
            " Regions, classes and decision boundary are exact but for rounding in the "
            f"coordinates, and none is left out: their areas, measured, add up to "
            f"{plane.covered:.6%} of what is shown."
        )
    else:
        note += (
            f" Incomplete: a limit was reached, or rounding left {len(plane.cut.too_thin):,} cells "
            f"undecided; the regions found cover {plane.covered:.1%} of what is shown."
        )
    return note


def way_table(study: Study, found: LinearResult) -> Table:
    """How many regions and changes of class lie on the ways between images."""
    ways, names, plane = found.ways, study.split.names, found.plane
    note = (
        "Straight ways between test images: regions crossed and changes of the class, exact but "
        "for rounding. First those between the images of the plane, then medians over pairs of "
        "images that the network puts in one class, and in two."
    )
    if len(ways.pairs) < ways.n_planned:
        note += (
            f" The time limit was reached: {len(ways.pairs):,} of {ways.n_planned:,} pairs were "
            "looked at."
        )
    stopped = count(~ways.reached) + sum(not walk.complete for walk in ways.sides)
    if stopped:
        note += f" {stopped:,} ways are too long and were left at a limit of breakpoints."
    table = Table(
        "Ways between images",
        ("way", "pairs", "distance", "regions crossed", "regions per unit", "changes of class"),
        note=note,
    )
    if plane is not None:
        for (i, j), walk in zip(((0, 1), (0, 2), (1, 2)), ways.sides, strict=True):
            name = f"{names[plane.classes[i]]} to {names[plane.classes[j]]}"
            length = float(np.linalg.norm(walk.stop - walk.start)) * walk.end
            regions, changes = walk.n_regions, len(walk.class_changes)
            cells = (number(length), f"{regions:,}", number(regions / length), f"{changes:,}")
            table.rows.append((name, "1", *cells))
    for name, rows in (("within a class", ways.same), ("between classes", ~ways.same)):
        table.rows.append((name, *way_medians(ways, rows & ways.reached)))
    return table


def way_medians(ways: WayResult, rows: np.ndarray) -> tuple[str, ...]:
    """Format the medians over some pairs."""
    if not rows.any():
        return ("0", "-", "-", "-", "-")
    lengths, regions, changes = ways.lengths[rows], ways.n_regions[rows], ways.n_changes[rows]
    dense = np.divide(regions, lengths, where=lengths > 0.0, out=np.full(len(lengths), np.nan))
    finite = dense[np.isfinite(dense)]
    middle = [float(np.median(v)) for v in (lengths, finite if len(finite) else dense, changes)]
    crossed = f"{np.median(regions):,.0f}"
    return (f"{count(rows):,}", number(middle[0]), crossed, *map(number, middle[1:]))


def radius_table(found: LinearResult) -> Table:
    """Quantiles of the radii around images."""
    radii, columns = found.radii, ("radius", *QUANTILE_NAMES)
    if not radii.n_planned:
        note = (
            f"Left out: the network has {found.network.n_hidden:,} units, and over so many the "
            "bounds of rounding errors outgrow the radii."
        )
        return Table("Certified radii", columns, note=note)
    note = (
        f"Quantiles over {len(radii.images):,} test images of how far around an image, in image "
        "space, the network is certainly affine, and its class certainly the same within the "
        "image's linear region. Proven: the radii are rounded down and hold in exact arithmetic. "
        "The class may be certain much farther out, in other regions."
    )
    if len(radii.images) < radii.n_planned:
        note += f" The time limit was reached: {radii.n_planned:,} images were planned."
    ended = count(radii.class_[:, 0] < radii.affine[:, 0])
    note += (
        f" Around {share(ended, len(radii.images))} of them the class ends the ball in the 2-norm, "
        "not the region."
    )
    table = Table("Certified radii", columns, note=note)
    for what, values in (("affine", radii.affine), ("same class", radii.class_)):
        for k, norm in enumerate(NORMS):
            table.rows.append((f"{what}, {norm}", *quantiles(values[:, k])))
    return table
