"""Which check belongs to which result, by the name of its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hullspace.certificates import (
    ambiguities,
    balls,
    boundaries,
    extremes,
    guarantees,
    hulls,
    linear_regions,
    neighborhoods,
    networks,
    pairs,
    polyhedra,
    rays,
    walks,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hullspace.certificates.points import PointSet
    from hullspace.certificates.rounding import Bools

    HullCheck = Callable[[PointSet, Any, Any, float], Bools]
    Check = Callable[[Any, Any, Any, float], Bools]

# What is about one set of points.
OF_POINTS: Mapping[str, HullCheck] = {
    "Membership": hulls.check_membership,
    "Projection": hulls.check_projection,
    "Ray": rays.check_ray,
    "Gauge": rays.check_gauge,
    "Support": extremes.check_support,
    "Vertices": extremes.check_vertices,
    "Coreset": extremes.check_coreset,
}
# What is about something else, which the check sorts out itself.
OF_OTHERS: Mapping[str, Check] = {
    "HullDistance": pairs.check_hull_distance,
    "ClassMemberships": pairs.check_class_memberships,
    "ClassProjections": pairs.check_class_projections,
    "NearestClass": pairs.check_nearest_class,
    "ClassDistances": pairs.check_class_distances,
    "ChebyshevCenter": polyhedra.check_center,
    "PolyhedronSupport": polyhedra.check_support,
    "PolyhedronProjection": polyhedra.check_projection,
    "Irredundant": polyhedra.check_irredundant,
    "BoundaryPoints": boundaries.check_boundary_points,
    "BoundaryDistances": boundaries.check_boundary_distances,
    "Segments": boundaries.check_segments,
    "AmbiguityTable": ambiguities.check_table,
    "AmbiguousPoints": ambiguities.check_ambiguous_points,
    "Ambiguity": ambiguities.check_ambiguity,
    "ChebyshevBalls": balls.check_balls,
    "Adjacency": balls.check_adjacency,
    "RegionDistances": neighborhoods.check_region_distances,
    "GuaranteedBalls": neighborhoods.check_guaranteed_balls,
    "Boxes": neighborhoods.check_boxes,
    "GuaranteedRegions": guarantees.check_regions,
    "Guarantees": guarantees.check_guarantees,
    "GuaranteedProjections": guarantees.check_guaranteed_projections,
    "NearestBoundary": networks.check_nearest_boundary,
    "LinearRegion": linear_regions.check_linear_region,
    "SegmentWalk": walks.check_walk,
    "SegmentWalks": walks.check_walks,
}
# The only one whose subject is in three parts.
CENTERS = "ChebyshevCenters"
# Why what else there is cannot be checked.
REASONS: Mapping[str, str] = {
    "Facets": "that its facets are all there are rests on Qhull",
    "Samples": "samples are random and claim nothing",
    "Volume": "a volume is computed by Qhull, or estimated from samples",
    "Shares": "shares are estimated from samples",
    "Coverage": "shares are estimated from samples; check what `contains` and `project` return",
    "RegionComplex": "its own `check` says what `enumerate_regions(..., verify=True)` has proven",
    "RegionCount": "it holds no regions; `enumerate_regions(..., verify=True)` proves a number",
}


def kind_of(result: Any) -> str:
    """Return the name under which a result is checked.

    Raises
    ------
    TypeError
        If there is no check of it, saying why.
    """
    names = [t.__name__ for t in type(result).__mro__ if t.__module__.split(".")[0] == "hullspace"]
    known = {*OF_POINTS, *OF_OTHERS, CENTERS}
    for name in names:
        if name in known:
            return name
    for name in names:
        if name in REASONS:
            raise TypeError(f"result must be one that can be checked, got {name}: {REASONS[name]}")
    raise TypeError(
        f"result must be one of {', '.join(sorted(known))}, got {type(result).__name__}, "
        "which carries no certificate"
    )
