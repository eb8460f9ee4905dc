"""What a study says in sentences, each with how far it can be relied on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Basis(StrEnum):
    """What a statement rests on."""

    PROVEN = "proven"
    """Every verdict behind it was checked by code apart from the solver, or is exact."""
    MEASURED = "measured"
    """A statistic of this sample, right to rounding; another sample would give another number."""
    HEURISTIC = "heuristic"
    """A search found it: what was found is real, what was not found may exist all the same."""


@dataclass(frozen=True)
class Finding:
    """A sentence for the reader.

    Attributes
    ----------
    text : str
        The sentence, with its numbers.
    basis : Basis
        What it rests on.
    """

    text: str
    basis: Basis

    def __str__(self) -> str:
        return f"{self.text} [{self.basis}]"


def proven(text: str) -> Finding:
    """Return a sentence whose verdicts are proven."""
    return Finding(text, Basis.PROVEN)


def settled(text: str, checked: bool) -> Finding:
    """Return a sentence that is proven if all the verdicts behind it passed the check."""
    return proven(text) if checked else measured(text)


def measured(text: str) -> Finding:
    """Return a sentence about a sample."""
    return Finding(text, Basis.MEASURED)


def heuristic(text: str) -> Finding:
    """Return a sentence about what a search found."""
    return Finding(text, Basis.HEURISTIC)
