"""The nearest point where a network's class changes, found and proven by branch and bound."""

from hullspace.regions.nearest.nearest import NearestBoundary, nearest_boundary

__all__ = ["NearestBoundary", "nearest_boundary"]
