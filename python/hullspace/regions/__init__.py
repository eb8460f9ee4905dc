"""Linear regions of piecewise affine networks: of one input, around it, and where they end."""

from hullspace.regions.local import LinearRegion, region_at
from hullspace.regions.nearest import NearestBoundary, nearest_boundary

__all__ = ["LinearRegion", "NearestBoundary", "nearest_boundary", "region_at"]
