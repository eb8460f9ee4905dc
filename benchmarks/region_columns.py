"""What the peers add to the tables of the benchmark of linear regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import region_peers as peers
from region_problems import assert_same, rate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

# In wider slices through three images SplineCam asks for 25 GB at once.
SPLINECAM_WIDEST = 1.0
# Of a region of so many units relucent takes a minute.
RELUCENT_MOST_UNITS = 400


@dataclass(frozen=True)
class Setting:
    """What the command line asks for."""

    relucent: bool
    edge_subdivision: Path | None
    splinecam: Path | None
    splinecam_python: str
    peer_regions: int
    acas_limit: float
    nearest_limit: float
    images: int
    norm: float


def relucent_cells(s: Setting, layers: peers.Layers, radius: float | None, found: Any) -> list[str]:
    """Rate of relucent on its first regions."""
    if not s.relucent:
        return ["-"]
    other = peers.relucent_regions(layers, radius, s.peer_regions)
    if found is not None:
        assert_same(found, other, complete=other.n_regions < s.peer_regions)
    return [rate(other.n_regions, other.seconds)]


def edge_cells(s: Setting, layers: peers.Layers, found: Any) -> list[str]:
    """Rates of edge subdivision, without and with extraction; the best of three runs."""
    if s.edge_subdivision is None:
        return ["-", "-"]
    runs = [peers.edge_subdivision_regions(s.edge_subdivision, layers, 1.0) for _ in range(3)]
    assert_same(found, runs[0], complete=True)
    alone = min(run.seconds for run in runs)
    both = min(run.seconds + run.extraction for run in runs)
    return [rate(len(found), alone), rate(len(found), both)]


def relucent_region_cells(
    s: Setting, layers: peers.Layers, x: Floats, n_facets: int, seconds: float
) -> list[str]:
    """Seconds of relucent for one region, and how many times those of hullspace that is."""
    if not s.relucent or sum(map(len, layers.biases[:-1])) > RELUCENT_MOST_UNITS:
        return ["-", "-"]
    other = peers.relucent_region(layers, x)
    assert other.n_regions == n_facets, f"{n_facets} facets, relucent {other.n_regions}"
    return [f"{other.seconds:.1f}", f"{other.seconds / seconds:,.0f}"]


def splinecam_cells(
    s: Setting, layers: peers.Layers, plane: Floats, bounds: tuple[float, float]
) -> list[str]:
    """Count and rate of SplineCam, which closes cycles of a graph and may miss regions."""
    if s.splinecam is None or bounds[1] > SPLINECAM_WIDEST:
        return ["-", "-"]
    try:
        other = peers.splinecam_regions(s.splinecam_python, s.splinecam, layers, plane, bounds)
    except RuntimeError as error:
        print(f"SplineCam, coordinates in {bounds}: {error}")
        return ["failed", "-"]
    return [f"{other.n_regions:,}", rate(other.n_regions, other.seconds)]


def count_or_error(action: Callable[[], int]) -> str:
    """Count, or name what was raised: whatever a peer raises is its answer."""
    try:
        return f"{action():,}"
    except Exception as error:  # noqa: BLE001
        return type(error).__name__


def peers_counts(s: Setting, layers: peers.Layers) -> list[str]:
    """Count with all peers in [-1, 1]^2."""

    def edge(checkout: Path) -> int:
        return peers.edge_subdivision_regions(checkout, layers, 1.0).n_regions

    def spline(checkout: Path) -> int:
        plane = np.eye(2, 3)
        found = peers.splinecam_regions(s.splinecam_python, checkout, layers, plane, (-1.0, 1.0))
        return found.n_regions

    asked: list[Callable[[], int] | None] = [
        None if s.edge_subdivision is None else lambda: edge(s.edge_subdivision),
        (lambda: peers.relucent_regions(layers, 1.0).n_regions) if s.relucent else None,
        None if s.splinecam is None else lambda: spline(s.splinecam),
    ]
    return ["-" if action is None else count_or_error(action) for action in asked]
