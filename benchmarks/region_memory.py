"""Bytes that regions take, for the table `memory` of regions.py, in a process of its own.

Usage: ``python benchmarks/region_memory.py WIDTH ...`` for a network of these widths.
Linux only: what is resident, and the most of it so far, come from /proc.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import hullspace
from region_peers import default_layers
from region_problems import network_of

if TYPE_CHECKING:
    from collections.abc import Callable

PROCESS = Path("/proc/self")
# Regions of a batch where none are kept.
BATCH = 4096


def resident(what: str = "VmRSS") -> int:
    """Bytes of this process in memory: now, or with "VmHWM" at most so far."""
    lines = (PROCESS / "status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(what))


def most_of(action: Callable[[], object]) -> tuple[object, int, int]:
    """Return what an action returns, the bytes that stay, and those at most on the way."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    (PROCESS / "clear_refs").write_text("5")  # the most so far is forgotten
    before = resident()
    result = action()
    most = resident("VmHWM") - before
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return result, resident() - before, most


def main() -> None:
    """Print regions, and bytes: pattern and point, all that stays, at most, at most in batches."""
    network, box = network_of(default_layers([int(width) for width in sys.argv[1:]])), (-1.0, 1.0)
    hullspace.enumerate_regions(network, box, n_threads=1, max_regions=2 * BATCH)

    def streamed() -> int:
        batches = hullspace.iterate_regions(network, box, batch_size=BATCH, n_threads=1)
        return sum(len(patterns) for patterns, _ in batches)

    def kept() -> hullspace.RegionComplex:
        return hullspace.enumerate_regions(network, box, n_threads=1)

    count, _, on_the_way = most_of(streamed)
    found, stays, most = most_of(kept)
    assert count == len(found), f"{count} regions in batches, {len(found)} at once"
    row = found.patterns[0].nbytes + found.interior_points[0].nbytes
    print(count, row, stays, most, on_the_way)


if __name__ == "__main__":
    main()
