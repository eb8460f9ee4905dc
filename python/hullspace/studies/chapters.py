"""The chapters of a study: what each says, its tables and its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hullspace.studies import (
    hulls_report,
    linear_report,
    linear_tables,
    methods,
    partition_report,
    partition_tables,
    pixels_report,
    spaces_report,
    tables,
)
from hullspace.studies.plan import CHAPTER_PARTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from hullspace.studies.finding import Finding
    from hullspace.studies.pictures import Picture
    from hullspace.studies.result import Study
    from hullspace.studies.table import Table

    Findings = Callable[[Study], list[Finding]]
    Tables = Callable[[Study], dict[str, Table]]
    Pictures = Callable[[Study], dict[str, list[Picture]]]


@dataclass(frozen=True)
class Chapter:
    """A chapter of the report.

    Attributes
    ----------
    title : str
        Heads it.
    lead : str
        What it is about, in a sentence or two.
    findings : callable
        What was found, in sentences, the most important ones first.
    tables : callable
        The tables, by name, in the order of reading.
    pictures : callable
        The pictures, by the name of the table that they stand under.
    n_summary : int, default 1
        How many of the findings the summary repeats.
    """

    title: str
    lead: str
    findings: Findings
    tables: Tables
    pictures: Pictures
    n_summary: int = 1


CHAPTERS = {
    "data": Chapter(
        "Data and model",
        "What was studied, and how good it is at its task.",
        hulls_report.data_findings,
        tables.data_tables,
        hulls_report.data_pictures,
    ),
    "partition": Chapter(
        "The partition of feature space",
        "The last layer cuts feature space into one convex polyhedron for each class.",
        partition_report.partition_findings,
        partition_tables.partition_tables,
        partition_report.partition_pictures,
        n_summary=2,
    ),
    "guaranteed": Chapter(
        "Guaranteed regions",
        "A class's region is convex, so the whole hull of any of its features is certain to be of "
        "that class.",
        lambda study: [
            *partition_report.coverage_findings(study),
            *(hulls_report.class_findings(study) if study.hulls else []),
        ],
        lambda study: {
            **partition_tables.guaranteed_tables(study),
            **(tables.class_tables(study) if study.hulls else {}),
        },
        lambda study: {
            **partition_report.coverage_pictures(study),
            **(hulls_report.class_pictures(study) if study.hulls else {}),
        },
    ),
    "extrapolation": Chapter(
        "Extrapolation",
        "Inside the convex hull of the training set a test image is an interpolation of training "
        "images as far as the last layer can tell; outside, the model extrapolates.",
        hulls_report.extrapolation_findings,
        tables.extrapolation_tables,
        hulls_report.extrapolation_pictures,
        n_summary=2,
    ),
    "ambiguity": Chapter(
        "Ambiguity",
        "Where several classes tie for the largest logit, and images there.",
        lambda study: [
            *partition_report.ambiguity_findings(study),
            *pixels_report.tie_findings(study),
        ],
        lambda study: {
            **partition_tables.ambiguity_tables(study),
            **pixels_report.tie_tables(study),
        },
        lambda study: {
            **partition_report.ambiguity_pictures(study),
            **pixels_report.tie_pictures(study),
        },
    ),
    "adversarial": Chapter(
        "Adversarial vulnerability",
        "The nearest image where the answer changes lies between a radius in which that is proven "
        "to be impossible and the nearest change that a search found.",
        pixels_report.flip_findings,
        pixels_report.flip_tables,
        pixels_report.flip_pictures,
        n_summary=2,
    ),
    "morphing": Chapter(
        "Morphing",
        "From one image to another there is a straight way in pixels, and one on which the "
        "features go straight.",
        pixels_report.morph_findings,
        pixels_report.morph_tables,
        pixels_report.morph_pictures,
    ),
    "linear": Chapter(
        "Linear regions in image space",
        "A network of ReLU units is affine on each of many convex polyhedra.",
        linear_report.linear_findings,
        linear_tables.linear_tables,
        linear_report.linear_pictures,
    ),
    "spaces": Chapter(
        "Feature space against pixel space",
        "The same questions in pixels, wavelets, hidden layers and features, each with the "
        "controls that tell geometry from dimension.",
        spaces_report.space_findings,
        spaces_report.space_tables,
        spaces_report.space_pictures,
        n_summary=2,
    ),
    "methods": Chapter(
        "Methods and proofs",
        "How far the numbers can be relied on, and what it takes to get them again.",
        hulls_report.proof_findings,
        methods.method_tables,
        lambda _: {},
    ),
}

# Parts that a chapter is written without, where they are not there.
_OPTIONAL = {("guaranteed", "hulls"), ("ambiguity", "ties"), ("adversarial", "partition")}
_OPTIONAL |= {("guaranteed", "partition"), ("spaces", "adversarial")}


def written(study: Study) -> list[Chapter]:
    """Return the chapters for which there is enough, in the order of reading."""
    return [CHAPTERS[name] for name in study.chapters if not lacking(study, name)]


def lacking(study: Study, name: str) -> list[str]:
    """Return the parts without which a chapter cannot be written."""
    parts = CHAPTER_PARTS[name]
    lacks = [part for part in parts if getattr(study, part) is None]
    needed = [part for part in lacks if (name, part) not in _OPTIONAL]
    # Without any of its parts there is nothing to say, however little each is needed.
    return needed or (lacks if parts and len(lacks) == len(parts) else [])


def left_out(study: Study) -> list[tuple[str, str]]:
    """Return the chapters that were asked for and cannot be written, by reason: titles and why."""
    reasons: dict[str, list[str]] = {}
    for name in study.chapters:
        for part in lacking(study, name)[:1]:
            why = f"the study was interrupted at {study.interrupted}"
            if part in study.missing or study.interrupted is None:
                why = study.missing.get(part, "it was not looked for")
            reasons.setdefault(why, []).append(CHAPTERS[name].title)
    return [(", ".join(titles), why) for why, titles in reasons.items()]
