"""Linear regions of piecewise affine networks: of one input, around it, and where they end."""

from hullspace.regions.counting import RegionCount, count_regions
from hullspace.regions.local import LinearRegion, region_at
from hullspace.regions.nearest import NearestBoundary, nearest_boundary

__all__ = [
    "LinearRegion",
    "NearestBoundary",
    "RegionCount",
    "count_regions",
    "nearest_boundary",
    "region_at",
]
