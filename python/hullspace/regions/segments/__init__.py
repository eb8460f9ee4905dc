"""Linear regions along segments between inputs."""

from hullspace.regions.segments.segments import SegmentWalk, SegmentWalks, walk_segment

__all__ = ["SegmentWalk", "SegmentWalks", "walk_segment"]
