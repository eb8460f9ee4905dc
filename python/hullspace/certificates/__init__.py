"""Checks of the proofs that answers carry, and proofs that no rounding qualifies.

`check` verifies a certificate as it stands, in double precision, by code that shares nothing with
the solver. `prove` decides membership with tolerance zero; it may search for better evidence than
the certificate holds, and its verdict rests on rigorous bounds and exact integers alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.arguments import DEFAULT_TOLERANCE, as_tolerance
from hullspace.certificates import polyhedra
from hullspace.certificates.checker import Checker, in_host_memory
from hullspace.certificates.exact import prove
from hullspace.certificates.registry import CENTERS, OF_OTHERS, kind_of
from hullspace.devices import on_host

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Checker", "check", "prove"]


def check(
    subject: Any,
    queries: Any,
    result: Any,
    *,
    tolerance: float = DEFAULT_TOLERANCE,
    equalities: Any = None,
) -> npt.NDArray[np.bool_]:
    """Check every answer of `result` against the data alone.

    Parameters
    ----------
    subject : object
        What the result is about; see the table.
    queries : object
        What was asked, in the same order.
    result : object
        The answers with their certificates.
    tolerance : float, default 1e-9
        What was asked for, relative to the scale of the data. What a certificate says of its own
        tolerance does not count: answers to a larger one are checked with that.
    equalities : pair of arrays, or list of pairs, optional
        For `ChebyshevCenters` alone: what `chebyshev_centers` was given.

    Returns
    -------
    bool array
        True where the certificate proves the claim, rounding accounted for. UNDECIDED and LIMIT
        claim nothing and are never True; what does not apply to an answer must say so.

    Raises
    ------
    TypeError, ValueError
        If there is no check of such a result, with the reason; if arrays are unfit or no part of
        the result can be read as what it should be; if shapes do not belong together.

    Notes
    -----
    What belongs together, and the shape of the answer:

    ======================= ======================= =================== ======================
    result                  subject                 queries             shape
    ======================= ======================= =================== ======================
    Membership, Projection  points                  queries             (n_queries,)
    Ray                     points                  origins, directions (n_rays,)
    Gauge                   points                  queries             (n_queries,)
    Support                 points                  directions          (n_directions,)
    Vertices                points                  None                (n_vertices,)
    Coreset                 points                  None                (n_points,)
    HullDistance            points_a, points_b      None                (1,)
    ClassMemberships,       points, labels; or the  queries             (n_queries, n_classes)
    ClassProjections        ClassHulls
    NearestClass            as above                queries             (n_queries,)
    ClassDistances          as above                None                (n_classes, n_classes)
    ChebyshevCenters        matrices A              offsets b           (n_problems,)
    ChebyshevCenter         Polyhedron              None                (1,)
    PolyhedronSupport       Polyhedron              directions          (n_directions,)
    PolyhedronProjection    Polyhedron              points              (n_points,)
    Irredundant             Polyhedron              None                (n_irredundant,)
    BoundaryPoints          DecisionPartition       features            as the distances
    BoundaryDistances       Head                    features            (n,)
    RegionDistances         DecisionPartition       features            (n, n_classes)
    Segments                DecisionPartition       z0, z1              (n_segments,)
    ChebyshevBalls          DecisionPartition       None                (n_classes,)
    Adjacency               DecisionPartition       None                (n_classes, n_classes)
    AmbiguityTable          DecisionPartition       None                (n_subsets,)
    AmbiguousPoints         DecisionPartition       features or None    (n,) or (1,)
    Ambiguity               DecisionPartition       features            (n,)
    GuaranteedBalls, Boxes  DecisionPartition       features            (n,)
    GuaranteedRegions       DecisionPartition       None                one for each region
    Guarantees,             partition, features; or features            (n,)
    GuaranteedProjections   partition, regions
    NearestBoundary         ReluNetwork             input               (1,)
    LinearRegion            ReluNetwork             input or None       (1,)
    SegmentWalk(s)          ReluNetwork             a, b                (n_segments,)
    ======================= ======================= =================== ======================

    Two arguments in one place are a tuple. What is proven:

    - *Hulls.* INSIDE: the weights are convex and reproduce the query within the tolerance. OUTSIDE:
      all points lie strictly on one side of the hyperplane and the query, or ray, on the other.
      OPTIMAL: the weights are convex and give the point, and the hyperplane through it bounds the
      distance as the gap says, which is within the tolerance; of a ray, no step leads to the hull
      from which the hyperplane lies farther back than the tolerance. Gauges are one over the steps
      of rays. Supports are attained by the point and exceeded by none; that it is the first of
      equal ones is not checked. Vertices lie beyond all others that are listed, and no point beyond
      them by more than the tolerance; that none is missing is not checked. A coreset's weights lead
      to within the error of each point. Classes: the same for every class.
    - *Polyhedra.* OPTIMAL: the point, or ball, is feasible, the multipliers are nonnegative and
      combine the rows as they must, and the gap is what lies between the value and the bound, and
      within the tolerance: all up to a backward error of some roundings in each row. UNBOUNDED: the
      ray leads from a feasible point to ever better ones along all constraints. EMPTY: the
      multipliers prove that no point is feasible; if they cancel only up to rounding and no exact
      ones are found, that none is within 2**20 times the distance of the farthest hyperplane that
      they use. Irredundant rows: the witness violates its row, and of the irredundant rows and the
      equalities no other; that the remaining rows are redundant is not checked.
    - *Partitions.* Nearest ties and flip points are ties at the top, in the domain, up to a
      backward error, and for every other candidate multipliers, or the distance to where the
      classes tie, prove that it is not nearer by more than the gap. Balls, tables and adjacency are
      proven as polyhedra are. Boxes keep to their region; that none is larger is not checked. That
      regions are guaranteed is exact.
    - *Networks.* Nearest boundary: the point is in the domain, at the distance `upper`, and another
      class reaches the top there. That none is nearer (`lower`), or that the class never changes
      (EMPTY), takes a search to prove and is not checked; so EMPTY is never True. Linear regions:
      pattern, class and map are right, and no hyperplane of a unit or tie is nearer than the radii,
      exactly. Walks: every piece has its pattern at both ends, and every class is at the top, but
      for what rounding of the breakpoints explains. Networks with weights beyond 2**200, or below
      2**-200, are left unproven.

    Everything may be on a GPU; the check is done by the CPU. For hulls it costs about one
    double-precision matrix product of the points with the queries. Where EMPTY is in doubt, some
    milliseconds of integer arithmetic are added for each answer. See `Checker` for many checks
    about the same points.

    Examples
    --------
    >>> import hullspace
    >>> points = [[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]
    >>> queries = [[0.5, 0.5], [2.0, 2.0]]
    >>> membership = hullspace.Hull(points).contains(queries)
    >>> hullspace.certificates.check(points, queries, membership)
    array([ True,  True])
    >>> square = [[1, 0], [-1, 0], [0, 1], [0, -1]]
    >>> bounds = [[1, 1, 1, 1], [1, -2, 1, 1]]
    >>> found = hullspace.chebyshev_centers(square, bounds)
    >>> found
    ChebyshevCenters(2 problems: 1 optimal, 1 empty)
    >>> hullspace.certificates.check(square, bounds, found)
    array([ True,  True])
    """
    kind = kind_of(result)
    if equalities is not None and kind != CENTERS:
        raise ValueError(f"equalities must be None for {kind}")
    share = as_tolerance(tolerance)
    if kind not in OF_OTHERS and kind != CENTERS:
        return Checker(subject).check(queries, result, tolerance=share)
    subject, queries, result = map(in_host_memory, (subject, queries, result))
    with np.errstate(all="ignore"):  # whatever a corrupted certificate leads to fails its test
        if kind == CENTERS:
            return polyhedra.check_centers(subject, queries, result, share, on_host(equalities))
        return OF_OTHERS[kind](subject, queries, result, share)
