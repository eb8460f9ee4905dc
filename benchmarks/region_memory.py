"""Bytes that regions take, for the table `memory` of regions.py: run in a process of its own."""

from __future__ import annotations

import ctypes
import gc
import resource
from pathlib import Path

import hullspace
from region_peers import default_layers
from region_problems import MANY, network_of


def resident() -> int:
    """Bytes of this process in memory (Linux)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak() -> int:
    """Most bytes of this process in memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Print regions, and bytes for each: pattern and point, kept, and at most."""
    network = network_of(default_layers(MANY))
    hullspace.enumerate_regions(network, (-1.0, 1.0), n_threads=1, max_regions=1000)
    before = resident()
    found = hullspace.enumerate_regions(network, (-1.0, 1.0), n_threads=1)
    after, most = resident(), peak()
    row = found.patterns[0].nbytes + found.interior_points[0].nbytes
    print(len(found), row, (after - before) / len(found), (most - before) / len(found))


if __name__ == "__main__":
    main()
