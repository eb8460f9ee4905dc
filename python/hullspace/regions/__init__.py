"""Linear regions of piecewise affine networks."""

from hullspace.regions.boundary import DecisionBoundary, decision_boundary
from hullspace.regions.complex import RegionComplex, TooThin
from hullspace.regions.search import SearchInterrupted, enumerate_regions
from hullspace.regions.segments import SegmentWalk, SegmentWalks, walk_segment
from hullspace.regions.slices import RegionSlice, slice_regions, slice_through

__all__ = [
    "DecisionBoundary",
    "RegionComplex",
    "RegionSlice",
    "SearchInterrupted",
    "SegmentWalk",
    "SegmentWalks",
    "TooThin",
    "decision_boundary",
    "enumerate_regions",
    "slice_regions",
    "slice_through",
    "walk_segment",
]
