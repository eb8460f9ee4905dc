"""How far the numbers can be relied on: proofs, tolerances, versions, seeds, timings."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import numpy as np

import hullspace
from hullspace.status import Proof, Status
from hullspace.studies.knowledge import DOMAIN
from hullspace.studies.table import Table, count, number, share

if TYPE_CHECKING:
    import numpy.typing as npt

    from hullspace.studies.chapters.extrapolation.find import HullResult
    from hullspace.studies.chapters.partition.find import PartitionResult
    from hullspace.studies.result import Study

_PACKAGES = ("hullspace", "numpy", "scipy", "torch", "onnxruntime", "scikit-learn", "matplotlib")


def tabulate(study: Study) -> dict[str, Table]:
    """Make the tables about the study itself."""
    return {
        "proofs": proof_table(study),
        "searches": search_table(study),
        "settings": settings_table(study),
        "timings": timing_table(study),
    }


def proof_table(study: Study) -> Table:
    """Count verdicts that are proven, and those that are not."""
    table = Table(
        "Verdicts and their proofs",
        ("verdict", "number", "certificate checked", "exact", "undecided"),
        note="Certificate checked: by code that shares nothing with the solver, with rounding "
        "bounded. Exact: decided with tolerance zero, every number taken for the binary fraction "
        "that it is.",
    )
    if study.hulls is not None:
        table.rows.extend(_hulls(study))
    found = study.partition
    if found is not None:
        table.rows.extend(_partition(found))
    if study.linear is not None:
        table.rows.append(_checked("regions on a straight way", study.linear.ways.checked))
    return table


def _partition(found: PartitionResult) -> list[tuple[str, ...]]:
    """Count what is said of the partition."""
    flips = _checked("nearest flip point", found.flips.checked)
    rows = [(*flips[:-1], f"{found.flips.undecided:,}")]
    rows.append(_checked("largest ball of a region", found.balls_checked))
    if found.adjacency_checked is not None:
        upper = np.triu_indices(len(found.balls_checked), 1)
        rows.append(_checked("facet between two regions, or none", found.adjacency_checked[upper]))
    rows.append(_checked("place in the guaranteed region of its class", found.coverage_checked))
    for k, checked in found.ambiguity_checked.items():
        rows.append(_checked(f"distance to a tie of {k} classes", checked))
    return rows


def _hulls(study: Study) -> list[tuple[str, ...]]:
    """Count what is said of hulls."""
    training, classes = study.training, study.classes
    rows: list[tuple[str, ...]] = []
    for name, hull in (("training hull", training), ("class hull", classes.own)):
        rows.append((f"membership in the {name}", *_counts(hull)))
        rows.append(_checked(f"distance to the {name}", hull.checked))
    rows.append(_checked("gauge of the training hull", training.gauge_checked))
    if training.extreme_checked is not None:
        rows.append(
            _checked("extreme point of the training hull, or none", training.extreme_checked)
        )
    upper = np.triu(np.isfinite(classes.pair_distances), 1)
    rows.append(_checked("distance of two class hulls", classes.pair_checked[upper]))
    return rows


def _checked(name: str, checked: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    n = len(checked)
    return name, f"{n:,}", share(count(checked), n), "-", "-"


def _counts(hull: HullResult) -> tuple[str, str, str, str]:
    n, exact = len(hull.status), count(hull.exact != Proof.UNPROVEN)
    return f"{n:,}", share(count(hull.proven), n), share(exact, n), f"{count(hull.undecided):,}"


def search_table(study: Study) -> Table:
    """Count searches that reached what they looked for."""
    table = Table(
        "Searches in pixel space",
        ("search", "started", "reached"),
        note="What a search reached is real: the model was asked. What it did not reach may exist "
        "all the same.",
    )
    if study.adversarial is not None:
        for name, flips in study.adversarial.flips.items():
            reached = count(flips.status == Status.REACHED)
            row = (f"flip, {name}", f"{len(flips.status):,}", share(reached, len(flips.status)))
            table.rows.append(row)
    for k, tie in ({} if study.ties is None else study.ties.by_number).items():
        n, reached = len(tie.rows), count(tie.found.status == Status.REACHED)
        table.rows.append((f"image that ties {k} classes", f"{n:,}", share(reached, n)))
    return table


def settings_table(study: Study) -> Table:
    """List what it takes to get the same numbers again."""
    build, settings = hullspace.build_info(), study.settings
    rows = [
        ("tolerance", f"{settings.tolerance:g} of each hull's scale"),
        ("random state", f"{settings.random_state}"),
        ("domain", DOMAIN),
        ("threads", f"{settings.n_threads or build['threads']}"),
        ("instruction set", str(build["instruction_sets"]["used"])),
        ("machine", f"{platform.machine()}, {platform.system()}"),
        ("Python", platform.python_version()),
    ]
    if study.subject.space is not None:
        rows.insert(3, ("sample", f"{settings.sample} test images for searches in pixel space"))
    for package in _PACKAGES:
        try:
            rows.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return Table("Settings and versions", ("what", "value"), list(rows))


def timing_table(study: Study) -> Table:
    """List how long each part took."""
    total = study.total_seconds
    rows = [
        (name, f"{seconds:.1f} s", f"{seconds / total:.0%}" if total else "-")
        for name, seconds in study.seconds.items()
    ]
    note = f"In all {number(total)} s."
    return Table("Timings", ("part", "time", "share"), [*rows], note)
