"""Linear regions of piecewise affine networks: all, in a plane, on a segment, around an input."""

from hullspace.regions.boundary import DecisionBoundary, decision_boundary
from hullspace.regions.complex import RegionComplex, SearchInterrupted, TooThin
from hullspace.regions.counting import RegionCount, count_regions
from hullspace.regions.enumerate import enumerate_regions, iterate_regions
from hullspace.regions.local import LinearRegion, region_at
from hullspace.regions.nearest import NearestBoundary, nearest_boundary
from hullspace.regions.segments import SegmentWalk, SegmentWalks, walk_segment
from hullspace.regions.slices import RegionSlice, slice_regions, slice_through

__all__ = [
    "DecisionBoundary",
    "LinearRegion",
    "NearestBoundary",
    "RegionComplex",
    "RegionCount",
    "RegionSlice",
    "SearchInterrupted",
    "SegmentWalk",
    "SegmentWalks",
    "TooThin",
    "count_regions",
    "decision_boundary",
    "enumerate_regions",
    "iterate_regions",
    "nearest_boundary",
    "region_at",
    "slice_regions",
    "slice_through",
    "walk_segment",
]
