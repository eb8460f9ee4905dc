"""The chapters of a study, each in a folder of its own.

In a chapter's folder ``find.py`` computes, ``say.py`` puts in sentences what was found,
``tables.py`` tabulates it and ``draw.py`` draws it; ``CHAPTER`` in its ``__init__.py`` holds these
together. A new chapter is a folder, and a line below.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hullspace.studies.chapters.chapter import Chapter
    from hullspace.studies.result import Study

# In the order of reading.
_NAMES = (
    "data",
    "partition",
    "guaranteed",
    "extrapolation",
    "ambiguity",
    "adversarial",
    "morphing",
    "linear",
    "spaces",
    "methods",
)
CHAPTERS: dict[str, Chapter] = {
    name: import_module(f"{__name__}.{name}").CHAPTER for name in _NAMES
}


def chosen_chapters(names: Iterable[str] | None) -> tuple[str, ...]:
    """Return the chapters asked for in the order of reading; ValueError if one is not known."""
    if names is None:
        return tuple(CHAPTERS)
    asked = (names,) if isinstance(names, str) else tuple(names)
    unknown = [name for name in asked if name not in CHAPTERS]
    if unknown or not asked:
        given = ", ".join(unknown) or "none"
        raise ValueError(f"chapters must be some of {', '.join(CHAPTERS)}; got {given}")
    return tuple(name for name in CHAPTERS if name in asked)


def finders(names: Iterable[str]) -> list[Chapter]:
    """Return the chapters that find what those of these names are written from."""
    asked = [CHAPTERS[name] for name in names]
    wanted = {result for chapter in asked for result in (*chapter.needed, *chapter.uses)}
    return [chapter for chapter in CHAPTERS.values() if chapter.finds in wanted]


def written(study: Study) -> dict[str, Chapter]:
    """Return the chapters for which there is enough, in the order of reading."""
    asked = {name: CHAPTERS[name] for name in study.chapters}
    return {name: chapter for name, chapter in asked.items() if not chapter.missing(study.results)}


def left_out(study: Study) -> list[tuple[str, str]]:
    """Return the chapters that were asked for and cannot be written, by reason: titles and why."""
    reasons: dict[str, list[str]] = {}
    for chapter in (CHAPTERS[name] for name in study.chapters):
        for result in chapter.missing(study.results)[:1]:
            why = f"the study was interrupted at {study.interrupted}"
            if result in study.missing or study.interrupted is None:
                why = study.missing.get(result, "it was not looked for")
            reasons.setdefault(why, []).append(chapter.title)
    return [(", ".join(titles), why) for why, titles in reasons.items()]
