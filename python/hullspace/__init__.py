"""Exact, provable geometry of the feature space that a neural network has learned.

The names below load on first use, so that ``import hullspace`` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hullspace import _core

if TYPE_CHECKING:
    from hullspace import (
        certificates,
        comparison,
        datasets,
        features,
        hull,
        partition,
        pixels,
        polyhedron,
        regions,
        studies,
    )
    from hullspace._device import devices
    from hullspace.class_hulls import ClassHulls, hull_distance
    from hullspace.comparison import SpaceComparison, compare_spaces
    from hullspace.features import FeatureSet, FeatureSpace, FeatureSplit, Head
    from hullspace.hull import Certificate, Hull, Membership, Projection
    from hullspace.networks import ReluNetwork
    from hullspace.partition import DecisionPartition
    from hullspace.polyhedron import (
        ChebyshevCenter,
        ChebyshevCenters,
        Polyhedron,
        chebyshev_centers,
    )
    from hullspace.regions import (
        DecisionBoundary,
        LinearRegion,
        NearestBoundary,
        RegionComplex,
        RegionCount,
        RegionSlice,
        SearchInterrupted,
        SegmentWalk,
        SegmentWalks,
        count_regions,
        decision_boundary,
        enumerate_regions,
        iterate_regions,
        nearest_boundary,
        region_at,
        slice_regions,
        slice_through,
        walk_segment,
    )
    from hullspace.status import Proof, Status
    from hullspace.studies import Study, study

__version__: str = _core.__version__

_HOMES = {
    "Certificate": "hull",
    "ChebyshevCenter": "polyhedron",
    "ChebyshevCenters": "polyhedron",
    "ClassHulls": "class_hulls",
    "DecisionBoundary": "regions",
    "DecisionPartition": "partition",
    "FeatureSet": "features",
    "FeatureSpace": "features",
    "FeatureSplit": "features",
    "Head": "features",
    "Hull": "hull",
    "LinearRegion": "regions",
    "Membership": "hull",
    "NearestBoundary": "regions",
    "Polyhedron": "polyhedron",
    "Projection": "hull",
    "Proof": "status",
    "RegionComplex": "regions",
    "RegionCount": "regions",
    "RegionSlice": "regions",
    "ReluNetwork": "networks",
    "SearchInterrupted": "regions",
    "SegmentWalk": "regions",
    "SegmentWalks": "regions",
    "SpaceComparison": "comparison",
    "Status": "status",
    "Study": "studies",
    "chebyshev_centers": "polyhedron",
    "compare_spaces": "comparison",
    "count_regions": "regions",
    "decision_boundary": "regions",
    "devices": "_device",
    "enumerate_regions": "regions",
    "hull_distance": "class_hulls",
    "iterate_regions": "regions",
    "nearest_boundary": "regions",
    "region_at": "regions",
    "slice_regions": "regions",
    "slice_through": "regions",
    "study": "studies",
    "walk_segment": "regions",
}
_MODULES = (
    "certificates",
    "comparison",
    "datasets",
    "features",
    "hull",
    "partition",
    "pixels",
    "polyhedron",
    "regions",
    "studies",
)

__all__ = [
    "Certificate",
    "ChebyshevCenter",
    "ChebyshevCenters",
    "ClassHulls",
    "DecisionBoundary",
    "DecisionPartition",
    "FeatureSet",
    "FeatureSpace",
    "FeatureSplit",
    "Head",
    "Hull",
    "LinearRegion",
    "Membership",
    "NearestBoundary",
    "Polyhedron",
    "Projection",
    "Proof",
    "RegionComplex",
    "RegionCount",
    "RegionSlice",
    "ReluNetwork",
    "SearchInterrupted",
    "SegmentWalk",
    "SegmentWalks",
    "SpaceComparison",
    "Status",
    "Study",
    "build_info",
    "certificates",
    "chebyshev_centers",
    "compare_spaces",
    "comparison",
    "count_regions",
    "datasets",
    "decision_boundary",
    "devices",
    "enumerate_regions",
    "features",
    "hull",
    "hull_distance",
    "iterate_regions",
    "nearest_boundary",
    "partition",
    "pixels",
    "polyhedron",
    "region_at",
    "regions",
    "slice_regions",
    "slice_through",
    "studies",
    "study",
    "walk_segment",
]


def __getattr__(name: str) -> Any:
    """Import the module that defines `name` on first use."""
    if name in _HOMES:
        value = getattr(importlib.import_module(f"hullspace.{_HOMES[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"hullspace.{name}")
    else:
        raise AttributeError(f"module 'hullspace' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def build_info() -> dict[str, Any]:
    """Describe the compiled core: what it was built with and what it uses on this machine.

    Returns
    -------
    dict
        ``version``, ``compiler``, ``instruction_sets`` (``found`` on this machine, ``built``
        into the core, ``used`` by it), ``threads`` (used by default), ``cuda`` (``built`` and,
        where not, the ``reason``; the ``architectures`` that there is machine code for; and the
        path of the ``library``, empty where it is not there). `devices` says which GPUs there are.

    Examples
    --------
    >>> import hullspace
    >>> hullspace.build_info()["version"] == hullspace.__version__
    True
    """
    return _core.build_info()
