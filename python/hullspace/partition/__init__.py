"""The partition of feature space into decision regions by an affine head.

The region of class c is the set of features whose logit of c is the largest: the intersection of
the half-spaces ``(W_c - W_j) z + (b_c - b_j) >= 0`` over all other classes j, hence a convex
polyhedron (arXiv 2202.04052, section 3).
"""

from hullspace.partition.ambiguity import Ambiguity, AmbiguityTable, AmbiguousPoints
from hullspace.partition.closed_form import BoundaryDistances, boundary_distances
from hullspace.partition.decision import DecisionPartition
from hullspace.partition.domain import Domain
from hullspace.partition.flips import BoundaryPoints
from hullspace.partition.guaranteed import (
    Coverage,
    GuaranteedProjections,
    GuaranteedRegions,
    Guarantees,
)
from hullspace.partition.neighborhoods import Boxes, GuaranteedBalls
from hullspace.partition.proofs import GuaranteeProof
from hullspace.partition.regions import Adjacency, ChebyshevBalls, RegionDistances, Shares
from hullspace.partition.segments import Segments

__all__ = [
    "Adjacency",
    "Ambiguity",
    "AmbiguityTable",
    "AmbiguousPoints",
    "BoundaryDistances",
    "BoundaryPoints",
    "Boxes",
    "ChebyshevBalls",
    "Coverage",
    "DecisionPartition",
    "Domain",
    "GuaranteeProof",
    "GuaranteedBalls",
    "GuaranteedProjections",
    "GuaranteedRegions",
    "Guarantees",
    "RegionDistances",
    "Segments",
    "Shares",
    "boundary_distances",
]
