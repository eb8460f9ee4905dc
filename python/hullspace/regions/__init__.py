"""Linear regions of piecewise affine networks: of one input, around it, and where they end."""

from hullspace.regions.local import LinearRegion, region_at

__all__ = ["LinearRegion", "region_at"]
