"""What is known of a model's training and test points: each fact is found when asked for, once.

A comparison and a study ask about the same hulls and boundaries from many sides; both ask here, so
that hulls are prepared once and no question goes to the core twice.
"""

from hullspace.facts.asking import CHUNK, Asking, Progress, Silent
from hullspace.facts.classes import ClassFacts, PairDistances
from hullspace.facts.decisions import DecisionFacts, NearestFlips, PairFlips, TieDistances
from hullspace.facts.features import FeatureFacts
from hullspace.facts.hulls import (
    CheckedHull,
    Distances,
    Extremes,
    Gauges,
    Memberships,
    PreparedHulls,
)
from hullspace.facts.points import PointFacts

__all__ = [
    "CHUNK",
    "Asking",
    "CheckedHull",
    "ClassFacts",
    "DecisionFacts",
    "Distances",
    "Extremes",
    "FeatureFacts",
    "Gauges",
    "Memberships",
    "NearestFlips",
    "PairDistances",
    "PairFlips",
    "PointFacts",
    "PreparedHulls",
    "Progress",
    "Silent",
    "TieDistances",
]
