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
    subject : array_like or Polyhedron
        What the result is about: the points of a hull, (n_points, n_features); the matrices A
        that `chebyshev_centers` was given; or a polyhedron.
    queries : array_like or None
        What was asked, in the same order: queries of the hull; the offsets b that
        `chebyshev_centers` was given; directions of the support, or points to project. None for
        a `ChebyshevCenter` and for `Irredundant`.
    result : Membership, Projection, ChebyshevCenters, ChebyshevCenter, PolyhedronSupport, \
PolyhedronProjection or Irredundant
        The answers with their certificates.
    equalities : pair of arrays, or list of pairs, optional
        For `ChebyshevCenters` alone: what `chebyshev_centers` was given.

    Returns
    -------
    bool array, one element for each answer
        True where the certificate proves the claim; UNDECIDED and LIMIT claim nothing and are
        never True.

        Hulls. INSIDE: the weights are convex and reproduce the query within the certificate's
        tolerance. OUTSIDE: all points lie strictly on one side of the hyperplane and the query
        on the other, rounding accounted for. OPTIMAL: the weights are convex and give the
        nearest point, and the hyperplane through it bounds the distance as the gap says.

        Polyhedra. OPTIMAL: the point, or ball, is feasible, the multipliers are nonnegative and
        combine the rows as they must, and the gap is what lies between the value and the bound,
        and small: all up to a backward error of some roundings in each row. UNBOUNDED: the ray
        leads from a feasible point to ever better ones along all constraints. EMPTY: the
        multipliers prove that no point is feasible; if they cancel only up to rounding and no
        exact ones are found, that none is within 2**20 times the distance of the farthest
        hyperplane that they use. Irredundant rows: the witness violates its row, and of the
        irredundant rows and the equalities no other; that the remaining rows are redundant is
        not checked.

    Raises
    ------
    TypeError, ValueError
        If the arrays are unfit, or the shapes do not belong together.

    Notes
    -----
    Everything may be on a GPU; the check is done by the CPU.

    Costs one double-precision matrix product of the points, or rows, with the queries. Where
    EMPTY is in doubt, some milliseconds of integer arithmetic are added for each answer.

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
