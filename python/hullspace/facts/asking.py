"""How questions are put: to what tolerance, on how many threads, with what progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from hullspace.hull import DEFAULT_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterator

# Queries that one call of the core answers: enough for full speed, few enough for a steady bar.
CHUNK = 1000


class Progress(Protocol):
    """Shows how far the steps of a longer work are."""

    def add(self, description: str, n_items: int) -> int:
        """Start a step that handles so many items; return its number."""

    def chunks(self, step: int, n_items: int, size: int = CHUNK) -> Iterator[slice]:
        """Yield slices of `size` that cover `n_items` items of a step, which moves on."""

    def finish(self, step: int) -> None:
        """Say that a step is done which one call handles."""


class Silent:
    """Progress that nobody sees."""

    def add(self, description: str, n_items: int) -> int:
        """Return 0: all steps are the same."""
        return 0

    def chunks(self, step: int, n_items: int, size: int = CHUNK) -> Iterator[slice]:
        """Yield slices of `size` that cover `n_items` items."""
        for first in range(0, n_items, size):
            yield slice(first, min(first + size, n_items))

    def finish(self, step: int) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Asking:
    """What goes along with every question.

    Attributes
    ----------
    tolerance, n_threads
        For every call of the core.
    progress : Progress
        Of what takes long.
    """

    tolerance: float = DEFAULT_TOLERANCE
    n_threads: int | None = None
    progress: Progress = field(default_factory=Silent)
