"""Piecewise affine networks as stages of affine maps and ReLU-like units."""

from hullspace.networks.network import ReluNetwork, pack, region_constraints, unpack
from hullspace.networks.operators import Convolution, Dense, Operator, Sparse, identity
from hullspace.networks.stages import Stage, Term

__all__ = [
    "Convolution",
    "Dense",
    "Operator",
    "ReluNetwork",
    "Sparse",
    "Stage",
    "Term",
    "identity",
    "pack",
    "region_constraints",
    "unpack",
]
