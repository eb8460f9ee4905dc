"""The chapters of a study, and the parts of its result that each is written from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# In the order of reading.
CHAPTER_PARTS: dict[str, tuple[str, ...]] = {
    "data": (),
    "partition": ("partition",),
    "guaranteed": ("hulls", "partition"),
    "extrapolation": ("hulls",),
    "ambiguity": ("partition", "ties"),
    "adversarial": ("partition", "adversarial"),
    "morphing": ("morphing",),
    "linear": ("linear",),
    "spaces": ("adversarial", "spaces"),
    "methods": (),
}


def chosen_chapters(names: Iterable[str] | None) -> tuple[str, ...]:
    """Return the chapters asked for in the order of reading; ValueError if one is not known."""
    if names is None:
        return tuple(CHAPTER_PARTS)
    asked = (names,) if isinstance(names, str) else tuple(names)
    unknown = [name for name in asked if name not in CHAPTER_PARTS]
    if unknown or not asked:
        given = ", ".join(unknown) or "none"
        raise ValueError(f"chapters must be some of {', '.join(CHAPTER_PARTS)}; got {given}")
    return tuple(name for name in CHAPTER_PARTS if name in asked)
