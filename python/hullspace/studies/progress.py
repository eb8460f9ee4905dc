"""Progress bars of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hullspace.extras import require
from hullspace.facts import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Steps:
    """Bars for the steps of a study, shown while the context is entered."""

    def __init__(self, *, shown: bool) -> None:
        progress = require("rich.progress", "study")
        self._running: int | None = None
        self._bars: Any = progress.Progress(
            progress.TextColumn("{task.description:<32}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]:>9}"),
            progress.TimeRemainingColumn(elapsed_when_finished=True),
            disable=not shown,
            console=require("rich.console", "study").Console(stderr=True),
        )

    def __enter__(self) -> Steps:
        self._bars.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self._bars.__exit__(*details)

    def add(self, description: str, n_items: int) -> int:
        """Start a bar for a step that handles so many items."""
        return int(self._bars.add_task(description, total=n_items, rate=""))

    def finish(self, step: int) -> None:
        """Fill the bar of a step that one call handles."""
        self._bars.update(step, completed=self._bars.tasks[step].total)

    def follow(self, prefix: str) -> Callable[[str], None]:
        """Return what is called with the name of each step as it starts, the one before done."""

        def start(name: str) -> None:
            self.end()
            self._running = self.add(f"{prefix}: {name}", 1)

        return start

    def end(self) -> None:
        """Fill the bar of the last step that was followed."""
        if self._running is not None:
            self.finish(self._running)
            self._running = None

    def chunks(self, step: int, n_items: int, size: int = CHUNK) -> Iterator[slice]:
        """Yield slices of `size` that cover `n_items` items; the step's bar moves after each."""
        for first in range(0, n_items, size):
            last = min(first + size, n_items)
            yield slice(first, last)
            self._bars.update(step, advance=last - first)
            speed = self._bars.tasks[step].speed
            self._bars.update(step, rate=f"{speed:,.0f}/s" if speed else "")
