"""Going on with a search until a limit, with progress shown and checkpoints written meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

import numpy as np

from hullspace.arguments import as_threads, require_count
from hullspace.extras import require
from hullspace.regions.found import write

if TYPE_CHECKING:
    from os import PathLike

    from hullspace.regions.search import RegionSearch

_NO_LIMIT = 2**62
# Seconds of a step of the search, after which progress is shown; of those between checkpoints.
_STEP, _BETWEEN = 0.5, 5.0
# Writing checkpoints takes at most this share of the time.
_WRITING = 0.05


def search_on(
    search: RegionSearch,
    *,
    max_regions: int | None,
    time_limit: float | None,
    n_threads: int | None,
    checkpoint: str | PathLike[str] | None,
    progress: bool,
) -> BaseException | None:
    """Search until it is complete or a limit is reached; arguments as in `enumerate_regions`.

    Returns
    -------
    exception or None
        What a signal handler raised meanwhile, which ended the search, too.
    """
    if max_regions is not None:
        require_count(max_regions, "max_regions")
    if time_limit is not None:
        _require_seconds(time_limit)
    threads = as_threads(n_threads)
    most = _NO_LIMIT if max_regions is None else max_regions
    end = np.inf if time_limit is None else time.monotonic() + time_limit
    longest = _STEP if progress or checkpoint is not None else np.inf
    raised = None
    with _Watcher(search, checkpoint, progress=progress) as watcher:
        while raised is None and len(search.frontier) and search.found.n_regions < most:
            left = end - time.monotonic()
            if left <= 0.0:
                break
            raised = search.step(most - search.found.n_regions, min(left, longest), threads)
            watcher.look()
    return raised


def _require_seconds(time_limit: float) -> None:
    number = isinstance(time_limit, int | float | np.integer | np.floating)
    if not number or isinstance(time_limit, bool):
        raise TypeError(f"time_limit must be a number of seconds, got {time_limit!r}")
    if not time_limit >= 0.0:
        raise ValueError(f"time_limit must be at least 0, got {time_limit}")


class _Watcher:
    """Shows progress, and writes a search to a file from time to time and at the end."""

    def __init__(
        self, search: RegionSearch, path: str | PathLike[str] | None, *, progress: bool
    ) -> None:
        self._search = search
        self._path = path
        self._bar = require("tqdm", "torch").tqdm(unit=" regions") if progress else None
        self._due = time.monotonic() + _BETWEEN

    def __enter__(self) -> Self:
        return self

    def look(self) -> None:
        if self._bar is not None:
            self._bar.n = self._search.found.n_regions
            self._bar.set_postfix(open=len(self._search.frontier))
        if time.monotonic() >= self._due:
            self._write()

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        self._write()

    def _write(self) -> None:
        start = time.monotonic()
        if self._path is not None:
            write(self._path, self._search.to_arrays())
        self._due = time.monotonic() + max(_BETWEEN, (time.monotonic() - start) / _WRITING)
