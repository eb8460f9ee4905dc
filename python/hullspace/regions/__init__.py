"""Linear regions of piecewise affine networks."""

from hullspace.regions.segments import SegmentWalk, SegmentWalks, walk_segment

__all__ = ["SegmentWalk", "SegmentWalks", "walk_segment"]
