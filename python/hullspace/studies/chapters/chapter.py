"""What a chapter is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hullspace.studies.finding import Finding
    from hullspace.studies.knowledge import Knowledge
    from hullspace.studies.pictures import Picture
    from hullspace.studies.result import Study
    from hullspace.studies.table import Table

    Say = Callable[[Study], list[Finding]]
    Tabulate = Callable[[Study], dict[str, Table]]
    Draw = Callable[[Study], dict[str, list[Picture]]]
    Find = Callable[[Knowledge], Any]
    Lacks = Callable[[Knowledge], str | None]


@dataclass(frozen=True)
class Chapter:
    """A chapter of a study.

    Attributes
    ----------
    title : str
        Heads it.
    lead : str
        What it is about, in a sentence or two.
    say : callable
        What was found, in sentences, the most important ones first.
    tabulate : callable
        The tables, by name, in the order of reading.
    draw : callable
        The pictures, by the name of the table that they stand under.
    n_summary : int, default 1
        How many of the findings the summary repeats.
    finds : str
        Name, in `Study.results`, of what the chapter finds; empty if it finds nothing itself.
    find : callable
        Finds it.
    lacks : callable
        Says why it cannot be found; None if it can.
    needs : tuple of str, optional
        The results without which it cannot be written; by default what it finds itself.
    uses : tuple of str
        Results that it tells of where they are there. Without needs, one of them must be.
    """

    title: str
    lead: str
    say: Say = lambda _: []
    tabulate: Tabulate = lambda _: {}
    draw: Draw = lambda _: {}
    n_summary: int = 1
    finds: str = ""
    find: Find = lambda _: None
    lacks: Lacks = lambda _: None
    needs: tuple[str, ...] | None = None
    uses: tuple[str, ...] = ()

    @property
    def needed(self) -> tuple[str, ...]:
        """The results without which it cannot be written."""
        if self.needs is not None:
            return self.needs
        return (self.finds,) if self.finds else ()

    def missing(self, results: Mapping[str, Any]) -> list[str]:
        """Return the results that are not there and without which it cannot be written."""
        lacks = [name for name in self.needed if results.get(name) is None]
        if self.needed or not self.uses:
            return lacks
        # Without any of them there is nothing to say, however little each is needed.
        there = any(results.get(name) is not None for name in self.uses)
        return [] if there else list(self.uses)


def needs_pixels(known: Knowledge) -> str | None:
    """Say what a chapter about pixel space lacks."""
    return None if known.subject.space is not None else "that needs the model and its images"
