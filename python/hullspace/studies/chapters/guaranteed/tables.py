"""The tables of the guaranteed regions and of the class hulls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.studies.table import Table, count, distance_table, groups, number, share

if TYPE_CHECKING:
    from hullspace.studies.chapters.partition.find import PartitionResult
    from hullspace.studies.result import Study


def tabulate(study: Study) -> dict[str, Table]:
    """Make the tables of what there is."""
    made: dict[str, Table] = {}
    if study.partition is not None:
        made["guaranteed"] = guaranteed_table(study, study.partition)
    return made | (class_tables(study) if study.hulls is not None else {})


def class_tables(study: Study) -> dict[str, Table]:
    """Make the tables of the test images and the hulls of classes."""
    own = study.classes.own
    named = "the hull of the predicted class"
    return {
        "class distances": distance_table(study, named, own.distances, own.gaps),
        "nearest": nearest_table(study),
        "pairs": pair_table(study),
    }


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


def nearest_table(study: Study) -> Table:
    """Compare the nearest class hull with the network's prediction."""
    table = Table(
        "Nearest class hull against the network's prediction",
        ("test images", "number", "agree", "differ", "undecided"),
        note="Undecided: two class hulls are equally near, within the gaps.",
    )
    nearest, predictions = study.classes.nearest, study.split.test.predictions
    everyone, *classes = groups(study)
    named = [(f"predicted {name}", rows) for name, rows in classes]
    for name, rows in (everyone, *study.outcomes(), *named):
        n = count(rows)
        agree = count((nearest == predictions)[rows])
        undecided = count((nearest == -1)[rows])
        counts = (share(agree, n), share(n - agree - undecided, n), f"{undecided:,}")
        table.rows.append((name, f"{n:,}", *counts))
    return table


def pair_table(study: Study) -> Table:
    """Say how far the class hulls are from each other."""
    table = Table(
        "Class hulls against each other",
        ("class", "training images", "nearest other class", "distance", "disjoint from"),
        note="Distance of the hulls of the training features that the network predicts as each "
        "class. Disjoint: a hyperplane is verified to separate them.",
    )
    classes, names = study.classes, study.split.names
    others = ~np.eye(len(names), dtype=bool) & np.isfinite(classes.pair_distances)
    distances = np.where(others, classes.pair_distances, np.inf)
    for c, name in enumerate(names):
        n_others = count(others[c])
        nearest = names[int(distances[c].argmin())] if n_others else "-"
        disjoint = f"{count(classes.disjoint[c] & others[c])} of {n_others}"
        size, distance = f"{classes.sizes[c]:,}", number(float(distances[c].min(initial=np.inf)))
        table.rows.append((name, size, nearest, distance, disjoint))
    return table
