"""Convex polyhedra {x : A x <= b, E x = d} in any dimension.

Largest balls, linear programs, nearest points and what follows from them, many at a time. Linear
programs are solved by a dense simplex method with steepest-edge pricing, nearest points by the dual
active-set method of Goldfarb and Idnani [1]_; every answer carries the multipliers or the ray that
prove it, and `hullspace.certificates.check` verifies them.

References
----------
.. [1] D. Goldfarb and A. Idnani, "A numerically stable dual method for solving strictly convex
   quadratic programs", Mathematical Programming 27 (1983).
"""

from hullspace.polyhedron.chebyshev import chebyshev_centers
from hullspace.polyhedron.polyhedron import Polyhedron, project_batch
from hullspace.polyhedron.results import (
    ChebyshevCenter,
    ChebyshevCenters,
    Irredundant,
    PolyhedronProjection,
    PolyhedronSupport,
    Samples,
    Volume,
)

__all__ = [
    "ChebyshevCenter",
    "ChebyshevCenters",
    "Irredundant",
    "Polyhedron",
    "PolyhedronProjection",
    "PolyhedronSupport",
    "Samples",
    "Volume",
    "chebyshev_centers",
    "project_batch",
]
