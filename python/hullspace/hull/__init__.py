"""Convex hulls of point sets in any dimension.

The hull is never made explicit: every answer comes from an active-set method that asks which points
of the set score lowest against a direction [1]_. In few dimensions, where Qhull lists facets
quickly, that search runs on the vertices that it finds.

References
----------
.. [1] P. Wolfe, "Finding the nearest point in a polytope", Mathematical Programming 11 (1976).
"""

from hullspace.arguments import DEFAULT_TOLERANCE
from hullspace.hull.classes import ClassHulls, HullDistance, hull_distance
from hullspace.hull.hull import Hull
from hullspace.hull.results import (
    Certificate,
    Coreset,
    Facets,
    Gauge,
    Membership,
    Projection,
    Ray,
    Support,
    Vertices,
)

__all__ = [
    "DEFAULT_TOLERANCE",
    "Certificate",
    "ClassHulls",
    "Coreset",
    "Facets",
    "Gauge",
    "Hull",
    "HullDistance",
    "Membership",
    "Projection",
    "Ray",
    "Support",
    "Vertices",
    "hull_distance",
]
