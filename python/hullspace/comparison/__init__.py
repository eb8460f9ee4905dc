"""Feature space against pixel space: hulls, boundaries, flips, segments and errors, side by side.

`compare_spaces` makes the whole comparison. Every figure is an `Estimate`: a value with a bootstrap
interval, the sentence that says what it means, and whether it is proven, measured or heuristic.
"""

from hullspace.comparison.adversarial import AdversarialRegions
from hullspace.comparison.comparison import SpaceComparison, compare_known, compare_spaces
from hullspace.comparison.controls import Controls
from hullspace.comparison.flips import FlipComparison, FlipLike
from hullspace.comparison.hull_shares import HullShares
from hullspace.comparison.prediction import Classifiers, ErrorPrediction
from hullspace.comparison.problem import few_of
from hullspace.comparison.representations import Representation, Wavelets
from hullspace.comparison.segments import SegmentComparison
from hullspace.comparison.statistics import Bootstrap, Estimate
from hullspace.comparison.ways import WayAngles

__all__ = [
    "AdversarialRegions",
    "Bootstrap",
    "Classifiers",
    "Controls",
    "ErrorPrediction",
    "Estimate",
    "FlipComparison",
    "FlipLike",
    "HullShares",
    "Representation",
    "SegmentComparison",
    "SpaceComparison",
    "Wavelets",
    "WayAngles",
    "compare_known",
    "compare_spaces",
    "few_of",
]
