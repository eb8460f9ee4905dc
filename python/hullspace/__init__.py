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
        datasets,
        features,
        hull,
        partition,
        polyhedron,
        regions,
        study,
    )
    from hullspace.class_hulls import ClassHulls, hull_distance
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
    from hullspace.status import Proof, Status

__version__: str = _core.__version__

_HOMES = {
    "Certificate": "hull",
    "ChebyshevCenter": "polyhedron",
    "ChebyshevCenters": "polyhedron",
    "ClassHulls": "class_hulls",
    "DecisionPartition": "partition",
    "FeatureSet": "features",
    "FeatureSpace": "features",
    "FeatureSplit": "features",
    "Head": "features",
    "Hull": "hull",
    "Membership": "hull",
    "Polyhedron": "polyhedron",
    "Projection": "hull",
    "Proof": "status",
    "ReluNetwork": "networks",
    "Status": "status",
    "chebyshev_centers": "polyhedron",
    "hull_distance": "class_hulls",
}
_MODULES = (
    "certificates",
    "datasets",
    "features",
    "hull",
    "partition",
    "polyhedron",
    "regions",
    "study",
)

__all__ = [
    "Certificate",
    "ChebyshevCenter",
    "ChebyshevCenters",
    "ClassHulls",
    "DecisionPartition",
    "FeatureSet",
    "FeatureSpace",
    "FeatureSplit",
    "Head",
    "Hull",
    "Membership",
    "Polyhedron",
    "Projection",
    "Proof",
    "ReluNetwork",
    "Status",
    "build_info",
    "certificates",
    "chebyshev_centers",
    "datasets",
    "features",
    "hull",
    "hull_distance",
    "partition",
    "polyhedron",
    "regions",
    "study",
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
        where not, the ``reason``).

    Examples
    --------
    >>> import hullspace
    >>> hullspace.build_info()["version"] == hullspace.__version__
    True
    """
    return _core.build_info()
